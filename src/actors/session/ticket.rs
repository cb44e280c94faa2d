//! The right to answer one request of a session, once, in the words of its protocol.
//! What is answered is the session's to say.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;

use super::traffic::Traffic;
use crate::{
    actors::{
        engine::Engine,
        outbox::Outbox,
        pulse::Reminder,
        relay::{RelayHandle, ToRelay},
    },
    domain::{ClientId, CloseCode, FirstSend, Refusal, RoomId, Timestamp, User},
    wire::Greeting,
};

/// What a session answers.
#[derive(Debug)]
pub(in crate::actors) enum Answer<'a> {
    /// The client is somebody now.
    Connected {
        /// Who.
        user: &'a User,
        /// What the session is called.
        session: &'a str,
        /// What makes the client this somebody again, where it was made now.
        token: Option<&'a str>,
    },
    /// A message is durable.
    Sent {
        /// Where.
        room: &'a RoomId,
        /// As which record.
        first: FirstSend,
        /// The sender's own name for it.
        client_id: Option<&'a ClientId>,
    },
    /// A subscription begins.
    Reading(Greeting<'a>),
    /// The client is not a member of the room any more.
    Left(&'a RoomId),
    /// The subscription to the room has ended.
    Parted(&'a RoomId),
    /// A new token was taken, which expires then.
    Renewed(Option<Timestamp>),
    /// It is done, and that is all there is to say.
    Done,
}

/// In which words one request is answered.
pub(in crate::actors) trait Tongue: Send + Sync {
    /// Says an answer, in any number of frames.
    fn answer(&self, answer: &Answer<'_>, say: &mut dyn FnMut(ByteString));

    /// Says that it was not done.
    fn refuse(&self, refusal: &Refusal) -> Refused;

    /// What will tell the client that its token has expired, and that it has so long for a new one.
    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder;
}

/// How a refusal is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::actors) struct Refused {
    /// The frames that say it.
    pub frames: Vec<ByteString>,
    /// How the connection is closed behind them, if it is.
    pub end: Option<CloseCode>,
}

/// The right to answer one request, once; the request counts as unanswered until then.
pub(in crate::actors) struct Ticket {
    tongue: Arc<dyn Tongue>,
    outbox: Arc<Outbox>,
    engine: Engine,
    traffic: Arc<Traffic>,
}

impl Ticket {
    pub(super) fn new(
        tongue: Arc<dyn Tongue>,
        outbox: Arc<Outbox>,
        engine: Engine,
        traffic: Arc<Traffic>,
    ) -> Self {
        traffic.begins();
        Self { tongue, outbox, engine, traffic }
    }

    /// The words in which it is answered.
    pub(super) fn tongue(&self) -> Arc<dyn Tongue> {
        Arc::clone(&self.tongue)
    }

    /// The frames of an answer.
    pub(super) fn words(&self, answer: &Answer<'_>) -> Vec<ByteString> {
        let mut words = Vec::new();
        self.tongue.answer(answer, &mut |frame| words.push(frame));
        words
    }

    /// Answers at once.
    pub(super) fn answer(&self, answer: &Answer<'_>) {
        self.tongue.answer(answer, &mut |frame| {
            self.outbox.push(frame);
        });
    }

    /// Answers behind all records that the relay was told of before.
    pub(super) fn answer_behind(&self, relay: &RelayHandle, answer: &Answer<'_>) {
        self.tongue.answer(answer, &mut |frame| relay.tell(ToRelay::Push(Arc::clone(&self.outbox), frame)));
    }

    /// Says that it was not done.
    pub(super) fn refuse(&self, refusal: &Refusal) {
        self.engine.metrics().refused(refusal.code.name());
        let Refused { frames, end } = self.tongue.refuse(refusal);
        for frame in frames {
            self.outbox.push(frame);
        }
        if let Some(code) = end {
            self.outbox.end(code);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.traffic.ends();
    }
}
