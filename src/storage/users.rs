//! Users and the hashes of their tokens and secrets.
//! What is hashed, and how, is not known here.

use diesel::{IntoSql, prelude::*, sql_types::Text};

use super::{
    Connection, StorageError,
    connection::run,
    schema::{tokens, users},
};
use crate::domain::{Ban, ServerRole, Timestamp, User, UserId};

/// What the nickname's key of a guest who is gone begins with.
const GONE_KEY: &str = "\u{1}";

/// When a guest who is gone was seen: never looked at again.
const GONE: i64 = i64::MAX;

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

/// A user, and what they are on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who.
    pub user: User,
    /// What they are.
    pub role: ServerRole,
    /// That they may not use it, where somebody said so; it may be over.
    pub ban: Option<Ban>,
    /// When they were last seen.
    pub seen_at: Timestamp,
}

/// A row that makes a [`Person`].
#[derive(Queryable)]
pub(super) struct PersonRow {
    id: String,
    nickname: String,
    role: String,
    seen_at: i64,
    banned_at: Option<i64>,
    banned_until: Option<i64>,
    ban_reason: Option<String>,
}

impl TryFrom<PersonRow> for Person {
    type Error = StorageError;

    fn try_from(row: PersonRow) -> Result<Self, StorageError> {
        let role = ServerRole::of_name(&row.role)
            .ok_or_else(|| StorageError::corrupt(format!("{} is no role", row.role)))?;
        let until = row.banned_until.map(Timestamp::from_millis);
        let ban = row.banned_at.map(|_| Ban { until, reason: row.ban_reason });
        let user = User { id: UserId::new(row.id), nickname: row.nickname.into() };
        Ok(Self { user, role, ban, seen_at: Timestamp::from_millis(row.seen_at) })
    }
}

/// What makes a [`Person`].
pub(super) const PERSON: (
    users::id,
    users::nickname,
    users::role,
    users::seen_at,
    users::banned_at,
    users::banned_until,
    users::ban_reason,
) = (
    users::id,
    users::nickname,
    users::role,
    users::seen_at,
    users::banned_at,
    users::banned_until,
    users::ban_reason,
);

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
        users::seen_at.eq(new.created_at.as_millis()),
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
pub fn by_token(connection: &mut Connection, hash: &[u8; 32]) -> Result<Option<Person>, StorageError> {
    let row: Option<PersonRow> = run!(connection, |session| tokens::table
        .inner_join(users::table)
        .filter(tokens::hash.eq(hash.as_slice()))
        .select(PERSON)
        .first(session)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// The user of an id.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_id(connection: &mut Connection, id: &UserId) -> Result<Option<Person>, StorageError> {
    let row: Option<PersonRow> = run!(connection, |session| users::table
        .filter(users::id.eq(id.as_str()))
        .select(PERSON)
        .first(session)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// Whether somebody has a nickname.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn has_nickname(connection: &mut Connection, key: &str) -> Result<bool, StorageError> {
    let holders: i64 = run!(connection, |session| users::table
        .filter(users::nickname_key.eq(key))
        .count()
        .get_result(session))?;
    Ok(holders > 0)
}

/// Bans a user since an instant, or does not any more; false where there is no such user.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn set_ban(
    connection: &mut Connection,
    id: &UserId,
    now: Timestamp,
    ban: Option<&Ban>,
) -> Result<bool, StorageError> {
    let changed = run!(connection, |session| diesel::update(users::table.filter(users::id.eq(id.as_str())))
        .set((
            users::banned_at.eq(ban.map(|_| now.as_millis())),
            users::banned_until.eq(ban.and_then(|ban| ban.until).map(Timestamp::as_millis)),
            users::ban_reason.eq(ban.and_then(|ban| ban.reason.as_ref())),
        ))
        .execute(session))?;
    Ok(changed == 1)
}

/// Gives a user another role; false where there is no such user.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn set_role(connection: &mut Connection, id: &UserId, role: ServerRole) -> Result<bool, StorageError> {
    let changed = run!(connection, |session| diesel::update(users::table.filter(users::id.eq(id.as_str())))
        .set(users::role.eq(role.name()))
        .execute(session))?;
    Ok(changed == 1)
}

/// Guests were seen now, if they have not been since `before`.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn seen(
    connection: &mut Connection,
    ids: &[UserId],
    now: Timestamp,
    before: Timestamp,
) -> Result<(), StorageError> {
    let guests = users::table
        .filter(users::id.eq_any(ids.iter().map(UserId::as_str)))
        .filter(users::role.eq(ServerRole::Guest.name()))
        .filter(users::seen_at.lt(before.as_millis()));
    run!(connection, |session| diesel::update(guests)
        .set(users::seen_at.eq(now.as_millis()))
        .execute(session))?;
    Ok(())
}

/// Takes nickname, tokens and secret from guests who were not seen since `before`, at most `limit` of them, and says who
/// they are. What they said stays theirs.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn expire_guests(
    connection: &mut Connection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<UserId>, StorageError> {
    let idle: Vec<String> = run!(connection, |session| users::table
        .filter(users::role.eq(ServerRole::Guest.name()))
        .filter(users::seen_at.lt(before.as_millis()))
        .order(users::seen_at.asc())
        .limit(limit)
        .select(users::id)
        .load(session))?;
    run!(connection, |session| diesel::delete(tokens::table.filter(tokens::user_id.eq_any(&idle)))
        .execute(session))?;
    // No nickname begins with a control character, and ids are unique.
    run!(connection, |session| diesel::update(users::table.filter(users::id.eq_any(&idle)))
        .set((
            users::nickname_key.eq(GONE_KEY.into_sql::<Text>().concat(users::id)),
            users::secret_hash.eq(None::<Vec<u8>>),
            users::seen_at.eq(GONE),
        ))
        .execute(session))?;
    Ok(idle.into_iter().map(UserId::new).collect())
}

/// Ends a token.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn end_token(connection: &mut Connection, hash: &[u8; 32]) -> Result<(), StorageError> {
    run!(connection, |session| diesel::delete(tokens::table.find(hash.as_slice())).execute(session))?;
    Ok(())
}

/// The user whose nickname has this key.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_nickname_key(connection: &mut Connection, key: &str) -> Result<Option<User>, StorageError> {
    let row: Option<UserRow> = run!(connection, |session| users::table
        .filter(users::nickname_key.eq(key))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        Database,
        testbed::{on_every_database, user},
    };

    fn register(database: &Database, id: &str, secret: Option<u8>, token: u8) -> Registration {
        let new = NewUser {
            user: User { id: UserId::new(id), nickname: "Ada".into() },
            nickname_key: "ada".to_owned(),
            secret_hash: secret.map(|byte| [byte; 32]),
            token_hash: [token; 32],
            created_at: Timestamp::from_millis(1),
        };
        database.write(|connection| create(connection, &new)).unwrap()
    }

    fn who(database: &Database, token: u8) -> Option<UserId> {
        database.read(|connection| by_token(connection, &[token; 32])).unwrap().map(|person| person.user.id)
    }

    #[test]
    fn a_nickname_belongs_to_one_user() {
        on_every_database(|database| {
            assert_eq!(register(database, "u1", None, 1), Registration::Created);
            assert_eq!(register(database, "u2", None, 2), Registration::Taken);
            assert_eq!(register(database, "u3", Some(7), 3), Registration::Taken);
            assert_eq!([1, 2, 3].map(|token| who(database, token)), [Some(UserId::new("u1")), None, None]);
        });
    }

    #[test]
    fn the_same_secret_gives_the_same_user_and_one_more_token() {
        on_every_database(|database| {
            let ada = User { id: UserId::new("u1"), nickname: "Ada".into() };
            assert_eq!(register(database, "u1", Some(7), 1), Registration::Created);
            assert_eq!(register(database, "u2", Some(7), 2), Registration::Returned(ada));
            assert_eq!(register(database, "u3", Some(8), 3), Registration::Taken);
            assert_eq!([1, 2, 3].map(|token| who(database, token).is_some()), [true, true, false]);
        });
    }

    #[test]
    fn an_idle_guest_gives_back_nickname_token_and_secret() {
        on_every_database(|database| {
            register(database, "u1", Some(7), 1);
            let at = Timestamp::from_millis;
            let expire =
                |before: i64| database.write(|connection| expire_guests(connection, at(before), 10)).unwrap();
            assert_eq!(expire(1), [], "seen at 1, which is not before 1");
            let again = |connection: &mut Connection| seen(connection, &[UserId::new("u1")], at(50), at(40));
            database.write(again).unwrap();
            assert_eq!(expire(50), []);
            assert_eq!(expire(51), [UserId::new("u1")]);
            assert_eq!(expire(1_000), [], "once");
            database.write(again).unwrap();
            assert_eq!(expire(1_000), [], "who is gone is not seen");
            assert_eq!(who(database, 1), None);
            assert_eq!(register(database, "u2", Some(7), 2), Registration::Created);
            let gone = database.read(|connection| by_id(connection, &UserId::new("u1"))).unwrap().unwrap();
            assert_eq!(&*gone.user.nickname, "Ada");
        });
    }

    #[test]
    fn a_ban_is_kept_with_its_end_and_reason() {
        on_every_database(|database| {
            register(database, "u1", None, 1);
            let (id, now) = (UserId::new("u1"), Timestamp::from_millis(1));
            let ban = Ban { until: Some(Timestamp::from_millis(9)), reason: Some("spam".to_owned()) };
            let kept = |ban: Option<&Ban>| {
                assert!(database.write(|connection| set_ban(connection, &id, now, ban)).unwrap());
                database.read(|connection| by_token(connection, &[1; 32])).unwrap().unwrap().ban
            };
            assert_eq!(kept(Some(&ban)), Some(ban.clone()));
            assert_eq!(kept(None), None);
            let nobody = UserId::new("u9");
            assert!(!database.write(|connection| set_ban(connection, &nobody, now, Some(&ban))).unwrap());
        });
    }

    #[test]
    fn nobody_is_found_who_is_not_there() {
        on_every_database(|database| {
            assert_eq!(who(database, 1), None);
        });
    }

    #[test]
    fn a_token_is_stored_once_and_its_user_not_without_it() {
        on_every_database(|database| {
            register(database, "u1", None, 1);
            let new = NewUser {
                user: user("Bob"),
                nickname_key: "bob".to_owned(),
                secret_hash: None,
                token_hash: [1; 32],
                created_at: Timestamp::from_millis(1),
            };
            let refused = database.write(|connection| create(connection, &new));
            assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
            assert_eq!(
                database
                    .write(|connection| create(connection, &NewUser { token_hash: [2; 32], ..new }))
                    .unwrap(),
                Registration::Created
            );
        });
    }
}
