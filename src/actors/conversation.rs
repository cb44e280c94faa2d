//! Conversations: what a client and the node say to each other in some protocol, whatever carries the messages.
//! Transports (a WebSocket, SockJS) own one each and know nothing of what is said in it.

use std::sync::Arc;

use actix::Recipient;

use super::{
    limits::Address,
    outbox::Outbox,
    pulse::Pulse,
    relay::RelayHandle,
    session::{Progress, SessionState},
};

/// What a transport lends a conversation.
pub struct Line {
    /// Where everything goes that the client is told.
    pub outbox: Arc<Outbox>,
    /// Where its signs of life are shown.
    pub pulse: Arc<Pulse>,
    /// The relay of the connection's thread.
    pub relay: RelayHandle,
    /// How the conversation is told of progress; [`Conversation::progress`] is to be called with it.
    pub me: Recipient<Progress>,
    /// Where the client comes from.
    pub from: Address,
}

/// A message of a client.
#[derive(Debug, Clone, Copy)]
pub enum Incoming<'a> {
    /// A text.
    Text(&'a str),
    /// Bytes that are not said to be text.
    Binary(&'a [u8]),
}

/// One client's conversation. It never blocks, and it ends by closing its outbox.
pub trait Conversation {
    /// Takes a message of the client.
    fn take(&mut self, message: Incoming<'_>);

    /// Whether more may be read from the client.
    fn wants_more(&self) -> bool;

    /// What waited in the outbox has gone out, so that what waited for that may go on.
    fn advance(&mut self);

    /// Goes on after something that was waited for.
    fn progress(&mut self, progress: Progress);

    /// The client is gone.
    fn close(&mut self);

    /// What it shows of itself.
    fn observe(&self) -> SessionState;
}

/// A protocol that conversations can be held in; one for each worker thread.
pub trait Protocol {
    /// An outbox for a new client, with the protocol's words for a goodbye.
    fn outbox(&self) -> Arc<Outbox>;

    /// Begins a conversation.
    fn begin(&self, line: Line) -> Box<dyn Conversation>;

    /// The sub-protocols of RFC 6455 that it is known by, the best first.
    fn subprotocols(&self) -> &'static [&'static str] {
        &[]
    }
}
