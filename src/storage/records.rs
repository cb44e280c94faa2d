//! The records of rooms: pages of history, in the order of the log.
//! They are stored by `batch`.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::records};
use crate::domain::{ClientId, MessageBody, Record, RecordKind, RoomId, Seq, Timestamp, User, UserId};

#[derive(Queryable, Selectable)]
#[diesel(table_name = records)]
struct RecordRow {
    seq: i64,
    at: i64,
    kind: String,
    sender_id: String,
    sender_nickname: String,
    body: Option<String>,
    client_id: Option<String>,
}

impl RecordRow {
    fn parse(self) -> Result<Record, StorageError> {
        let kind = match (self.kind.as_str(), self.body) {
            ("message", Some(body)) => {
                RecordKind::Message { body: MessageBody::stored(body), client_id: self.client_id.map(ClientId::new) }
            }
            ("joined", None) => RecordKind::Joined,
            ("left", None) => RecordKind::Left,
            (kind, _) => return Err(StorageError::Corrupt(format!("record {} of kind {kind}", self.seq))),
        };
        Ok(Record {
            seq: unsigned(self.seq)?,
            at: Timestamp::from_millis(self.at),
            sender: User { id: UserId::new(self.sender_id), nickname: self.sender_nickname.into() },
            kind,
        })
    }
}

/// At most `limit` records that follow the given one, ascending.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn after(connection: &mut Connection, room: &RoomId, seq: Seq, limit: u32) -> Result<Vec<Record>, StorageError> {
    let rows = run!(connection, |session| records::table
        .filter(records::room_id.eq(room.as_str()))
        .filter(records::seq.gt(signed(seq)))
        .order(records::seq.asc())
        .limit(i64::from(limit))
        .select(RecordRow::as_select())
        .load(session))?;
    rows.into_iter().map(RecordRow::parse).collect()
}

/// The newest `limit` records before the given one, ascending.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn before(connection: &mut Connection, room: &RoomId, seq: Seq, limit: u32) -> Result<Vec<Record>, StorageError> {
    let rows = run!(connection, |session| records::table
        .filter(records::room_id.eq(room.as_str()))
        .filter(records::seq.lt(signed(seq)))
        .order(records::seq.desc())
        .limit(i64::from(limit))
        .select(RecordRow::as_select())
        .load(session))?;
    rows.into_iter().rev().map(RecordRow::parse).collect()
}

/// The record with this number.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn by_seq(connection: &mut Connection, room: &RoomId, seq: Seq) -> Result<Option<Record>, StorageError> {
    let row = run!(connection, |session| records::table
        .find((room.as_str(), signed(seq)))
        .select(RecordRow::as_select())
        .first(session)
        .optional())?;
    row.map(RecordRow::parse).transpose()
}

/// A count as a column holds it; what no column can hold is past every row.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as a column held it.
pub(super) fn unsigned(column: i64) -> Result<u64, StorageError> {
    u64::try_from(column).map_err(|_| StorageError::Corrupt(format!("count {column} is negative")))
}
