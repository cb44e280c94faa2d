//! Logins that have not ended, each with the digest of its newest refresh token: the store for who has no other.
//! What a token is, and when a login is to end, is not known here.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::logins};
use crate::domain::{LoginId, Timestamp, UserId};

/// A login to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoginRecord {
    /// Its name.
    pub id: LoginId,
    /// Whose it is.
    pub user: UserId,
    /// What the client calls itself.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When its newest token was made.
    pub seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// How many tokens there were before the newest.
    pub generation: u64,
    /// The digest of the newest token.
    pub token_hash: [u8; 32],
}

#[derive(Queryable)]
struct Row {
    id: String,
    user: String,
    device: String,
    created_at: i64,
    seen_at: i64,
    expires_at: i64,
    generation: i64,
    token_hash: Vec<u8>,
}

impl TryFrom<Row> for LoginRecord {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        Ok(Self {
            id: LoginId::new(row.id),
            user: UserId::new(row.user),
            device: row.device,
            created_at: Timestamp::from_millis(row.created_at),
            seen_at: Timestamp::from_millis(row.seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
            generation: row.generation.unsigned_abs(),
            token_hash: row.token_hash.try_into().map_err(|_| StorageError::corrupt("a digest's length"))?,
        })
    }
}

/// Stores a new login.
///
/// # Errors
/// [`StorageError::Conflict`] if there is one of its name; [`StorageError::Unavailable`].
pub fn create(connection: &mut Connection, new: &LoginRecord) -> Result<(), StorageError> {
    let row = (
        logins::id.eq(new.id.as_str()),
        logins::user_id.eq(new.user.as_str()),
        logins::device.eq(&new.device),
        logins::created_at.eq(new.created_at.as_millis()),
        logins::seen_at.eq(new.seen_at.as_millis()),
        logins::expires_at.eq(new.expires_at.as_millis()),
        logins::generation.eq(new.generation.cast_signed()),
        logins::token_hash.eq(new.token_hash.as_slice()),
    );
    run!(connection, |session| diesel::insert_into(logins::table).values(row).execute(session))?;
    Ok(())
}

/// The login of a name.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_id(connection: &mut Connection, id: &LoginId) -> Result<Option<LoginRecord>, StorageError> {
    let row: Option<Row> =
        run!(connection, |session| logins::table.find(id.as_str()).first(session).optional())?;
    row.map(LoginRecord::try_from).transpose()
}

/// Puts the login in the place of what it was when its newest token had the digest `from`; false where it is otherwise
/// by now.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn advance(
    connection: &mut Connection,
    from: &[u8; 32],
    login: &LoginRecord,
) -> Result<bool, StorageError> {
    let as_known =
        logins::table.filter(logins::id.eq(login.id.as_str())).filter(logins::token_hash.eq(from.as_slice()));
    let changed = run!(connection, |session| diesel::update(as_known)
        .set((
            logins::seen_at.eq(login.seen_at.as_millis()),
            logins::expires_at.eq(login.expires_at.as_millis()),
            logins::generation.eq(login.generation.cast_signed()),
            logins::token_hash.eq(login.token_hash.as_slice()),
        ))
        .execute(session))?;
    Ok(changed == 1)
}

/// The logins of a user, newest first.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn of_user(connection: &mut Connection, user: &UserId) -> Result<Vec<LoginRecord>, StorageError> {
    let rows: Vec<Row> = run!(connection, |session| logins::table
        .filter(logins::user_id.eq(user.as_str()))
        .order((logins::created_at.desc(), logins::id.desc()))
        .load(session))?;
    rows.into_iter().map(LoginRecord::try_from).collect()
}

/// Ends a user's login; false where there is none of that name.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn end(connection: &mut Connection, user: &UserId, id: &LoginId) -> Result<bool, StorageError> {
    let own = logins::table.filter(logins::id.eq(id.as_str())).filter(logins::user_id.eq(user.as_str()));
    let ended = run!(connection, |session| diesel::delete(own).execute(session))?;
    Ok(ended == 1)
}

/// Ends the logins that have expired.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn end_expired(connection: &mut Connection, now: Timestamp) -> Result<usize, StorageError> {
    let expired = logins::table.filter(logins::expires_at.le(now.as_millis()));
    Ok(run!(connection, |session| diesel::delete(expired).execute(session))?)
}
