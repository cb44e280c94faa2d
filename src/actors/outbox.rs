//! What waits to be written to one client: bounded in bytes, filled from any thread, drained by its connection.
//! Not an actor, so that a fan-out costs no message per member; the filler judges slowness, for a blocked
//! connection does not run (promise D5).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytestring::ByteString;
use tokio::sync::Notify;

use crate::{
    domain::CloseCode,
    wire::{Dialect, closing},
};

/// Room for so many things is kept while nothing waits.
const KEPT: usize = 4;

/// One thing to write.
#[derive(Debug, Clone)]
pub enum Outbound {
    /// A frame.
    Frame(ByteString),
    /// Frames that many clients share.
    Frames(Arc<[ByteString]>),
    /// Ask the client for a sign of life.
    Ping,
    /// End the connection; nothing follows.
    Close(CloseCode),
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It waits to be written.
    Queued,
    /// There was no room: the outbox is closed with 4001 by this, and the client can resume.
    Evicted,
    /// The outbox takes no more.
    Closed,
}

/// Whether what waits is still written when an outbox is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pending {
    /// It is, before the close.
    Flush,
    /// It is forgotten; the client can resume.
    Drop,
}

/// The outbox of one connection.
#[derive(Debug)]
pub struct Outbox {
    dialect: Dialect,
    limit: usize,
    state: Mutex<State>,
    drained: Notify,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Outbound>,
    bytes: usize,
    closed: bool,
    reader: Option<Waker>,
}

impl Outbox {
    /// An outbox in which at most `limit` bytes wait, or one frame if that is larger.
    pub fn new(dialect: Dialect, limit: usize) -> Arc<Self> {
        Arc::new(Self { dialect, limit, state: Mutex::default(), drained: Notify::new() })
    }

    /// How its client is spoken to.
    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The most bytes that a replay may add at once: a share of the bound, so that live records fit beside it.
    pub fn replay_budget(&self) -> usize {
        self.limit / 4
    }

    /// Queues a frame.
    pub fn push(&self, frame: ByteString) -> Pushed {
        let bytes = frame.len();
        self.enqueue(bytes, || Outbound::Frame(frame))
    }

    /// Queues frames that many clients share, `bytes` together.
    pub fn push_shared(&self, frames: &Arc<[ByteString]>, bytes: usize) -> Pushed {
        self.enqueue(bytes, || Outbound::Frames(Arc::clone(frames)))
    }

    /// Asks the client for a sign of life.
    pub fn ping(&self) {
        self.enqueue(2, || Outbound::Ping);
    }

    /// Says goodbye and ends the connection.
    pub fn close(&self, code: CloseCode, pending: Pending) {
        let mut state = self.lock();
        if !state.closed {
            self.shut(&mut state, code, pending);
        }
        wake(state);
    }

    /// Takes no more: the connection is gone.
    pub fn abandon(&self) {
        let mut state = self.lock();
        *state = State { closed: true, ..State::default() };
        drop(state);
        self.drained.notify_waiters();
    }

    /// Whether it takes no more.
    pub fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Ready when something waits. Only the connection asks.
    pub fn poll_waiting(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if !state.queue.is_empty() {
            return Poll::Ready(());
        }
        if !state.reader.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            state.reader = Some(context.waker().clone());
        }
        Poll::Pending
    }

    /// Hands everything that waits to the connection. Fillers wait meanwhile, so `write` must only copy.
    pub fn drain(&self, write: impl FnMut(Outbound)) {
        let mut state = self.lock();
        state.queue.drain(..).for_each(write);
        // A burst must not be paid for in memory until the connection ends.
        state.queue.shrink_to(KEPT);
        state.bytes = 0;
        drop(state);
        self.drained.notify_waiters();
    }

    /// Waits until a replay may go on. `false` when the outbox takes no more.
    pub async fn has_room(&self) -> bool {
        loop {
            let mut drained = std::pin::pin!(self.drained.notified());
            drained.as_mut().enable();
            {
                let state = self.lock();
                if state.closed {
                    return false;
                }
                if state.bytes <= self.replay_budget() {
                    return true;
                }
            }
            drained.await;
        }
    }

    fn enqueue(&self, bytes: usize, item: impl FnOnce() -> Outbound) -> Pushed {
        let mut state = self.lock();
        if state.closed {
            return Pushed::Closed;
        }
        let full = !state.queue.is_empty() && state.bytes + bytes > self.limit;
        if full {
            self.shut(&mut state, CloseCode::TooSlow, Pending::Drop);
        } else {
            state.bytes += bytes;
            state.queue.push_back(item());
        }
        wake(state);
        if full { Pushed::Evicted } else { Pushed::Queued }
    }

    fn shut(&self, state: &mut State, code: CloseCode, pending: Pending) {
        state.closed = true;
        if pending == Pending::Drop {
            state.queue = VecDeque::new();
            state.bytes = 0;
        }
        if let Some(goodbye) = closing(self.dialect, code) {
            state.bytes += goodbye.len();
            state.queue.push_back(Outbound::Frame(goodbye));
        }
        state.queue.push_back(Outbound::Close(code));
        self.drained.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between statements, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the connection if it waits, after the lock is released.
fn wake(mut state: MutexGuard<'_, State>) {
    let reader = state.reader.take();
    drop(state);
    if let Some(reader) = reader {
        reader.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(outbox: &Outbox) -> Vec<Outbound> {
        let mut taken = Vec::new();
        outbox.drain(|outbound| taken.push(outbound));
        taken
    }

    #[test]
    fn d5_past_its_bound_an_outbox_forgets_and_says_goodbye() {
        let outbox = Outbox::new(Dialect::Native, 10);
        assert_eq!(outbox.push("12345".into()), Pushed::Queued);
        assert_eq!(outbox.push("67890".into()), Pushed::Queued);
        assert_eq!(outbox.push("x".into()), Pushed::Evicted);
        assert_eq!(outbox.push("y".into()), Pushed::Closed);
        let left = taken(&outbox);
        assert!(matches!(&left[..], [Outbound::Frame(_), Outbound::Close(CloseCode::TooSlow)]), "{left:?}");
    }

    #[test]
    fn one_frame_above_the_bound_passes_when_nothing_else_waits() {
        let outbox = Outbox::new(Dialect::Native, 10);
        assert_eq!(outbox.push("x".repeat(100).into()), Pushed::Queued);
        assert_eq!(outbox.push("y".into()), Pushed::Evicted);
    }

    #[test]
    fn a_close_can_flush_what_waits() {
        let outbox = Outbox::new(Dialect::Sse, 10);
        outbox.push("last".into());
        outbox.close(CloseCode::GoingAway, Pending::Flush);
        let left = taken(&outbox);
        assert!(matches!(&left[..], [Outbound::Frame(_), Outbound::Close(CloseCode::GoingAway)]), "{left:?}");
    }
}
