//! Keys that all nodes share, with when they are used and how long they are good.
//! What is done with a key is not known here.

use std::fmt;

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::auth_keys};
use crate::domain::Timestamp;

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name.
    pub id: String,
    /// What it is for.
    pub purpose: String,
    /// The key itself.
    pub secret: Vec<u8>,
    /// From when on it is used.
    pub used_from: Timestamp,
    /// Until when what was made with it is believed.
    pub good_until: Timestamp,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoredKey({} for {})", self.id, self.purpose)
    }
}

/// The keys of a purpose that are still good, those first that were used first.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn good(
    connection: &mut Connection,
    purpose: &str,
    now: Timestamp,
) -> Result<Vec<StoredKey>, StorageError> {
    let rows: Vec<(String, String, Vec<u8>, i64, i64)> = run!(connection, |session| auth_keys::table
        .filter(auth_keys::purpose.eq(purpose))
        .filter(auth_keys::good_until.gt(now.as_millis()))
        .order((auth_keys::used_from.asc(), auth_keys::id.asc()))
        .load(session))?;
    let key = |(id, purpose, secret, from, until)| {
        let (used_from, good_until) = (Timestamp::from_millis(from), Timestamp::from_millis(until));
        StoredKey { id, purpose, secret, used_from, good_until }
    };
    Ok(rows.into_iter().map(key).collect())
}

/// Stores a key.
///
/// # Errors
/// [`StorageError::Conflict`] if there is one of its name; [`StorageError::Unavailable`].
pub fn add(connection: &mut Connection, key: &StoredKey) -> Result<(), StorageError> {
    let row = (
        auth_keys::id.eq(&key.id),
        auth_keys::purpose.eq(&key.purpose),
        auth_keys::secret.eq(&key.secret),
        auth_keys::used_from.eq(key.used_from.as_millis()),
        auth_keys::good_until.eq(key.good_until.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(auth_keys::table).values(row).execute(session))?;
    Ok(())
}

/// Forgets keys that are no longer good.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn forget_old(connection: &mut Connection, now: Timestamp) -> Result<usize, StorageError> {
    let old = auth_keys::table.filter(auth_keys::good_until.le(now.as_millis()));
    Ok(run!(connection, |session| diesel::delete(old).execute(session))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testbed::on_every_database;

    fn key(id: &str, purpose: &str, from: i64) -> StoredKey {
        let (used_from, good_until) = (Timestamp::from_millis(from), Timestamp::from_millis(from + 100));
        StoredKey {
            id: id.to_owned(),
            purpose: purpose.to_owned(),
            secret: vec![1, 2],
            used_from,
            good_until,
        }
    }

    #[test]
    fn keys_are_good_for_their_purpose_and_time() {
        on_every_database(|database| {
            let keys = [key("b", "sign", 10), key("a", "sign", 0), key("c", "other", 0)];
            for key in &keys {
                database.write(|connection| add(connection, key)).unwrap();
            }
            let good_at = |now: i64| {
                database.read(|connection| good(connection, "sign", Timestamp::from_millis(now))).unwrap()
            };
            assert_eq!(good_at(99), [keys[1].clone(), keys[0].clone()]);
            assert_eq!(good_at(100), [keys[0].clone()]);
            let forgotten = |connection: &mut Connection| forget_old(connection, Timestamp::from_millis(100));
            assert_eq!(database.write(forgotten).unwrap(), 2);
            assert!(!format!("{:?}", keys[0]).contains('['), "a key shows itself");
        });
    }
}
