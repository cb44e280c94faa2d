//! Logins at providers that are under way, and people who have logged in there and have no nickname here yet.
//! Secrets are stored as their digests; what they are is not known here.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    schema::{provider_attempts, provider_registrations},
};
use crate::domain::Timestamp;

/// A login that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The digest of the state that comes back with it.
    pub state_hash: [u8; 32],
    /// The digest of what the browser keeps where it began.
    pub browser_hash: [u8; 32],
    /// Where.
    pub provider: String,
    /// What the ID token must have.
    pub nonce: String,
    /// What proves that the same service changes the code that asked for it (PKCE).
    pub verifier: String,
    /// Where the provider sends the browser back to.
    pub redirect_uri: String,
    /// Where on the page it goes on.
    pub return_to: String,
    /// When it is too late to come back.
    pub expires_at: Timestamp,
}

/// Somebody whom a provider knows, and who has no nickname here yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// The digest of what their browser keeps.
    pub secret_hash: [u8; 32],
    /// Who knows them.
    pub issuer: String,
    /// What they are called there.
    pub subject: String,
    /// What they might like to be called here.
    pub nickname: Option<String>,
    /// When they have to log in again.
    pub expires_at: Timestamp,
}

/// Stores a login that begins; those that have expired are forgotten. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Conflict`] if the state is there already.
pub fn begin(connection: &mut Connection, attempt: &Attempt, now: Timestamp) -> Result<(), StorageError> {
    let over = provider_attempts::table.filter(provider_attempts::expires_at.le(now.as_millis()));
    run!(connection, |session| diesel::delete(over).execute(session))?;
    let row = (
        provider_attempts::state_hash.eq(attempt.state_hash.as_slice()),
        provider_attempts::browser_hash.eq(attempt.browser_hash.as_slice()),
        provider_attempts::provider.eq(&attempt.provider),
        provider_attempts::nonce.eq(&attempt.nonce),
        provider_attempts::verifier.eq(&attempt.verifier),
        provider_attempts::redirect_uri.eq(&attempt.redirect_uri),
        provider_attempts::return_to.eq(&attempt.return_to),
        provider_attempts::expires_at.eq(attempt.expires_at.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(provider_attempts::table).values(row).execute(session))?;
    Ok(())
}

/// Takes the login that a state names: who comes second finds nothing. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn take(
    connection: &mut Connection,
    state_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Attempt>, StorageError> {
    type Row = (Vec<u8>, String, String, String, String, String, i64);
    let found: Option<Row> = run!(connection, |session| provider_attempts::table
        .find(state_hash.as_slice())
        .select((
            provider_attempts::browser_hash,
            provider_attempts::provider,
            provider_attempts::nonce,
            provider_attempts::verifier,
            provider_attempts::redirect_uri,
            provider_attempts::return_to,
            provider_attempts::expires_at,
        ))
        .first(session)
        .optional())?;
    // Of two who read the row at the same time, one deletes it.
    let deleted =
        run!(connection, |session| diesel::delete(provider_attempts::table.find(state_hash.as_slice()))
            .execute(session))?;
    let Some((browser_hash, provider, nonce, verifier, redirect_uri, return_to, expires_at)) = found else {
        return Ok(None);
    };
    let expires_at = Timestamp::from_millis(expires_at);
    if deleted != 1 || now >= expires_at {
        return Ok(None);
    }
    let browser_hash = digest(browser_hash)?;
    let state_hash = *state_hash;
    Ok(Some(Attempt {
        state_hash,
        browser_hash,
        provider,
        nonce,
        verifier,
        redirect_uri,
        return_to,
        expires_at,
    }))
}

/// Stores somebody who has to choose a nickname; those who came too late are forgotten. Belongs into
/// [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Conflict`] if the secret is there already.
pub fn expect(connection: &mut Connection, newcomer: &Newcomer, now: Timestamp) -> Result<(), StorageError> {
    let over = provider_registrations::table.filter(provider_registrations::expires_at.le(now.as_millis()));
    run!(connection, |session| diesel::delete(over).execute(session))?;
    let row = (
        provider_registrations::secret_hash.eq(newcomer.secret_hash.as_slice()),
        provider_registrations::issuer.eq(&newcomer.issuer),
        provider_registrations::subject.eq(&newcomer.subject),
        provider_registrations::nickname.eq(&newcomer.nickname),
        provider_registrations::expires_at.eq(newcomer.expires_at.as_millis()),
    );
    run!(connection, |session| diesel::insert_into(provider_registrations::table)
        .values(row)
        .execute(session))?;
    Ok(())
}

/// Somebody who has to choose a nickname, by what their browser keeps.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn newcomer(
    connection: &mut Connection,
    secret_hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Newcomer>, StorageError> {
    let found: Option<(String, String, Option<String>, i64)> =
        run!(connection, |session| provider_registrations::table
            .find(secret_hash.as_slice())
            .filter(provider_registrations::expires_at.gt(now.as_millis()))
            .select((
                provider_registrations::issuer,
                provider_registrations::subject,
                provider_registrations::nickname,
                provider_registrations::expires_at,
            ))
            .first(session)
            .optional())?;
    Ok(found.map(|(issuer, subject, nickname, expires_at)| Newcomer {
        secret_hash: *secret_hash,
        issuer,
        subject,
        nickname,
        expires_at: Timestamp::from_millis(expires_at),
    }))
}

/// Forgets somebody who has chosen one.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn arrived(connection: &mut Connection, secret_hash: &[u8; 32]) -> Result<(), StorageError> {
    run!(connection, |session| diesel::delete(provider_registrations::table.find(secret_hash.as_slice()))
        .execute(session))?;
    Ok(())
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StorageError> {
    bytes.try_into().map_err(|_| StorageError::corrupt("a digest has 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testbed::on_every_database;

    const SOON: Timestamp = Timestamp::from_millis(1_000);

    fn attempt(state: u8, expires_at: Timestamp) -> Attempt {
        Attempt {
            state_hash: [state; 32],
            browser_hash: [7; 32],
            provider: "work".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            redirect_uri: "https://a/b".to_owned(),
            return_to: "/".to_owned(),
            expires_at,
        }
    }

    #[test]
    fn a_login_comes_back_once_and_in_time() {
        on_every_database(|database| {
            let begin = |attempt: &Attempt, now: i64| {
                database.write(|connection| begin(connection, attempt, Timestamp::from_millis(now))).unwrap();
            };
            let take = |state: u8, now: i64| {
                database
                    .write(|connection| take(connection, &[state; 32], Timestamp::from_millis(now)))
                    .unwrap()
            };
            begin(&attempt(1, SOON), 0);
            begin(&attempt(2, SOON), 0);
            assert_eq!(take(3, 0), None);
            assert_eq!(take(1, 999), Some(attempt(1, SOON)));
            assert_eq!(take(1, 999), None, "it was taken");
            assert_eq!(take(2, 1_000), None, "it came too late");
            begin(&attempt(4, SOON), 0);
            begin(&attempt(5, Timestamp::from_millis(2_000)), 1_000);
            assert_eq!(take(4, 0), None, "it was forgotten");
            assert!(take(5, 1_999).is_some());
        });
    }

    #[test]
    fn a_newcomer_is_known_until_they_have_arrived_or_are_late() {
        on_every_database(|database| {
            let newcomer_at = |now: i64| {
                database
                    .read(|connection| newcomer(connection, &[1; 32], Timestamp::from_millis(now)))
                    .unwrap()
            };
            let ada = Newcomer {
                secret_hash: [1; 32],
                issuer: "https://a".to_owned(),
                subject: "7".to_owned(),
                nickname: Some("Ada".to_owned()),
                expires_at: SOON,
            };
            database.write(|connection| expect(connection, &ada, Timestamp::from_millis(0))).unwrap();
            assert_eq!(newcomer_at(999), Some(ada));
            assert_eq!(newcomer_at(1_000), None);
            database.write(|connection| arrived(connection, &[1; 32])).unwrap();
            assert_eq!(newcomer_at(0), None);
        });
    }
}
