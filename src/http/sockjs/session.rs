//! The actor of one session over HTTP: it owns the conversation, which lives on while requests come and go.
//! What is said in it is the conversation's business, and who receives it is decided by its handle.

use std::{sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, Message};
use prometheus::IntGauge;
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Service,
    handle::{Handle, Life},
    sessions::{Key, Sessions},
};
use crate::{
    actors::{Address, Conversation, Incoming, Line, Progress, Pulse, Rhythm},
    http,
};

/// What a client sent in one request, and the room that it takes.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    pub(super) messages: Vec<String>,
    pub(super) room: OwnedSemaphorePermit,
}

/// A receiver came, went or took what waited.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Stir;

/// The actor of one session.
pub(super) struct Session {
    key: Key,
    handle: Arc<Handle>,
    sessions: Sessions,
    /// There until the session has ended.
    conversation: Option<Box<dyn Conversation>>,
    /// Room that is given back when the conversation wants more.
    taken: Vec<OwnedSemaphorePermit>,
    patience: Duration,
    /// Whether a look at the session's life is due.
    watched: bool,
    gauge: IntGauge,
}

impl Session {
    /// Begins a session on the current thread.
    pub(super) fn begin(context: &http::Context, service: &Service, key: Key, from: Address) -> Arc<Handle> {
        let ctx = Context::<Self>::new();
        let pulse = Arc::new(Pulse::new(rhythm(context.socket.connect_timeout_s)));
        let outbox = service.protocol.outbox();
        let room = context.request_bytes;
        let handle = Handle::new(Arc::clone(&outbox), Arc::clone(&pulse), room, ctx.address());
        let handle = Arc::new(handle);
        let (relay, me) = (context.relay.clone(), ctx.address().recipient());
        let session = Self {
            key,
            handle: Arc::clone(&handle),
            sessions: context.sockjs.clone(),
            conversation: Some(service.protocol.begin(Line { outbox, pulse, relay, me, from })),
            taken: Vec::new(),
            patience: service.settings.disconnect(),
            watched: false,
            gauge: context.engine.metrics().connections.sockjs.clone(),
        };
        session.gauge.inc();
        ctx.run(session);
        handle
    }

    fn hang_up(&mut self) {
        if let Some(mut conversation) = self.conversation.take() {
            conversation.close();
            self.gauge.dec();
        }
    }

    /// Gives room back where the conversation takes more.
    fn regulate(&mut self) {
        if self.conversation.as_ref().is_none_or(|conversation| conversation.wants_more()) {
            self.taken.clear();
        }
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        match self.handle.life(self.patience) {
            Life::Received => {}
            Life::Left(left) if !self.watched => {
                self.watched = true;
                ctx.run_later(left, |session, ctx| {
                    session.watched = false;
                    session.look(ctx);
                });
            }
            Life::Left(_) => {}
            Life::Over => {
                self.hang_up();
                self.sessions.forget(&self.key, &self.handle);
                ctx.stop();
            }
        }
    }
}

impl Actor for Session {
    type Context = Context<Self>;
}

impl Handler<Deliver> for Session {
    type Result = ();

    fn handle(&mut self, Deliver { messages, room }: Deliver, _: &mut Self::Context) {
        if let Some(conversation) = self.conversation.as_mut() {
            messages.iter().for_each(|message| conversation.take(Incoming::Text(message)));
            self.taken.push(room);
        }
        self.regulate();
    }
}

impl Handler<Stir> for Session {
    type Result = ();

    fn handle(&mut self, _: Stir, ctx: &mut Self::Context) {
        if self.handle.has_ended() {
            self.hang_up();
        }
        if let Some(conversation) = self.conversation.as_mut() {
            // Answers have gone out, so requests that waited may go on.
            conversation.advance();
        }
        self.regulate();
        self.look(ctx);
    }
}

impl Handler<Progress> for Session {
    type Result = ();

    fn handle(&mut self, progress: Progress, _: &mut Self::Context) {
        if let Some(conversation) = self.conversation.as_mut() {
            conversation.progress(progress);
        }
        self.regulate();
    }
}

/// Receivers are the signs of life here, so only who never says who they are is ended.
fn rhythm(connect_timeout_s: u64) -> Rhythm {
    const NEVER: u32 = u32::MAX / 4;
    Rhythm { heartbeat: NEVER, to_connect: u32::try_from(connect_timeout_s).unwrap_or(NEVER) }
}
