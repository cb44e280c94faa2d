//! The Kafka log: a room's records are in one partition of a topic, in the order in which every node reads them.
//! Only this folder knows rdkafka; what is pure in it (dispatch, saving) knows nothing of brokers.

mod asker;
mod bridge;
pub mod client;
pub mod cluster;
pub mod consumer;
mod context;
pub mod dead_letters;
pub mod dispatch;
mod error;
pub mod group;
mod plan;
pub mod producer;
mod reading;
mod ring;
mod room_log;
pub mod saver;
pub mod signals;
pub mod tail;
#[cfg(test)]
pub(crate) mod testbed;
mod topic;
pub mod topics;
mod tuning;
pub mod verify;

use bytes::Bytes;

pub use bridge::{Bridge, Job};
pub use client::KafkaOptions;
pub use error::BrokerError;
pub use plan::Finding;
pub use producer::Failed;
pub use room_log::KafkaLog;
pub use topic::Topic;

pub use super::Partition;
use crate::domain::Timestamp;

/// A place in a partition; 0 is the first.
pub type Offset = i64;

/// A record of the rooms' topic as it was read, not decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub partition: Partition,
    /// Where it is in there.
    pub offset: Offset,
    /// The broker's clock when it was appended.
    pub appended_at: Timestamp,
    /// The room's id, if somebody who knows the format wrote it.
    pub key: Option<Bytes>,
    /// The record; empty if there was none.
    pub value: Bytes,
}

impl Entry {
    /// The room that its key names, if it names one.
    pub fn room(&self) -> Option<&str> {
        self.key.as_deref().and_then(|key| std::str::from_utf8(key).ok())
    }
}
