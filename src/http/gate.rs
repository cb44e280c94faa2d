//! A gate in front of a socket's bytes: what its session cannot take yet stays in the client's socket, so that
//! back-pressure reaches the sender, and nothing passes after a frame that announces too much.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use actix_web::{dev::Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::Stream;

use super::frame_lengths::FrameLengths;
use crate::{
    actors::{Outbox, Pending},
    domain::CloseCode,
};

/// What happens to bytes that arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passage {
    /// They pass.
    Open,
    /// They wait.
    Shut,
    /// They are thrown away, so that a goodbye is not lost to unread bytes.
    Discard,
}

/// The handle that opens and shuts a gate.
#[derive(Clone)]
pub(super) struct Gate(Rc<State>);

struct State {
    passage: Cell<Passage>,
    waiting: RefCell<Option<Waker>>,
}

impl Gate {
    /// An open gate.
    pub(super) fn new() -> Self {
        Self(Rc::new(State { passage: Cell::new(Passage::Open), waiting: RefCell::default() }))
    }

    /// Sets what happens to bytes; one that discards stays so.
    pub(super) fn set(&self, passage: Passage) {
        if self.0.passage.get() == Passage::Discard {
            return;
        }
        self.0.passage.set(passage);
        if passage != Passage::Shut
            && let Some(waiting) = self.0.waiting.take()
        {
            waiting.wake();
        }
    }

    /// The bytes of a socket behind this gate; `outbox` is closed at a frame of more than `most` bytes.
    pub(super) fn guard(&self, payload: Payload, outbox: Arc<Outbox>, most: usize) -> Gated {
        Gated { gate: self.clone(), payload, outbox, lengths: FrameLengths::new(most) }
    }
}

/// A socket's bytes behind a gate.
pub(super) struct Gated {
    gate: Gate,
    payload: Payload,
    outbox: Arc<Outbox>,
    lengths: FrameLengths,
}

impl Stream for Gated {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let passage = self.gate.0.passage.get();
            if passage == Passage::Shut {
                *self.gate.0.waiting.borrow_mut() = Some(context.waker().clone());
                return Poll::Pending;
            }
            match Pin::new(&mut self.payload).poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(_))) if passage == Passage::Discard => {}
                Poll::Ready(Some(Ok(bytes))) => match self.lengths.follow(&bytes) {
                    Ok(()) => return Poll::Ready(Some(Ok(bytes))),
                    Err(_) => {
                        self.gate.set(Passage::Discard);
                        self.outbox.close(CloseCode::MessageTooBig, Pending::Flush);
                    }
                },
                ended => return ended,
            }
        }
    }
}
