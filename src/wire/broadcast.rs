//! One record on its way to many readers: encoded at most once per dialect, then shared.
//! Who reads, and when, is not known here.

use std::sync::OnceLock;

use bytestring::ByteString;

use super::{native, sse};
use crate::domain::{CloseCode, Epoch, Record, RecordKind, RoomId};

/// How a reader is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// JSON objects over the native WebSocket.
    Native,
    /// Server-sent events.
    Sse,
}

/// A record with its encodings.
#[derive(Debug)]
pub struct Broadcast {
    room: RoomId,
    epoch: Epoch,
    record: Record,
    native: OnceLock<ByteString>,
    sse: OnceLock<ByteString>,
}

impl Broadcast {
    /// Wraps a record of the given room.
    pub fn new(room: RoomId, epoch: Epoch, record: Record) -> Self {
        Self { room, epoch, record, native: OnceLock::new(), sse: OnceLock::new() }
    }

    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// About how much memory it takes without its encodings, in bytes.
    pub fn size(&self) -> usize {
        size(&self.record)
    }

    /// The record in a dialect; the same shared bytes at every call.
    pub fn encoded(&self, dialect: Dialect) -> ByteString {
        match dialect {
            Dialect::Native => self.native.get_or_init(|| native::record(&self.room, &self.record)),
            Dialect::Sse => self.sse.get_or_init(|| sse::record(&self.room, &self.epoch, &self.record)),
        }
        .clone()
    }
}

/// What a client is told before the server closes its connection, where the dialect has words for it.
pub fn closing(dialect: Dialect, code: CloseCode) -> Option<ByteString> {
    match dialect {
        Dialect::Native => Some(native::closing(code)),
        Dialect::Sse => None,
    }
}

/// Several records of a room, in order, as one frame of a replay.
pub fn replay(dialect: Dialect, room: &RoomId, epoch: &Epoch, records: &[Record]) -> ByteString {
    match dialect {
        Dialect::Native => native::records(room, records),
        Dialect::Sse => {
            let events = records.iter().map(|record| sse::record(room, epoch, record));
            events.map(String::from).collect::<String>().into()
        }
    }
}

/// About how large a record is in memory and in a frame, in bytes.
pub fn size(record: &Record) -> usize {
    let body = match &record.kind {
        RecordKind::Message(message) => message.body.as_str().len() + message.headers.size(),
        RecordKind::Joined | RecordKind::Left => 0,
    };
    size_of::<Record>() + body
}
