//! Whom other issuers know, and which user each of them is here.
//! Whether an issuer is to be believed is not known here.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    schema::{identities, users},
    users::{PERSON, Person, PersonRow},
};
use crate::domain::{Nickname, ServerRole, Timestamp, User, UserId};

/// Somebody who may be here for the first time.
#[derive(Debug, Clone)]
pub struct NewIdentity {
    /// Who knows them.
    pub issuer: String,
    /// What they are called there.
    pub subject: String,
    /// The id that they get if they are new.
    pub user_id: UserId,
    /// Nicknames for somebody new, of which the first is taken that nobody has.
    pub nicknames: Vec<Nickname>,
    /// When this happens.
    pub created_at: Timestamp,
}

/// The user whom an issuer calls so.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn find(
    connection: &mut Connection,
    issuer: &str,
    subject: &str,
) -> Result<Option<Person>, StorageError> {
    let row: Option<PersonRow> = run!(connection, |session| identities::table
        .inner_join(users::table)
        .filter(identities::issuer.eq(issuer))
        .filter(identities::subject.eq(subject))
        .select(PERSON)
        .first(session)
        .optional())?;
    row.map(Person::try_from).transpose()
}

/// The user whom an issuer calls so, who is made if there is none; nobody if all nicknames are taken. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Conflict`] if somebody else has made them meanwhile; the same call finds them.
pub fn find_or_create(
    connection: &mut Connection,
    new: &NewIdentity,
) -> Result<Option<Person>, StorageError> {
    if let Some(person) = find(connection, &new.issuer, &new.subject)? {
        return Ok(Some(person));
    }
    for nickname in &new.nicknames {
        let row = (
            users::id.eq(new.user_id.as_str()),
            users::nickname.eq(nickname.as_str()),
            users::nickname_key.eq(nickname.key()),
            users::created_at.eq(new.created_at.as_millis()),
            users::seen_at.eq(new.created_at.as_millis()),
            users::role.eq(ServerRole::User.name()),
        );
        let inserted = run!(connection, |session| diesel::insert_into(users::table)
            .values(row)
            .on_conflict(users::nickname_key)
            .do_nothing()
            .execute(session))?;
        if inserted == 1 {
            add(connection, new)?;
            let user = User { id: new.user_id.clone(), nickname: nickname.shown() };
            return Ok(Some(Person { user, role: ServerRole::User, ban: None, seen_at: new.created_at }));
        }
    }
    Ok(None)
}

fn add(connection: &mut Connection, new: &NewIdentity) -> Result<(), StorageError> {
    let row = (
        identities::issuer.eq(&new.issuer),
        identities::subject.eq(&new.subject),
        identities::user_id.eq(new.user_id.as_str()),
        identities::created_at.eq(new.created_at.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(identities::table).values(row).execute(session))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::Limits,
        storage::{Database, testbed::on_every_database},
    };

    fn arrive(database: &Database, id: &str, [issuer, subject]: [&str; 2], names: &[&str]) -> Option<Person> {
        let nickname = |name: &&str| Nickname::parse(name, &Limits::default()).unwrap();
        let new = NewIdentity {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            user_id: UserId::new(id),
            nicknames: names.iter().map(nickname).collect(),
            created_at: Timestamp::from_millis(1),
        };
        database.write(|connection| find_or_create(connection, &new)).unwrap()
    }

    fn shown(person: Option<Person>) -> Option<(String, String)> {
        person.map(|Person { user, .. }| (user.id.to_string(), user.nickname.to_string()))
    }

    #[test]
    fn who_comes_again_is_who_they_were() {
        on_every_database(|database| {
            let first = arrive(database, "u1", ["a", "1"], &["Ada"]);
            assert_eq!(shown(first.clone()), Some(("u1".to_owned(), "Ada".to_owned())));
            assert_eq!(arrive(database, "u2", ["a", "1"], &["Bob"]), first);
            let found = database.read(|connection| find(connection, "a", "1")).unwrap();
            assert_eq!(found, first);
            assert_eq!(database.read(|connection| find(connection, "b", "1")).unwrap(), None);
        });
    }

    #[test]
    fn the_same_name_at_two_issuers_is_two_people() {
        on_every_database(|database| {
            arrive(database, "u1", ["a", "1"], &["Ada", "Ada-x"]);
            let other = arrive(database, "u2", ["b", "1"], &["ADA", "Ada-y"]);
            assert_eq!(shown(other), Some(("u2".to_owned(), "Ada-y".to_owned())));
            assert_eq!(arrive(database, "u3", ["c", "1"], &["ada", "ada-Y"]), None);
        });
    }
}
