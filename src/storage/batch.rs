//! What the DB-writer stores in one transaction: records, the heads of their rooms, and snapshots.
//! What is grouped, and when, is the writer's business.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    records::signed,
    schema::{records, rooms},
    snapshots,
};
use crate::domain::{Record, RecordKind, RoomId, Seq};

/// Rows that are stored together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Records of any rooms.
    pub records: Vec<(RoomId, Record)>,
    /// Of each room with records here: its newest record and its number of members.
    pub heads: Vec<(RoomId, Seq, u64)>,
    /// Snapshots: the last record in it, and the state as JSON.
    pub snapshots: Vec<(RoomId, Seq, String)>,
}

#[derive(Insertable)]
#[diesel(table_name = records, treat_none_as_default_value = false)]
struct NewRecord<'a> {
    room_id: &'a str,
    seq: i64,
    at: i64,
    kind: &'a str,
    sender_id: &'a str,
    sender_nickname: &'a str,
    body: Option<&'a str>,
    client_id: Option<&'a str>,
}

impl<'a> NewRecord<'a> {
    fn of(room: &'a RoomId, record: &'a Record) -> Self {
        let (body, client_id) = match &record.kind {
            RecordKind::Message { body, client_id } => (Some(body.as_str()), client_id.as_ref().map(|id| id.as_str())),
            RecordKind::Joined | RecordKind::Left => (None, None),
        };
        Self {
            room_id: room.as_str(),
            seq: signed(record.seq),
            at: record.at.as_millis(),
            kind: record.kind.name(),
            sender_id: record.sender.id.as_str(),
            sender_nickname: &record.sender.nickname,
            body,
            client_id,
        }
    }
}

/// Rows of one statement: 8 values each, within the 32766 that SQLite binds and the 65535 of PostgreSQL.
const ROWS: usize = 512;

/// Stores a batch in one transaction; it is durable when this returns.
///
/// # Errors
/// [`StorageError::Conflict`] if a record's number is taken in its room: somebody else writes the room.
/// [`StorageError::Unavailable`] as it says. Nothing is stored then, unless the connection was lost at the commit.
pub fn store(connection: &mut Connection, batch: &Batch) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        let rows: Vec<_> = batch.records.iter().map(|(room, record)| NewRecord::of(room, record)).collect();
        for rows in rows.chunks(ROWS) {
            run!(connection, |session| diesel::insert_into(records::table).values(rows).execute(session))?;
        }
        for (room, head, members) in &batch.heads {
            run!(connection, |session| diesel::update(rooms::table.find(room.as_str()))
                .set((rooms::head.eq(signed(*head)), rooms::members.eq(signed(*members))))
                .execute(session))?;
        }
        for (room, seq, state) in &batch.snapshots {
            snapshots::save(connection, room, *seq, state)?;
        }
        Ok(())
    })
}
