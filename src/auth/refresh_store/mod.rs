//! Where logins are kept, and what a store of them owes: one contract, held by one suite.
//! What a refresh token is worth is judged in `refresh`; a store only keeps digests.

#[cfg(test)]
mod contract;
mod database;
mod redis;

use std::{future::Future, pin::Pin};

use crate::{
    domain::{Code, LoginId, Refusal, Timestamp, UserId},
    storage::{StorageError, logins::LoginRecord},
};

pub(super) use database::InDatabase;
pub(super) use redis::InRedis;

/// A future of a store's answer.
pub(super) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Why a store did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    /// The database is the store, and failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The store does not answer. What was to be changed may have been changed all the same.
    #[error("the store of sessions does not answer: {0}")]
    Unavailable(String),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Storage(error) => error.into(),
            StoreError::Unavailable(_) => {
                log::warn!("{error}");
                Code::AuthUnavailable.into()
            }
        }
    }
}

/// A store of logins, shared by all nodes. Implementations say only how; what they owe stands here.
///
/// - What was answered holds on every node at once.
/// - A login is there from its beginning until it is ended or its `expires_at` is past; from then on a store may
///   forget it, and who asks must look at the time themselves.
/// - `advance` is a compare-and-swap: of any number of callers that know the same digest exactly one gets true.
/// - An error says that nothing is known about what was done; no caller takes it for a no.
pub(super) trait RefreshStore: Send + Sync + 'static {
    /// Keeps a new login, whose name nobody has.
    fn begin(&self, login: LoginRecord) -> Answer<'_, ()>;

    /// The login of a name.
    fn find<'a>(&'a self, id: &'a LoginId) -> Answer<'a, Option<LoginRecord>>;

    /// Puts the login in the place of what it was, if the digest of its newest token was `from` until now.
    fn advance(&self, from: [u8; 32], login: LoginRecord) -> Answer<'_, bool>;

    /// The logins of a user, newest first.
    fn of_user<'a>(&'a self, user: &'a UserId) -> Answer<'a, Vec<LoginRecord>>;

    /// Ends a user's login; false where there was none of that name.
    fn end<'a>(&'a self, user: &'a UserId, id: &'a LoginId) -> Answer<'a, bool>;

    /// Forgets what has expired.
    fn sweep(&self, now: Timestamp) -> Answer<'_, ()>;
}
