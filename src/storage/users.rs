//! Users and the hashes of their tokens and secrets.
//! What is hashed, and how, is not known here.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    schema::{tokens, users},
};
use crate::domain::{Timestamp, User, UserId};

/// A user who is about to be stored with a first token.
#[derive(Clone)]
pub struct NewUser {
    /// Whom to make.
    pub user: User,
    /// What tells nicknames apart.
    pub nickname_key: String,
    /// The hash of the secret with which the registration can be repeated, if there is one.
    pub secret_hash: Option<[u8; 32]>,
    /// The hash of the token that is handed out.
    pub token_hash: [u8; 32],
    /// When this happens.
    pub created_at: Timestamp,
}

/// What became of a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registration {
    /// The user and the token are stored.
    Created,
    /// This user came back with the same secret; the token is one more of theirs.
    Returned(User),
    /// Somebody else has the nickname; nothing is stored.
    Taken,
}

#[derive(Queryable)]
struct UserRow {
    id: String,
    nickname: String,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self { id: UserId::new(row.id), nickname: row.nickname.into() }
    }
}

/// Registers a user. Belongs into [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Conflict`] if the user's id or the token's hash is there already.
pub fn create(connection: &mut Connection, new: &NewUser) -> Result<Registration, StorageError> {
    let row = (
        users::id.eq(new.user.id.as_str()),
        users::nickname.eq(&*new.user.nickname),
        users::nickname_key.eq(&new.nickname_key),
        users::secret_hash.eq(new.secret_hash.as_ref().map(<[u8; 32]>::as_slice)),
        users::created_at.eq(new.created_at.as_millis()),
    );
    let inserted = run!(connection, |session| diesel::insert_into(users::table)
        .values(row)
        .on_conflict(users::nickname_key)
        .do_nothing()
        .execute(session))?;
    if inserted == 1 {
        add_token(connection, &new.user, new)?;
        return Ok(Registration::Created);
    }
    match by_secret(connection, new)? {
        Some(user) => {
            add_token(connection, &user, new)?;
            Ok(Registration::Returned(user))
        }
        None => Ok(Registration::Taken),
    }
}

/// The user whose token has this hash.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_token(connection: &mut Connection, hash: &[u8; 32]) -> Result<Option<User>, StorageError> {
    let row: Option<UserRow> = run!(connection, |session| tokens::table
        .inner_join(users::table)
        .filter(tokens::hash.eq(hash.as_slice()))
        .select((users::id, users::nickname))
        .first(session)
        .optional())?;
    Ok(row.map(User::from))
}

/// The user with this id.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_id(connection: &mut Connection, id: &UserId) -> Result<Option<User>, StorageError> {
    let row: Option<UserRow> = run!(connection, |session| users::table
        .find(id.as_str())
        .select((users::id, users::nickname))
        .first(session)
        .optional())?;
    Ok(row.map(User::from))
}

fn by_secret(connection: &mut Connection, new: &NewUser) -> Result<Option<User>, StorageError> {
    let Some(secret_hash) = &new.secret_hash else { return Ok(None) };
    let row: Option<UserRow> = run!(connection, |session| users::table
        .filter(users::nickname_key.eq(&new.nickname_key))
        .filter(users::secret_hash.eq(secret_hash.as_slice()))
        .select((users::id, users::nickname))
        .first(session)
        .optional())?;
    Ok(row.map(User::from))
}

fn add_token(connection: &mut Connection, user: &User, new: &NewUser) -> Result<(), StorageError> {
    let row = (
        tokens::hash.eq(new.token_hash.as_slice()),
        tokens::user_id.eq(user.id.as_str()),
        tokens::created_at.eq(new.created_at.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(tokens::table).values(row).execute(session))?;
    Ok(())
}
