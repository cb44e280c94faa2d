//! A gate in front of a request's payload: what a session cannot take yet stays in the client's socket,
//! so that back-pressure reaches the sender. It does not look at the bytes.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{dev::Payload, error::PayloadError};
use bytes::Bytes;
use futures_util::Stream;

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

    /// The payload behind this gate.
    pub(super) fn guard(&self, payload: Payload) -> Gated {
        Gated { gate: self.clone(), payload }
    }
}

/// A payload behind a gate.
pub(super) struct Gated {
    gate: Gate,
    payload: Payload,
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
            let polled = Pin::new(&mut self.payload).poll_next(context);
            if passage == Passage::Open || !matches!(polled, Poll::Ready(Some(Ok(_)))) {
                if polled.is_pending() {
                    // The passage may be changed while the payload is waited for.
                    *self.gate.0.waiting.borrow_mut() = Some(context.waker().clone());
                }
                return polled;
            }
        }
    }
}
