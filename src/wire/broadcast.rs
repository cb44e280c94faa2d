//! One record on its way to many readers: encoded at most once per dialect, then shared.
//! Who reads, and when, is not known here.

use std::sync::{Arc, Mutex, PoisonError};

use bytestring::ByteString;

use super::{json, native, sse, stomp};
use crate::domain::{Epoch, Record, RecordKind, RoomId, RoomInfo};

/// How a reader is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dialect {
    /// JSON objects over the native WebSocket.
    Native,
    /// JSON objects, as HTTP answers have them.
    Json,
    /// Server-sent events.
    Sse,
    /// STOMP frames without what they begin with for each reader.
    Stomp(Arc<stomp::Style>),
    /// Changes of the room list in STOMP frames for this destination, likewise. It has no words for records.
    StompRooms(stomp::Version, Arc<str>),
}

/// A record with its encodings.
#[derive(Debug)]
pub struct Broadcast {
    room: RoomId,
    epoch: Epoch,
    record: Record,
    encoded: Mutex<Vec<(Dialect, ByteString)>>,
}

impl Broadcast {
    /// Wraps a record of the given room.
    pub fn new(room: RoomId, epoch: Epoch, record: Record) -> Self {
        Self { room, epoch, record, encoded: Mutex::default() }
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
    pub fn encoded(&self, dialect: &Dialect) -> ByteString {
        // What is there is whole, so a panic elsewhere leaves nothing half done.
        let mut encoded = self.encoded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, text)) = encoded.iter().find(|(known, _)| known == dialect) {
            return text.clone();
        }
        let text = record(dialect, &self.room, &self.epoch, &self.record);
        encoded.push((dialect.clone(), text.clone()));
        text
    }
}

fn record(dialect: &Dialect, room: &RoomId, epoch: &Epoch, record: &Record) -> ByteString {
    match dialect {
        Dialect::Native => native::record(room, record),
        Dialect::Json => json::text(&json::Record::of(room, record)).into(),
        Dialect::Sse => sse::record(room, epoch, record),
        Dialect::Stomp(style) => style.tail(room, epoch, record),
        Dialect::StompRooms(..) => ByteString::new(),
    }
}

/// Several records of a room, in order, as the frames of a replay.
pub fn replay(dialect: &Dialect, room: &RoomId, epoch: &Epoch, records: &[Record]) -> Arc<[ByteString]> {
    match dialect {
        Dialect::Native => Arc::new([native::records(room, records)]),
        Dialect::Json | Dialect::Sse | Dialect::Stomp(_) | Dialect::StompRooms(..) => {
            records.iter().map(|each| record(dialect, room, epoch, each)).collect()
        }
    }
}

/// A change of the room list, where the dialect has words for it; `number` is its own on this node.
pub fn room_changed(
    dialect: &Dialect,
    number: u64,
    change: native::Change,
    room: &RoomInfo,
) -> Option<ByteString> {
    match dialect {
        Dialect::Native => Some(native::room_changed(change, room)),
        Dialect::StompRooms(version, destination) => {
            Some(stomp::room_changed(*version, destination, number, change, room))
        }
        Dialect::Json | Dialect::Sse | Dialect::Stomp(_) => None,
    }
}

/// About how large a record is in memory and in a frame, in bytes.
pub fn size(record: &Record) -> usize {
    let body = match &record.kind {
        RecordKind::Message(message) => message.body.as_str().len() + message.headers.size(),
        RecordKind::Joined | RecordKind::Left | RecordKind::Renamed(_) | RecordKind::Act(_) => 0,
    };
    size_of::<Record>() + body
}
