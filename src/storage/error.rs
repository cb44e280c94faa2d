//! What can go wrong with rows, by what the caller can do about it.
//! Which refusal a client sees is not known here.

use std::fmt;

use diesel::result::{ConnectionError, DatabaseErrorKind, Error as QueryError};

use crate::domain::{Code, Refusal};

/// Why rows could not be read or written. Carries the source's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The database cannot be reached, is locked or full, or failed: the same may succeed later.
    /// A write that got this may have been stored all the same, if the connection was lost at its commit.
    #[error("database unavailable: {0}")]
    Unavailable(String),
    /// A row with this key is there already: somebody else wrote it. Nothing was stored.
    #[error("row is there already: {0}")]
    Conflict(String),
    /// A partition of the log is not stored as far as the caller left it: somebody else stores it now, or the
    /// caller's own commit succeeded after all. Nothing was stored.
    #[error("partitions of the log are stored by somebody else: {0}")]
    Fenced(String),
    /// A stored row does not parse.
    #[error("stored row does not parse: {0}")]
    Corrupt(String),
    /// The address names no database.
    #[error("database address {0}")]
    Address(&'static str),
}

impl StorageError {
    pub(super) fn unavailable(cause: impl fmt::Display) -> Self {
        Self::Unavailable(cause.to_string())
    }

    pub(super) fn corrupt(cause: impl fmt::Display) -> Self {
        Self::Corrupt(cause.to_string())
    }
}

impl From<StorageError> for Refusal {
    fn from(error: StorageError) -> Self {
        log::warn!("{error}");
        match error {
            StorageError::Unavailable(_) => Code::StorageUnavailable.into(),
            StorageError::Conflict(_)
            | StorageError::Fenced(_)
            | StorageError::Corrupt(_)
            | StorageError::Address(_) => Code::Internal.into(),
        }
    }
}

impl From<QueryError> for StorageError {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, cause) => {
                Self::Conflict(cause.message().to_owned())
            }
            QueryError::DeserializationError(cause) => Self::corrupt(cause),
            other => Self::unavailable(other),
        }
    }
}

impl From<ConnectionError> for StorageError {
    fn from(error: ConnectionError) -> Self {
        Self::unavailable(error)
    }
}
