//! How many requests of a session have no answer yet, and who is to be told when one gets it.
//! What waits for that is the session's to know.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use actix::Recipient;

use super::{Progress, Step};

/// Counts the unanswered requests of one session; answers come from any thread.
pub(super) struct Traffic {
    unanswered: AtomicUsize,
    stalled: AtomicBool,
    me: Recipient<Progress>,
}

impl Traffic {
    /// None yet.
    pub(super) fn new(me: Recipient<Progress>) -> Self {
        Self { unanswered: AtomicUsize::new(0), stalled: AtomicBool::new(false), me }
    }

    /// How many there are.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered.load(Ordering::SeqCst)
    }

    /// One more.
    pub(super) fn begins(&self) {
        self.unanswered.fetch_add(1, Ordering::SeqCst);
    }

    /// One less. An answer need not be said, so that no outbox may wake the session for it.
    pub(super) fn ends(&self) {
        self.unanswered.fetch_sub(1, Ordering::SeqCst);
        if self.stalled.swap(false, Ordering::SeqCst) {
            self.me.do_send(Progress(Step::Answered));
        }
    }

    /// The session waits for answers: it is told of the next one. Whoever calls this counts again afterwards, for one
    /// may have come before.
    pub(super) fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }
}
