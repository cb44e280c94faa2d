//! What a saver is told and what it wants done: the words between it and those who do it.
//! Nothing is done here, and nothing decided.

use std::sync::Arc;

use crate::{
    domain::RoomId,
    log::{
        Answer,
        kafka::{Entry, Offset, Partition},
    },
    storage::{Batch, fold::Folded},
};

/// Names one reading of a partition from an offset on, so that what was fetched before it is told apart.
pub type Ticket = u64;

/// Where to read a partition from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seek {
    /// The partition.
    pub partition: Partition,
    /// The first offset that is wanted; none for the first that there is.
    pub to: Option<Offset>,
    /// Comes back with every entry that is read from there on.
    pub ticket: Ticket,
}

/// An entry that changes no room and is put aside, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// What was read.
    pub entry: Entry,
    /// What is wrong with it.
    pub error: String,
}

/// Where dead letters go.
pub trait DeadLetterSink: Send + Sync + 'static {
    /// Writes them; they are durable when it is done. Trying again writes those twice that came through before.
    fn write(&self, letters: Arc<[DeadLetter]>) -> Answer<'_, ()>;
}

/// What the database says of a room that the log names: its partition and its state, or why it takes no records.
pub type RoomRead = Result<(Partition, Folded), String>;

/// What a consumer group says.
#[derive(Debug, Clone)]
pub enum Event {
    /// This saver stores these partitions from now on.
    Assigned(Vec<Partition>),
    /// This saver does not store these partitions any more.
    Revoked(Vec<Partition>),
    /// These entries were read, in order.
    Fetched {
        /// Their partition.
        partition: Partition,
        /// The ticket of the last [`Seek`] that the partition was read from.
        ticket: Ticket,
        /// Everything from there on, or from the entries that were read before.
        entries: Vec<Entry>,
    },
}

/// What is to be done next. Until it is done, asking again gives the same.
#[derive(Debug, Clone)]
pub enum Step {
    /// Read how far these partitions are stored, and tell [`Saver::offsets_read`](super::Saver::offsets_read).
    ReadOffsets(Vec<Partition>),
    /// Read these partitions from there; given out once.
    Seek(Vec<Seek>),
    /// Read these rooms and tell [`Saver::rooms_read`](super::Saver::rooms_read).
    ReadRooms(Vec<RoomId>),
    /// Write these where dead letters go, and tell [`Saver::buried`](super::Saver::buried); the batch that skips them comes next.
    Bury(Arc<[DeadLetter]>),
    /// Store this, and tell [`Saver::stored`](super::Saver::stored) or [`Saver::fenced`](super::Saver::fenced).
    /// If its fate is not known, try it again: it cannot be stored twice.
    Store(Arc<Batch>),
}

/// How much a saver takes.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Entries in one batch, at most.
    pub batch_entries: usize,
    /// A room's state is stored each time it grew by so many records.
    pub snapshot_every: u64,
    /// Folds that are kept between batches, counted in members and remembered sends of their rooms.
    pub fold_weight: usize,
}
