//! The conversation of STOMP: frames to requests of a session, and its answers back.
//! Frames are parsed and worded in `wire::stomp`; rooms, order and membership are the session's and the room's.

mod acks;
mod anonymous;
mod dialogue;
mod notices;
mod subscriptions;
mod tongue;
mod transactions;

use std::sync::Arc;

use super::{
    conversation::{Conversation, Line, Protocol},
    engine::Engine,
    outbox::Outbox,
    session::{Session, Strangers},
};
use crate::{
    config::{AnonymousClients, RefusalsGo},
    domain::{CloseCode, Code},
    wire::stomp::{self, Bounds, Routes},
};
use dialogue::Dialogue;

/// How STOMP is spoken by a node.
#[derive(Clone)]
pub struct StompOptions {
    /// Bytes that may wait for one client.
    pub outbox_bytes: usize,
    /// Requests of one client that may be unanswered at once.
    pub in_flight: usize,
    /// Largest body of a frame, in bytes.
    pub body_bytes: usize,
    /// What the server offers of heart-beats, in milliseconds; 0 turns them off.
    pub heartbeat_ms: u64,
    /// What becomes of a client that does not say who it is.
    pub anonymous: AnonymousClients,
    /// Where a refusal goes.
    pub refusals: RefusalsGo,
    /// Deliveries of a subscription that may be unacknowledged.
    pub unacked_max: u64,
    /// Where a client shows a new token in the place of one that expires.
    pub refresh: Box<str>,
    /// The destinations.
    pub routes: Routes,
    /// What HTTP says for a code.
    pub status: fn(Code) -> u16,
}

/// STOMP as a protocol.
#[derive(Clone)]
pub struct Stomp {
    engine: Engine,
    options: Arc<StompOptions>,
}

impl Stomp {
    /// STOMP on a node.
    pub fn new(engine: Engine, options: StompOptions) -> Self {
        Self { engine, options: Arc::new(options) }
    }
}

impl Protocol for Stomp {
    fn outbox(&self) -> Arc<Outbox> {
        Outbox::new(goodbye, self.options.outbox_bytes)
    }

    fn begin(&self, line: Line) -> Box<dyn Conversation> {
        let strangers = match self.options.anonymous {
            AnonymousClients::Refuse => Strangers::Refused,
            AnonymousClients::Bind => Strangers::MayRead,
        };
        let session = Session::new(self.engine.clone(), line, strangers, self.options.in_flight);
        let bounds = Bounds::with_body(self.options.body_bytes);
        Box::new(Dialogue::new(session, Arc::clone(&self.options), bounds))
    }

    fn subprotocols(&self) -> &'static [&'static str] {
        &["v12.stomp", "v11.stomp", "v10.stomp"]
    }
}

/// The ERROR before a close that the server wants.
fn goodbye(code: CloseCode) -> Option<bytestring::ByteString> {
    (code != CloseCode::Normal).then(|| stomp::ended(None, code.name(), code.sentence()))
}
