//! Accounts: users with a login and a hash of their password, and how often somebody tried to guess it.
//! How passwords are hashed, and how long a guesser must wait, is not known here.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    schema::{accounts, login_attempts, tokens, users},
};
use crate::domain::{ServerRole, Timestamp, User, UserId};

/// An account that is about to be stored.
#[derive(Clone)]
pub struct NewAccount {
    /// Whose it is: a user who is made with it, or one who is a guest.
    pub owner: Owner,
    /// The login as it was written.
    pub login: String,
    /// What tells logins apart.
    pub login_key: String,
    /// An address that nobody has verified.
    pub email: Option<String>,
    /// The password's hash, with how it was made.
    pub password_hash: String,
    /// What the user is on this server.
    pub role: ServerRole,
    /// When this happens.
    pub created_at: Timestamp,
}

/// Whose a new account is.
#[derive(Clone)]
pub enum Owner {
    /// A new user, and what tells nicknames apart.
    New(User, String),
    /// A guest, who may take another nickname with it.
    Guest(UserId, Option<(String, String)>),
}

/// What became of a new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Creation {
    /// It is stored.
    Created(User),
    /// Somebody else has the login; nothing is stored.
    LoginTaken,
    /// Somebody else has the nickname; nothing is stored.
    NicknameTaken,
    /// The user is no guest, or not there any more; nothing is stored.
    NoGuest,
}

/// An account as it is stored.
#[derive(Clone, PartialEq, Eq, Queryable)]
pub struct Account {
    /// Whose it is.
    pub user_id: String,
    /// The login as it was written.
    pub login: String,
    /// What tells logins apart.
    pub login_key: String,
    /// An address that nobody has verified.
    pub email: Option<String>,
    /// The password's hash.
    pub password_hash: String,
}

/// How often somebody tried to log in since it last succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Queryable)]
pub struct Attempts {
    /// So often.
    pub count: i64,
    /// When last, in milliseconds.
    pub last: i64,
}

/// Stores a new account, with its user where that is new. A guest's tokens end, for the account's logins stand for
/// them now. Belongs into [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Unavailable`], and [`StorageError::Conflict`] if somebody took login or nickname meanwhile.
pub fn create(connection: &mut Connection, new: &NewAccount) -> Result<Creation, StorageError> {
    if by_login(connection, &new.login_key)?.is_some() {
        return Ok(Creation::LoginTaken);
    }
    let user = match &new.owner {
        Owner::New(user, key) => insert_user(connection, user, key, new)?,
        Owner::Guest(id, name) => upgrade(connection, id, name.as_ref(), new.role)?,
    };
    let user = match user {
        Ok(user) => user,
        Err(creation) => return Ok(creation),
    };
    let row = (
        accounts::user_id.eq(user.id.as_str()),
        accounts::login.eq(&new.login),
        accounts::login_key.eq(&new.login_key),
        accounts::email.eq(new.email.as_ref()),
        accounts::password_hash.eq(&new.password_hash),
        accounts::created_at.eq(new.created_at.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(accounts::table).values(row).execute(session))?;
    Ok(Creation::Created(user))
}

fn insert_user(
    connection: &mut Connection,
    user: &User,
    nickname_key: &str,
    new: &NewAccount,
) -> Result<Result<User, Creation>, StorageError> {
    let row = (
        users::id.eq(user.id.as_str()),
        users::nickname.eq(&*user.nickname),
        users::nickname_key.eq(nickname_key),
        users::created_at.eq(new.created_at.as_millis()),
        users::seen_at.eq(new.created_at.as_millis()),
        users::role.eq(new.role.name()),
    );
    let inserted = run!(connection, |session| diesel::insert_into(users::table)
        .values(row)
        .on_conflict(users::nickname_key)
        .do_nothing()
        .execute(session))?;
    Ok(if inserted == 1 { Ok(user.clone()) } else { Err(Creation::NicknameTaken) })
}

fn upgrade(
    connection: &mut Connection,
    id: &UserId,
    name: Option<&(String, String)>,
    role: ServerRole,
) -> Result<Result<User, Creation>, StorageError> {
    let guest =
        users::table.filter(users::id.eq(id.as_str())).filter(users::role.eq(ServerRole::Guest.name()));
    let known: i64 = run!(connection, |session| guest.count().get_result(session))?;
    if known == 0 {
        return Ok(Err(Creation::NoGuest));
    }
    if let Some((nickname, key)) = name
        && !rename(connection, id, nickname, key)?
    {
        return Ok(Err(Creation::NicknameTaken));
    }
    run!(connection, |session| diesel::update(users::table.filter(users::id.eq(id.as_str())))
        .set((users::role.eq(role.name()), users::secret_hash.eq(None::<Vec<u8>>)))
        .execute(session))?;
    run!(connection, |session| diesel::delete(tokens::table.filter(tokens::user_id.eq(id.as_str())))
        .execute(session))?;
    let nickname: String = run!(connection, |session| users::table
        .filter(users::id.eq(id.as_str()))
        .select(users::nickname)
        .first(session))?;
    Ok(Ok(User { id: id.clone(), nickname: nickname.into() }))
}

/// Gives a user another nickname; false where somebody else has it. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Unavailable`], and [`StorageError::Conflict`] if somebody took it meanwhile.
pub fn rename(
    connection: &mut Connection,
    id: &UserId,
    nickname: &str,
    key: &str,
) -> Result<bool, StorageError> {
    let holder: Option<String> = run!(connection, |session| users::table
        .filter(users::nickname_key.eq(key))
        .select(users::id)
        .first(session)
        .optional())?;
    if holder.is_some_and(|holder| holder != id.as_str()) {
        return Ok(false);
    }
    run!(connection, |session| diesel::update(users::table.filter(users::id.eq(id.as_str())))
        .set((users::nickname.eq(nickname), users::nickname_key.eq(key)))
        .execute(session))?;
    Ok(true)
}

/// The account of a login.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn by_login(connection: &mut Connection, key: &str) -> Result<Option<Account>, StorageError> {
    Ok(run!(connection, |session| accounts::table
        .filter(accounts::login_key.eq(key))
        .select((
            accounts::user_id,
            accounts::login,
            accounts::login_key,
            accounts::email,
            accounts::password_hash
        ))
        .first(session)
        .optional())?)
}

/// The account of a user.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn of_user(connection: &mut Connection, id: &UserId) -> Result<Option<Account>, StorageError> {
    Ok(run!(connection, |session| accounts::table
        .find(id.as_str())
        .select((
            accounts::user_id,
            accounts::login,
            accounts::login_key,
            accounts::email,
            accounts::password_hash
        ))
        .first(session)
        .optional())?)
}

/// Puts another hash of a password in the place of this one; false where it is not this one any more.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn set_password(
    connection: &mut Connection,
    id: &UserId,
    from: &str,
    to: &str,
) -> Result<bool, StorageError> {
    let account =
        accounts::table.filter(accounts::user_id.eq(id.as_str())).filter(accounts::password_hash.eq(from));
    let changed = run!(connection, |session| diesel::update(account)
        .set(accounts::password_hash.eq(to))
        .execute(session))?;
    Ok(changed == 1)
}

/// Counts an attempt to log in, if `judge` lets it be made, knowing those before. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn attempt<Wait>(
    connection: &mut Connection,
    login_hash: &[u8; 32],
    now: Timestamp,
    judge: impl FnOnce(Option<Attempts>) -> Result<i64, Wait>,
) -> Result<Result<(), Wait>, StorageError> {
    let before: Option<Attempts> = run!(connection, |session| login_attempts::table
        .find(login_hash.as_slice())
        .select((login_attempts::attempts, login_attempts::tried_at))
        .first(session)
        .optional())?;
    let count = match judge(before) {
        Ok(count) => count,
        Err(wait) => return Ok(Err(wait)),
    };
    let row = (
        login_attempts::login_hash.eq(login_hash.as_slice()),
        login_attempts::attempts.eq(count),
        login_attempts::tried_at.eq(now.as_millis()),
    );
    let change = (login_attempts::attempts.eq(count), login_attempts::tried_at.eq(now.as_millis()));
    run!(connection, |session| diesel::insert_into(login_attempts::table)
        .values(row)
        .on_conflict(login_attempts::login_hash)
        .do_update()
        .set(change)
        .execute(session))?;
    Ok(Ok(()))
}

/// Forgets the attempts at a login, since one succeeded.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn forget_attempts(connection: &mut Connection, login_hash: &[u8; 32]) -> Result<(), StorageError> {
    run!(connection, |session| diesel::delete(login_attempts::table.find(login_hash.as_slice()))
        .execute(session))?;
    Ok(())
}

/// Forgets attempts before an instant, whatever they were at.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn forget_old_attempts(connection: &mut Connection, before: Timestamp) -> Result<usize, StorageError> {
    let old = login_attempts::table.filter(login_attempts::tried_at.lt(before.as_millis()));
    Ok(run!(connection, |session| diesel::delete(old).execute(session))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        Database,
        testbed::{on_every_database, user},
        users::{self as guests, NewUser},
    };

    const NOW: Timestamp = Timestamp::from_millis(1_000);

    fn account(owner: Owner, login: &str) -> NewAccount {
        NewAccount {
            owner,
            login: login.to_owned(),
            login_key: login.to_lowercase(),
            email: None,
            password_hash: "hash 1".to_owned(),
            role: ServerRole::User,
            created_at: NOW,
        }
    }

    fn new(name: &str) -> Owner {
        Owner::New(user(name), name.to_lowercase())
    }

    fn make(database: &Database, account: &NewAccount) -> Creation {
        database.write(|connection| create(connection, account)).unwrap()
    }

    fn guest(database: &Database, name: &str, token: u8) -> User {
        let new = NewUser {
            user: user(name),
            nickname_key: name.to_lowercase(),
            secret_hash: Some([7; 32]),
            token_hash: [token; 32],
            created_at: NOW,
        };
        database.write(|connection| guests::create(connection, &new)).unwrap();
        new.user
    }

    #[test]
    fn login_and_nickname_belong_to_one_account() {
        on_every_database(|database| {
            assert_eq!(make(database, &account(new("Ada"), "ada")), Creation::Created(user("Ada")));
            assert_eq!(make(database, &account(new("Bob"), "ADA")), Creation::LoginTaken);
            assert_eq!(make(database, &account(new("ada"), "bob")), Creation::NicknameTaken);
            assert_eq!(make(database, &account(new("Bob"), "bob")), Creation::Created(user("Bob")));
            let found = database.read(|connection| by_login(connection, "ada")).unwrap().unwrap();
            assert_eq!((found.user_id.as_str(), found.login.as_str()), (user("Ada").id.as_str(), "ada"));
        });
    }

    #[test]
    fn a_guest_keeps_who_they_are_and_loses_their_tokens() {
        on_every_database(|database| {
            let ada = guest(database, "Ada", 1);
            guest(database, "Bob", 2);
            let taken = Owner::Guest(ada.id.clone(), Some(("bob".to_owned(), "bob".to_owned())));
            assert_eq!(make(database, &account(taken, "ada")), Creation::NicknameTaken);
            let same = account(Owner::Guest(ada.id.clone(), None), "ada");
            assert_eq!(make(database, &same), Creation::Created(ada.clone()));
            assert_eq!(database.read(|connection| guests::by_token(connection, &[1; 32])).unwrap(), None);
            let again = account(Owner::Guest(ada.id.clone(), None), "another");
            assert_eq!(make(database, &again), Creation::NoGuest);
            let person = database.read(|connection| guests::by_id(connection, &ada.id)).unwrap().unwrap();
            assert_eq!((person.user, person.role), (ada, ServerRole::User));
        });
    }

    #[test]
    fn a_password_changes_from_what_it_was() {
        on_every_database(|database| {
            make(database, &account(new("Ada"), "ada"));
            let id = user("Ada").id;
            let set = |from: &str, to: &str| {
                database.write(|connection| set_password(connection, &id, from, to)).unwrap()
            };
            assert!(set("hash 1", "hash 2"));
            assert!(!set("hash 1", "hash 3"));
            let found = database.read(|connection| of_user(connection, &id)).unwrap().unwrap();
            assert_eq!(found.password_hash, "hash 2");
        });
    }

    #[test]
    fn attempts_are_counted_until_one_succeeds_or_they_are_old() {
        on_every_database(|database| {
            let next = |hash: u8| {
                let counted = |connection: &mut Connection| {
                    attempt(connection, &[hash; 32], NOW, |before| {
                        let count = before.map_or(0, |before| before.count);
                        if count < 2 { Ok(count + 1) } else { Err(count) }
                    })
                };
                database.write(counted).unwrap()
            };
            assert_eq!([next(1), next(1), next(1), next(2)], [Ok(()), Ok(()), Err(2), Ok(())]);
            database.write(|connection| forget_attempts(connection, &[1; 32])).unwrap();
            assert_eq!(next(1), Ok(()));
            let later = Timestamp::from_millis(1_001);
            assert_eq!(database.write(|connection| forget_old_attempts(connection, NOW)).unwrap(), 0);
            assert_eq!(database.write(|connection| forget_old_attempts(connection, later)).unwrap(), 2);
        });
    }
}
