//! The tables' history, embedded in the binary: one folder of SQL for each kind of database.
//! Nodes only go forward; a way back is for developers, with Diesel's own tool, and for tests.

use diesel::connection::SimpleConnection;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{Connection, StorageError, connection::Session};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Lets one node migrate while the others that start with it wait. The number names this use alone.
const POSTGRES_LOCK: &str = "SELECT pg_advisory_xact_lock(7236827498)";

/// Brings the tables to what this binary needs, in one transaction.
pub(super) fn run(connection: &mut Connection) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        match &mut connection.session {
            Session::Sqlite(session) => session.run_pending_migrations(SQLITE).map(drop),
            Session::Postgres(session) => {
                session.batch_execute(POSTGRES_LOCK)?;
                session.run_pending_migrations(POSTGRES).map(drop)
            }
        }
        .map_err(StorageError::unavailable)
    })
}

/// Takes all tables away again, as each migration says it.
#[cfg(test)]
pub(super) fn revert(connection: &mut Connection) -> Result<(), StorageError> {
    match &mut connection.session {
        Session::Sqlite(session) => session.revert_all_migrations(SQLITE).map(drop),
        Session::Postgres(session) => session.revert_all_migrations(POSTGRES).map(drop),
    }
    .map_err(StorageError::unavailable)
}
