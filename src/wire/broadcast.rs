//! One record on its way to many readers: encoded at most once per dialect, then shared.
//! Who reads, and when, is not known here.

use std::sync::OnceLock;

use bytestring::ByteString;

use super::{native, sse};
use crate::domain::{Epoch, Record, RoomId};

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

    /// The record in a dialect; the same shared bytes at every call.
    pub fn encoded(&self, dialect: Dialect) -> ByteString {
        match dialect {
            Dialect::Native => self.native.get_or_init(|| native::record(&self.room, &self.record)),
            Dialect::Sse => self.sse.get_or_init(|| sse::record(&self.room, &self.epoch, &self.record)),
        }
        .clone()
    }
}
