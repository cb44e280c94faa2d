//! What all nodes must hear of at once, in the order in which it was written down.
//! What follows from an event is not known here.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::auth_events};
use crate::domain::{LoginId, Timestamp, UserId};

/// An event that is about to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When it happens.
    pub at: Timestamp,
    /// What happens.
    pub kind: String,
    /// To whom.
    pub user: UserId,
    /// To which of their logins.
    pub login: Option<LoginId>,
    /// What else is to be said.
    pub data: Option<String>,
}

/// Writes an event.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn add(connection: &mut Connection, event: &NewEvent) -> Result<(), StorageError> {
    let row = (
        auth_events::at.eq(event.at.as_millis()),
        auth_events::kind.eq(&event.kind),
        auth_events::user_id.eq(event.user.as_str()),
        auth_events::login_id.eq(event.login.as_ref().map(LoginId::as_str)),
        auth_events::data.eq(event.data.as_ref()),
    );
    run!(connection, |session| diesel::insert_into(auth_events::table).values(row).execute(session))?;
    Ok(())
}

/// Events above a number, ascending. An event with a lower number may be committed after one with a higher.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn after(connection: &mut Connection, number: i64) -> Result<Vec<(i64, NewEvent)>, StorageError> {
    let rows: Vec<(i64, i64, String, String, Option<String>, Option<String>)> =
        run!(connection, |session| auth_events::table
            .filter(auth_events::number.gt(number))
            .order(auth_events::number.asc())
            .load(session))?;
    let event = |(number, at, kind, user, login, data): (i64, i64, String, String, Option<String>, _)| {
        let (user, login) = (UserId::new(user), login.map(LoginId::new));
        (number, NewEvent { at: Timestamp::from_millis(at), kind, user, login, data })
    };
    Ok(rows.into_iter().map(event).collect())
}

/// Forgets events of before an instant.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn forget_old(connection: &mut Connection, before: Timestamp) -> Result<usize, StorageError> {
    let old = auth_events::table.filter(auth_events::at.lt(before.as_millis()));
    Ok(run!(connection, |session| diesel::delete(old).execute(session))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testbed::on_every_database;

    #[test]
    fn events_are_read_in_order_and_forgotten_by_age() {
        on_every_database(|database| {
            let event = |at: i64, kind: &str, login: Option<&str>| NewEvent {
                at: Timestamp::from_millis(at),
                kind: kind.to_owned(),
                user: UserId::new("u1"),
                login: login.map(LoginId::new),
                data: login.map(str::to_owned),
            };
            let events = [event(1, "a", None), event(2, "b", Some("l1")), event(3, "c", None)];
            for event in &events {
                database.write(|connection| add(connection, event)).unwrap();
            }
            let read = |number: i64| database.read(|connection| after(connection, number)).unwrap();
            let (numbers, found): (Vec<i64>, Vec<NewEvent>) = read(0).into_iter().unzip();
            assert_eq!(found, events);
            assert_eq!(read(numbers[1]).len(), 1);
            let old = |connection: &mut Connection| forget_old(connection, Timestamp::from_millis(3));
            assert_eq!(database.write(old).unwrap(), 2);
            database.write(|connection| add(connection, &events[0])).unwrap();
            assert!(read(numbers[2]).len() == 1, "a number comes again");
        });
    }
}
