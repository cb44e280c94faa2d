//! What waits to be written to one client: bounded in bytes, filled from any thread, drained by its connection.
//! Not an actor, so that a fan-out costs no message per member; the filler judges slowness, for a blocked
//! connection does not run (promise D5).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::sync::Notify;

use crate::{domain::CloseCode, wire::stomp::Head};

/// Room for so many things is kept while nothing waits.
const KEPT: usize = 4;

/// One thing to write.
#[derive(Debug, Clone)]
pub enum Outbound {
    /// A frame.
    Frame(ByteString),
    /// Frames that many clients share.
    Frames(Arc<[ByteString]>),
    /// Frames that many clients share, each behind what it begins with for this one.
    Headed(Arc<Head>, Arc<[ByteString]>),
    /// Bytes that are no text.
    Binary(Bytes),
    /// A sign of life in the protocol's own words.
    Beat,
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

/// What a client is told before the server closes its connection, where its protocol has words for it.
pub type Goodbye = fn(CloseCode) -> Option<ByteString>;

/// The outbox of one connection.
#[derive(Debug)]
pub struct Outbox {
    goodbye: Goodbye,
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
    pub fn new(goodbye: Goodbye, limit: usize) -> Arc<Self> {
        Arc::new(Self { goodbye, limit, state: Mutex::default(), drained: Notify::new() })
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

    /// Queues frames that many clients share, `bytes` together, each behind the head of this client.
    pub fn push_headed(&self, head: &Arc<Head>, frames: &Arc<[ByteString]>, bytes: usize) -> Pushed {
        let bytes = bytes + frames.len() * head.size();
        self.enqueue(bytes, || Outbound::Headed(Arc::clone(head), Arc::clone(frames)))
    }

    /// Queues bytes that are no text.
    pub fn push_binary(&self, frame: Bytes) -> Pushed {
        let bytes = frame.len();
        self.enqueue(bytes, || Outbound::Binary(frame))
    }

    /// Gives the client a sign of life.
    pub fn beat(&self) {
        self.enqueue(1, || Outbound::Beat);
    }

    /// Asks the client for a sign of life.
    pub fn ping(&self) {
        self.enqueue(2, || Outbound::Ping);
    }

    /// Says goodbye and ends the connection.
    pub fn close(&self, code: CloseCode, pending: Pending) {
        self.close_with((self.goodbye)(code), code, pending);
    }

    /// Ends the connection after what waits, without a word more.
    pub fn end(&self, code: CloseCode) {
        self.close_with(None, code, Pending::Flush);
    }

    fn close_with(&self, goodbye: Option<ByteString>, code: CloseCode, pending: Pending) {
        let mut state = self.lock();
        if !state.closed {
            self.shut(&mut state, goodbye, code, pending);
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
            self.shut(&mut state, (self.goodbye)(CloseCode::TooSlow), CloseCode::TooSlow, Pending::Drop);
        } else {
            state.bytes += bytes;
            state.queue.push_back(item());
        }
        wake(state);
        if full { Pushed::Evicted } else { Pushed::Queued }
    }

    fn shut(&self, state: &mut State, goodbye: Option<ByteString>, code: CloseCode, pending: Pending) {
        state.closed = true;
        if pending == Pending::Drop {
            state.queue = VecDeque::new();
            state.bytes = 0;
        }
        if let Some(goodbye) = goodbye {
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
    use crate::wire::native;

    fn native(limit: usize) -> Arc<Outbox> {
        Outbox::new(|code| Some(native::closing(code)), limit)
    }

    fn taken(outbox: &Outbox) -> Vec<Outbound> {
        let mut taken = Vec::new();
        outbox.drain(|outbound| taken.push(outbound));
        taken
    }

    #[test]
    fn d5_past_its_bound_an_outbox_forgets_and_says_goodbye() {
        let outbox = native(10);
        assert_eq!(outbox.push("12345".into()), Pushed::Queued);
        assert_eq!(outbox.push("67890".into()), Pushed::Queued);
        assert_eq!(outbox.push("x".into()), Pushed::Evicted);
        assert_eq!(outbox.push("y".into()), Pushed::Closed);
        let left = taken(&outbox);
        assert!(matches!(&left[..], [Outbound::Frame(_), Outbound::Close(CloseCode::TooSlow)]), "{left:?}");
    }

    #[test]
    fn one_frame_above_the_bound_passes_when_nothing_else_waits() {
        let outbox = native(10);
        assert_eq!(outbox.push("x".repeat(100).into()), Pushed::Queued);
        assert_eq!(outbox.push("y".into()), Pushed::Evicted);
    }

    #[test]
    fn a_close_can_flush_what_waits() {
        let outbox = Outbox::new(|_| None, 10);
        outbox.push("last".into());
        outbox.close(CloseCode::GoingAway, Pending::Flush);
        let left = taken(&outbox);
        assert!(matches!(&left[..], [Outbound::Frame(_), Outbound::Close(CloseCode::GoingAway)]), "{left:?}");
    }
}
