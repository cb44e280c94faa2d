//! The words in which requests of a STOMP client are answered: CONNECTED, RECEIPT, ERROR, and problems in its queue.
//! Their text is the business of `wire::stomp`.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{anonymous::Failed, notices::Notices, subscriptions::Alive};
use crate::{
    actors::{
        outbox::Outbox,
        pulse::Reminder,
        session::{Answer, Refused, Tongue},
        voice::Window,
    },
    domain::{About, CloseCode, Code, Refusal, Retry, Seq, Timestamp},
    wire::{
        Greeting,
        stomp::{self, Heartbeat, Welcome},
    },
};

/// For CONNECT: CONNECTED, or ERROR and the close.
pub(super) struct Introduction {
    pub notices: Arc<Notices>,
    pub heartbeat: Heartbeat,
}

impl Tongue for Introduction {
    fn answer(&self, answer: &Answer<'_>, say: &mut dyn FnMut(ByteString)) {
        if let Answer::Connected { user, session, token } = *answer {
            let welcome = Welcome { session, user: Some(user), token, heartbeat: self.heartbeat };
            say(stomp::connected(self.notices.version, welcome));
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Refused {
        let end = match (refusal.code, refusal.code.retry()) {
            (Code::Banned, _) => CloseCode::Banned,
            (_, Retry::Later) => CloseCode::GoingAway,
            (_, Retry::No | Retry::Reconnect) => CloseCode::Unauthenticated,
        };
        self.notices.error(refusal, None, end)
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        Arc::clone(&self.notices).reminder(expires_at, within)
    }
}

/// For the nickname that a payload gives a client: nothing, unless it cannot have it.
pub(super) struct Binding {
    pub notices: Arc<Notices>,
    pub receipt: Option<String>,
    pub failed: Failed,
}

impl Tongue for Binding {
    fn answer(&self, _: &Answer<'_>, _: &mut dyn FnMut(ByteString)) {}

    fn refuse(&self, refusal: &Refusal) -> Refused {
        self.failed.tell();
        self.notices.refuse(refusal, self.receipt.as_deref())
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        Arc::clone(&self.notices).reminder(expires_at, within)
    }
}

/// For everything else: a RECEIPT where one was asked for, or a refusal.
pub(super) struct Plain {
    pub notices: Arc<Notices>,
    /// The receipt that the frame asked for.
    pub receipt: Option<String>,
    /// Those that frames before it asked for, which are done with it.
    pub earlier: Vec<String>,
    /// The nickname that came with the frame was refused, if it was, and that is all the client is told.
    pub is_bound_here: bool,
}

impl Plain {
    pub(super) fn new(notices: &Arc<Notices>, receipt: Option<String>) -> Self {
        let notices = Arc::clone(notices);
        Self { notices, receipt, earlier: Vec::new(), is_bound_here: false }
    }

    fn receipts(&self, say: &mut dyn FnMut(ByteString)) {
        for receipt in self.earlier.iter().chain(&self.receipt) {
            say(stomp::receipt(self.notices.version, receipt));
        }
    }
}

impl Tongue for Plain {
    fn answer(&self, _: &Answer<'_>, say: &mut dyn FnMut(ByteString)) {
        self.receipts(say);
    }

    fn refuse(&self, refusal: &Refusal) -> Refused {
        if self.is_bound_here && refusal.code == Code::Unauthenticated {
            return Refused { frames: Vec::new(), end: None };
        }
        self.notices.refuse(refusal, self.receipt.as_deref())
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        Arc::clone(&self.notices).reminder(expires_at, within)
    }
}

/// For SUBSCRIBE of a room: a RECEIPT when the subscription begins, and a problem where its position is lost.
pub(super) struct Opening {
    pub plain: Plain,
    /// The record after which the client wants everything.
    pub after: Option<Seq>,
    pub window: Option<Arc<Window>>,
    pub alive: Alive,
}

impl Tongue for Opening {
    fn answer(&self, answer: &Answer<'_>, say: &mut dyn FnMut(ByteString)) {
        let Answer::Reading(Greeting { room, recovered, missing }) = answer else { return };
        let begins = self.after.filter(|_| *recovered == Some(true)).unwrap_or(room.head.seq);
        if let Some(window) = &self.window {
            window.begins_after(begins);
        }
        self.plain.receipts(say);
        if let (Some(false), Some(missing)) = (recovered, missing) {
            let lost = About::Lost { head: room.head.clone(), missing: *missing };
            let receipt = self.plain.receipt.as_deref();
            let problem = self.plain.notices.problem(&Refusal::new(Code::PositionLost).about(lost), receipt);
            problem.into_iter().for_each(say);
        }
    }

    fn refuse(&self, refusal: &Refusal) -> Refused {
        self.alive.ends();
        self.plain.refuse(refusal)
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        Arc::clone(&self.plain.notices).reminder(expires_at, within)
    }
}

/// For DISCONNECT: a RECEIPT and the end.
pub(super) struct Farewell {
    pub plain: Plain,
    pub outbox: Arc<Outbox>,
}

impl Tongue for Farewell {
    fn answer(&self, answer: &Answer<'_>, say: &mut dyn FnMut(ByteString)) {
        self.plain.answer(answer, say);
        self.outbox.end(CloseCode::Normal);
    }

    fn refuse(&self, refusal: &Refusal) -> Refused {
        self.plain.refuse(refusal)
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        Arc::clone(&self.plain.notices).reminder(expires_at, within)
    }
}
