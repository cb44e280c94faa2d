//! The least that stores the same rows as durably: one multi-row insert a transaction, over and over.
//! Its table and its statements are its own, so that nothing of the server's can make it slow.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;

diesel::table! {
    records (room_id, seq) {
        room_id -> Text,
        seq -> BigInt,
        at -> BigInt,
        kind -> Text,
        sender_id -> Text,
        sender_nickname -> Text,
        body -> Nullable<Text>,
        client_id -> Nullable<Text>,
        log_offset -> Nullable<BigInt>,
    }
}

/// A row of the history.
#[derive(Insertable)]
#[diesel(table_name = records, treat_none_as_default_value = false)]
pub(crate) struct Row {
    /// The room.
    pub(crate) room_id: String,
    /// The record's place in it.
    pub(crate) seq: i64,
    /// Its time.
    pub(crate) at: i64,
    /// What it is.
    pub(crate) kind: &'static str,
    /// Who sent it.
    pub(crate) sender_id: String,
    /// What they are called.
    pub(crate) sender_nickname: String,
    /// The text.
    pub(crate) body: Option<String>,
    /// What the sender named it.
    pub(crate) client_id: Option<String>,
    /// Where it stands in its partition of the log.
    pub(crate) log_offset: Option<i64>,
}

/// Inserts rows into the database at this address, `batch` in each transaction.
pub(crate) fn insert_all(url: &str, rows: &[Row], batch: usize) -> anyhow::Result<()> {
    match url.strip_prefix("sqlite://") {
        Some(path) => {
            let mut session = SqliteConnection::establish(path)?;
            // As durable as the server's own connections: every commit is synced.
            session.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")?;
            for rows in rows.chunks(batch) {
                session.immediate_transaction(|session| insert_into_sqlite(session, rows))?;
            }
        }
        None => {
            let mut session = PgConnection::establish(url)?;
            for rows in rows.chunks(batch) {
                session.transaction(|session| insert_into_postgres(session, rows))?;
            }
        }
    }
    Ok(())
}

fn insert_into_sqlite(session: &mut SqliteConnection, rows: &[Row]) -> QueryResult<usize> {
    diesel::insert_into(records::table).values(rows).execute(session)
}

fn insert_into_postgres(session: &mut PgConnection, rows: &[Row]) -> QueryResult<usize> {
    diesel::insert_into(records::table).values(rows).execute(session)
}
