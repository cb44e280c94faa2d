//! Somebody who reads a room over HTTP: an outbox that its relay knows, and that is given back when the client goes.
//! What is done with the frames is decided by whoever drains it.

use std::{
    sync::Arc,
    task::{Poll, ready},
};

use bytestring::ByteString;

use super::Context;
use crate::{
    actors::{
        Footing, Greet, Outbound, Outbox, Presence, Pulse, Reading, RelayHandle, SessionId, Start,
        Subscription, ToRelay, Voice,
    },
    domain::{Identity, Refusal, RoomId},
    wire::Dialect,
};

/// A reader of one room; dropping it ends everything.
pub(super) struct Reader {
    connection: Connection,
    ended: bool,
    _reading: Reading,
}

impl Reader {
    /// Reads a room as somebody, or as nobody in particular, from `start` on in a dialect. What somebody reads with a token
    /// ends with what the token stands for.
    ///
    /// # Errors
    /// `room_not_found`, `not_a_member`, `banned`, `storage_unavailable`, `log_unavailable`, `overloaded`.
    pub(super) async fn open(
        context: &Context,
        (room, who): (&RoomId, Option<&Identity>),
        dialect: Dialect,
        start: Start,
        greet: Greet,
    ) -> Result<Self, Refusal> {
        let connection = Connection::open(context, who);
        let user = who.map(|identity| identity.user.id.clone());
        let subscription = Subscription::new(
            user,
            Footing::Reader,
            Arc::clone(&connection.outbox),
            Voice::plain(dialect),
            connection.relay.clone(),
        );
        let reading = context.engine.subscribe(room, subscription, start, greet).await?;
        Ok(Self { connection, ended: false, _reading: reading })
    }

    /// Everything that waits, at least one frame; nothing once the server ended it.
    pub(super) fn poll_frames(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> Poll<Option<Vec<ByteString>>> {
        while !self.ended {
            ready!(self.connection.outbox.poll_waiting(context));
            let frames = self.frames();
            if !frames.is_empty() {
                return Poll::Ready(Some(frames));
            }
        }
        Poll::Ready(None)
    }

    fn frames(&mut self) -> Vec<ByteString> {
        let mut waiting = Vec::new();
        let ended = &mut self.ended;
        self.connection.outbox.drain(|outbound| match outbound {
            Outbound::Frame(frame) => waiting.push(frame),
            Outbound::Frames(frames) => waiting.extend(frames.iter().cloned()),
            // What follows is for sockets alone.
            Outbound::Headed(..) | Outbound::Binary(_) | Outbound::Beat | Outbound::Ping => {}
            Outbound::Close(_) => *ended = true,
        });
        waiting
    }
}

/// The outbox of a client, known to the relay of its worker, so that a stop reaches it.
struct Connection {
    outbox: Arc<Outbox>,
    relay: RelayHandle,
    session: SessionId,
    _presence: Option<Presence>,
}

impl Connection {
    fn open(context: &Context, who: Option<&Identity>) -> Self {
        let outbox = Outbox::new(|_| None, context.socket.outbox_bytes);
        let session = SessionId::next();
        let pulse = who.map(|identity| {
            let pulse = Arc::new(Pulse::of_listener());
            context.engine.limit_listener(identity, &pulse);
            pulse
        });
        context.relay.tell(ToRelay::Register(session, Arc::clone(&outbox), pulse));
        let presence = who.map(|identity| context.engine.attend(identity, session, &outbox));
        let relay = context.relay.clone();
        Self { outbox, relay, session, _presence: presence }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.outbox.abandon();
        self.relay.tell(ToRelay::Unregister(self.session));
    }
}
