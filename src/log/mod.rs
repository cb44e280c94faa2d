//! The room log: the one order of a room's records, and what its implementations owe to rooms.
//! Rooms fold what comes back from here; nothing is shown or acknowledged before that.

#[cfg(test)]
mod contract;
pub mod embedded;
mod folds;
pub mod kafka;

use std::{future::Future, pin::Pin, sync::Arc};

use thiserror::Error;

pub use crate::domain::Token;
use crate::domain::{Code, Proposal, Record, Refusal, RoomId, RoomInfo, RoomState, Seq, Timestamp};

/// A part of a log that keeps the order of its rooms; given to a room for ever.
pub type Partition = i32;

/// What a log tells an opened room.
#[derive(Debug)]
pub enum Delivery {
    /// The log's next proposal, durable now.
    Committed(Committed),
    /// An append that the log did not take, or whose fate it does not know. If it was stored after all it
    /// still comes, once, as [`Delivery::Committed`].
    Failed {
        /// The append.
        token: Token,
        /// Why.
        error: LogError,
    },
}

/// A proposal in its place in the log.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The append it came from, where that was this opening's own.
    pub token: Option<Token>,
    /// What was appended.
    pub proposal: Proposal,
    /// The log's clock when it was appended.
    pub appended_at: Timestamp,
}

/// Where a room gets its deliveries. Called from any thread; it must not block.
pub type Sink = Arc<dyn Fn(Vec<Delivery>) + Send + Sync>;

/// A future of a log's answer.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, LogError>> + Send + 'a>>;

/// Which records of a room to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The first ones after this number.
    After(Seq),
    /// The last ones before this number.
    Before(Seq),
}

/// A log of rooms. Implementations say only how; what they owe stands here, and one contract suite checks it.
///
/// - A room is opened by at most one room actor of a node at a time; opening it again closes the former
///   opening, after its appends have met their fate.
/// - Every append is answered through the sink: committed or failed. The first answer counts; only a failed
///   append can get a second one, when it was stored after all.
/// - All committed proposals of a room come once, in the log's order, without gap, from the returned state on.
///   Whatever was acknowledged anywhere when the room was opened is in that state.
/// - A log that cannot go on with an opened room drops its sink; the room must be opened anew.
/// - Committed means durable (promise D1). The order never changes afterwards (promise D2).
/// - Proposals that the fold drops (repeats, for one) come back too, for somebody waits for their answer.
pub trait RoomLog: Send + Sync + 'static {
    /// Opens a room: the state of its fold now, everything later through the sink.
    fn open<'a>(&'a self, room: &'a RoomId, sink: Sink) -> Answer<'a, RoomState>;

    /// Hands a proposal to the log and returns at once; the answer comes through the sink.
    ///
    /// # Errors
    /// [`LogError::Overloaded`] when too much is queued, [`LogError::Unavailable`] when the log has stopped.
    /// Then nothing was appended and nothing comes through the sink.
    fn append(&self, room: &RoomId, token: Token, proposal: Proposal) -> Result<(), LogError>;

    /// Gives an opened room back; its sink is dropped once earlier appends have met their fate.
    fn close(&self, room: &RoomId);

    /// Reads at most `limit` records, ascending.
    fn read<'a>(&'a self, room: &'a RoomId, page: Page, limit: u32) -> Answer<'a, Vec<Record>>;

    /// Whether others append to it too, so that an opened room may be behind what is durable.
    fn is_shared(&self) -> bool;

    /// Waits until everything that was durable in an opened room's log by now was given to its sink.
    fn settle<'a>(&'a self, room: &'a RoomId) -> Answer<'a, ()>;

    /// A room as of everything that is durable in its log by now; its row may be older.
    fn stand(&self, room: RoomInfo) -> Answer<'_, RoomInfo>;

    /// Waits, a moment at most, until what is durable in the log by now is in the database's rows too.
    fn stored(&self) -> Answer<'_, ()>;

    /// Where a new room's records shall be, if this log divides rooms into partitions.
    fn place(&self) -> Answer<'_, Option<Partition>>;

    /// Waits until everything that was handed over before has met its fate.
    fn flush(&self) -> Answer<'_, ()>;

    /// Why the log cannot serve, if it cannot.
    fn complaint(&self) -> Pin<Box<dyn Future<Output = Option<&'static str>> + Send + '_>>;
}

/// Why a log did not do something. Copies of it go to everybody concerned; the cause is logged where it arose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum LogError {
    /// The database under the embedded log does not answer, is locked, or its disk is full.
    #[error("the database does not answer")]
    StorageUnavailable,
    /// The log itself does not answer.
    #[error("the log does not answer")]
    Unavailable,
    /// Too much is queued.
    #[error("too much is queued for the log")]
    Overloaded,
}

impl From<LogError> for Refusal {
    fn from(error: LogError) -> Self {
        match error {
            LogError::StorageUnavailable => Code::StorageUnavailable.into(),
            LogError::Unavailable => Code::LogUnavailable.into(),
            LogError::Overloaded => Code::Overloaded.into(),
        }
    }
}
