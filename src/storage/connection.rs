//! One connection to either database, and the macro that runs the same query text on both.
//! Sharing connections is the business of `pool`.

use std::sync::Arc;

use diesel::{
    Connection as _, PgConnection, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
};

use super::{DatabaseUrl, StorageError, url::existing_file_uri};

/// What SQLite connections are set to, after `busy_timeout`. WAL lets readers go on beside a writer; FULL
/// syncs at every commit, so that what was committed outlives a power cut. The cache is in KiB, the checkpoint
/// in pages of 4 KiB, and the limit, in bytes, gives back what a burst made of the log. A statement of many
/// rows keeps the pages it changes until it is done; by default that goes through a file.
const SQLITE_SETTINGS: &str = "
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA cache_size = -8192;
    PRAGMA temp_store = MEMORY;
    PRAGMA wal_autocheckpoint = 4000;
    PRAGMA journal_size_limit = 67108864;
";

/// How connections are made.
pub(super) struct Source {
    pub(super) url: DatabaseUrl,
    pub(super) busy_timeout_ms: u64,
}

/// A connection that mends itself: one that broke is opened anew when its next transaction begins.
pub struct Connection {
    source: Arc<Source>,
    pub(super) session: Session,
}

/// The connection of one kind of database.
pub(super) enum Session {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Runs one query text on whichever database the connection leads to.
macro_rules! run {
    ($connection:expr, |$session:ident| $query:expr) => {
        match &mut $connection.session {
            $crate::storage::connection::Session::Sqlite($session) => $query,
            $crate::storage::connection::Session::Postgres($session) => $query,
        }
    };
}
pub(super) use run;

impl Connection {
    pub(super) fn open(source: Arc<Source>) -> Result<Self, StorageError> {
        let session = source.open()?;
        Ok(Self { source, session })
    }

    /// Whether nothing can be done any more with the present session.
    fn is_broken(&mut self) -> bool {
        run!(self, |session| AnsiTransactionManager::is_broken_transaction_manager(session))
    }

    /// Does the work in one transaction, which is undone if the work fails. On SQLite it holds the write
    /// lock from its beginning, so it cannot fail halfway because somebody else writes.
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`] if the transaction cannot begin or be committed.
    pub(super) fn transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.within(["BEGIN IMMEDIATE", "BEGIN"], work)
    }

    /// Does work that only reads, all of it as of one instant, whatever others commit meanwhile.
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`] if the transaction cannot begin or end.
    pub fn consistently<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.within(["BEGIN DEFERRED", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"], work)
    }

    /// Does the work in a transaction that begins with this statement on SQLite or PostgreSQL.
    fn within<T>(
        &mut self,
        [sqlite, postgres]: [&str; 2],
        work: impl FnOnce(&mut Self) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        if self.is_broken() {
            self.session = self.source.open()?;
        }
        match &mut self.session {
            Session::Sqlite(session) => AnsiTransactionManager::begin_transaction_sql(session, sqlite)?,
            Session::Postgres(session) => AnsiTransactionManager::begin_transaction_sql(session, postgres)?,
        }
        match work(self) {
            Ok(value) => {
                run!(self, |session| AnsiTransactionManager::commit_transaction(session))?;
                Ok(value)
            }
            Err(error) => {
                // If this fails too the session counts as broken, and the work's own error says more.
                let undone = run!(self, |session| AnsiTransactionManager::rollback_transaction(session));
                undone.unwrap_or_else(|failure| log::debug!("rollback failed: {failure}"));
                Err(error)
            }
        }
    }
}

impl Source {
    fn open(&self) -> Result<Session, StorageError> {
        match &self.url {
            DatabaseUrl::Sqlite(path) => {
                let mut session = SqliteConnection::establish(&existing_file_uri(path))?;
                // First of all, since the other settings may have to wait for a lock themselves.
                session.batch_execute(&format!("PRAGMA busy_timeout = {}", self.busy_timeout_ms))?;
                session.batch_execute(SQLITE_SETTINGS)?;
                Ok(Session::Sqlite(session))
            }
            DatabaseUrl::Postgres(url) => Ok(Session::Postgres(PgConnection::establish(url)?)),
        }
    }
}
