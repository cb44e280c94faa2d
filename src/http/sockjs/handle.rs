//! A session as requests hold it, on whatever thread: who receives it, and what its client may still send.
//! The conversation itself lives with the session's actor.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll, ready},
    time::{Duration, Instant},
};

use actix::Addr;
use tokio::{sync::Semaphore, time::timeout};

use super::{
    frames::Received,
    session::{Deliver, Session, Stir},
};
use crate::{
    actors::{Outbox, Pulse},
    domain::{CloseCode, Code, Refusal},
    http::framing::Drained,
    wire::sockjs::{self, Goodbye},
};

/// How long a request waits for room before it is refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// A session as requests hold it.
pub(super) struct Handle {
    outbox: Arc<Outbox>,
    pulse: Arc<Pulse>,
    /// Bytes that may still be sent before the conversation has taken what was sent.
    room: Arc<Semaphore>,
    room_bytes: usize,
    reception: Mutex<Reception>,
    actor: Addr<Session>,
}

/// Whether and by whom a session is received.
#[derive(Debug)]
struct Reception {
    greeted: bool,
    state: State,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Free,
    Taken,
    Ended(Goodbye),
}

/// How long a session may still live.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It is received.
    Received,
    /// So long, if nobody receives it.
    Left(Duration),
    /// No longer.
    Over,
}

impl Handle {
    /// A session that nobody has received yet; `room_bytes` may wait for its conversation.
    pub(super) fn new(
        outbox: Arc<Outbox>,
        pulse: Arc<Pulse>,
        room_bytes: usize,
        actor: Addr<Session>,
    ) -> Self {
        let reception = Reception { greeted: false, state: State::Free, since: Instant::now() };
        let (room, reception) = (Arc::new(Semaphore::new(room_bytes)), Mutex::new(reception));
        Self { outbox, pulse, room, room_bytes, reception, actor }
    }

    /// Whether its actor does.
    pub(super) fn lives(&self) -> bool {
        self.actor.connected()
    }

    /// Becomes the one who receives the session.
    ///
    /// # Errors
    /// What to say instead, where somebody else does or it has ended.
    pub(super) fn receive(self: &Arc<Self>) -> Result<Receiver, Goodbye> {
        let mut reception = self.lock();
        match reception.state {
            State::Taken => return Err(Goodbye::RECEIVED_ELSEWHERE),
            State::Ended(goodbye) => return Err(goodbye),
            State::Free => reception.state = State::Taken,
        }
        let greeted = mem::replace(&mut reception.greeted, true);
        drop(reception);
        self.pulse.heard();
        Ok(Receiver { handle: Arc::clone(self), greets: !greeted, finished: false })
    }

    /// Hands over what the client sent in `bytes` bytes, once there is room for it. What comes for a session that
    /// has ended is thrown away, as by a socket that closes.
    ///
    /// # Errors
    /// `overloaded` when there is no room for a while.
    pub(super) async fn deliver(&self, messages: Vec<String>, bytes: usize) -> Result<(), Refusal> {
        self.pulse.heard();
        let size = u32::try_from(bytes.clamp(1, self.room_bytes)).unwrap_or(u32::MAX);
        let room = timeout(PATIENCE, Arc::clone(&self.room).acquire_many_owned(size)).await;
        let Ok(Ok(room)) = room else { return Err(Code::Overloaded.into()) };
        self.actor.do_send(Deliver { messages, room });
        Ok(())
    }

    /// How long it may still live when it may be left alone for `patience`; nobody receives one that is over.
    pub(super) fn life(&self, patience: Duration) -> Life {
        let mut reception = self.lock();
        if reception.state == State::Taken {
            return Life::Received;
        }
        let left = patience.saturating_sub(reception.since.elapsed());
        if !left.is_zero() {
            return Life::Left(left);
        }
        if reception.state == State::Free {
            reception.state = State::Ended(CloseCode::GoAway.into());
        }
        Life::Over
    }

    /// Whether nothing more is said in it.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.lock().state, State::Ended(_))
    }

    fn release(&self, state: State) {
        let mut reception = self.lock();
        if reception.state == State::Taken {
            (reception.state, reception.since) = (state, Instant::now());
        }
        drop(reception);
        self.actor.do_send(Stir);
    }

    fn lock(&self) -> MutexGuard<'_, Reception> {
        // The state is whole between statements, so a panic elsewhere leaves nothing half done.
        self.reception.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one who receives a session. Dropping it unfinished means that its response broke off.
pub(super) struct Receiver {
    handle: Arc<Handle>,
    greets: bool,
    finished: bool,
}

impl Receiver {
    /// The next frames, at least one.
    pub(super) fn poll_frames(&mut self, context: &mut task::Context<'_>) -> Poll<Received> {
        if mem::take(&mut self.greets) {
            return Poll::Ready(Received::from(sockjs::OPEN.to_owned()));
        }
        loop {
            ready!(self.handle.outbox.poll_waiting(context));
            let Drained { messages, end, ping } = Drained::of(&self.handle.outbox);
            let goodbye = end.map(Goodbye::from);
            match goodbye {
                Some(goodbye) => self.handle.release(State::Ended(goodbye)),
                None => self.handle.actor.do_send(Stir),
            }
            let messages = messages.or_else(|| ping.then(|| sockjs::HEARTBEAT.to_owned()));
            if messages.is_some() || goodbye.is_some() {
                return Poll::Ready(Received { messages, goodbye });
            }
        }
    }

    /// Leaves the session to whoever receives it next.
    pub(super) fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.finished {
            return self.handle.release(State::Free);
        }
        if !self.handle.has_ended() {
            self.handle.outbox.abandon();
        }
        self.handle.release(State::Ended(Goodbye::INTERRUPTED));
    }
}
