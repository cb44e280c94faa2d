//! A WebSocket: the actor of one socket, around a conversation. The only user of actix-web-actors, so that
//! replacing that crate is one file. What the messages say is the conversation's business.

use std::{io, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Handler, MessageResult, StreamHandler};
use actix_http::ws::Item;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseReason, Message, ProtocolError, WebsocketContext};
use bytestring::ByteString;
use futures_util::stream;

use super::{
    Context,
    error::Problem,
    fragments::{Fragments, Kind, Whole},
    gate::{Gate, Passage},
    origin,
};
use crate::{
    actors::{
        Conversation, Incoming, Line, Observe, Outbound, Outbox, Pending, Progress, Protocol, Pulse, Rhythm,
        SessionState,
    },
    config::SocketSettings,
    domain::{CloseCode, Code, Refusal},
};

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(2);

/// A sign of life of a protocol that has one: an empty line.
const BEAT: ByteString = ByteString::from_static("\n");

/// Something waits in the outbox.
struct Waiting;

/// The actor of one socket.
struct WebSocket {
    protocol: Rc<dyn Protocol>,
    outbox: Arc<Outbox>,
    pulse: Arc<Pulse>,
    /// There from the actor's start to its end.
    conversation: Option<Box<dyn Conversation>>,
    context: web::Data<Context>,
    gate: Gate,
    fragments: Fragments,
    closing: bool,
}

/// Upgrades a request to a socket in which a protocol is spoken.
pub(super) fn open(
    request: &HttpRequest,
    payload: web::Payload,
    context: &web::Data<Context>,
    protocol: Rc<dyn Protocol>,
) -> Result<HttpResponse, actix_web::Error> {
    if !origin::allowed(request, &context.allowed_origins) {
        return Err(Problem::from(Refusal::from(Code::OriginNotAllowed)).into());
    }
    let (gate, subprotocols) = (Gate::new(), protocol.subprotocols());
    let socket = WebSocket::new(context.clone(), gate.clone(), protocol);
    let frame_bytes = context.socket.frame_bytes;
    let payload = gate.guard(payload.into_inner(), Arc::clone(&socket.outbox), frame_bytes);
    let upgrade = ws::WsResponseBuilder::new(socket, request, payload).protocols(subprotocols);
    upgrade.frame_size(frame_bytes).start().map_err(|error| {
        let why = format!("this is for WebSockets: {error}");
        Problem::from(Refusal::new(Code::Malformed).message(why)).into()
    })
}

impl WebSocket {
    fn new(context: web::Data<Context>, gate: Gate, protocol: Rc<dyn Protocol>) -> Self {
        Self {
            outbox: protocol.outbox(),
            protocol,
            pulse: Arc::new(Pulse::new(rhythm(&context.socket))),
            conversation: None,
            gate,
            fragments: Fragments::new(context.socket.frame_bytes),
            closing: false,
            context,
        }
    }

    fn close(&self, code: CloseCode) {
        self.outbox.close(code, Pending::Flush);
    }

    fn take(&mut self, message: Incoming<'_>) {
        if let Some(conversation) = self.conversation.as_mut() {
            conversation.take(message);
        }
    }

    fn fragment(&mut self, item: &Item) {
        let whole = match item {
            Item::FirstText(piece) => self.fragments.begin(Kind::Text, piece).map(|()| None),
            Item::FirstBinary(piece) => self.fragments.begin(Kind::Binary, piece).map(|()| None),
            Item::Continue(piece) => self.fragments.add(piece).map(|()| None),
            Item::Last(piece) => self.fragments.finish(piece).map(Some),
        };
        match whole {
            Ok(Some(Whole::Text(text))) => self.take(Incoming::Text(&text)),
            Ok(Some(Whole::Binary(bytes))) => self.take(Incoming::Binary(&bytes)),
            Ok(None) => {}
            Err(code) => self.close(code),
        }
    }

    /// After broken frames nothing that follows can be read.
    fn broken(&self, error: &ProtocolError) {
        self.gate.set(Passage::Discard);
        self.close(match error {
            // The crate tells broken text by an error of this kind, and set reserved bits by another.
            ProtocolError::Io(error) if error.kind() == io::ErrorKind::Other => CloseCode::InvalidUtf8,
            _ => CloseCode::ProtocolError,
        });
    }

    fn write(&mut self, outbound: Outbound, ctx: &mut WebsocketContext<Self>) {
        match outbound {
            Outbound::Frame(frame) => ctx.text(frame),
            Outbound::Frames(frames) => frames.iter().for_each(|frame| ctx.text(frame.clone())),
            Outbound::Headed(head, frames) => frames.iter().for_each(|frame| ctx.text(head.frame(frame))),
            Outbound::Binary(bytes) => ctx.binary(bytes),
            Outbound::Beat => ctx.text(BEAT),
            Outbound::Ping => ctx.ping(b""),
            Outbound::Close(code) => self.say_goodbye(code, ctx),
        }
    }

    /// Sends a close frame and gives the client a moment to answer it.
    fn say_goodbye(&mut self, code: CloseCode, ctx: &mut WebsocketContext<Self>) {
        self.closing = true;
        self.gate.set(Passage::Open);
        ctx.close(Some(CloseReason::from((code.number().into(), code.name()))));
        ctx.run_later(FAREWELL, |_, ctx| ctx.stop());
    }

    /// Lets the client send more, or not yet.
    fn regulate(&mut self) {
        if self.closing {
            return;
        }
        let wants_more = self.conversation.as_ref().is_some_and(|conversation| conversation.wants_more());
        self.gate.set(if wants_more { Passage::Open } else { Passage::Shut });
    }
}

impl Actor for WebSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.context.engine.metrics().connections.websocket.inc();
        self.conversation = Some(self.protocol.begin(Line {
            outbox: Arc::clone(&self.outbox),
            pulse: Arc::clone(&self.pulse),
            relay: self.context.relay.clone(),
            me: ctx.address().recipient(),
        }));
        let outbox = Arc::clone(&self.outbox);
        ctx.add_stream(stream::poll_fn(move |context| outbox.poll_waiting(context).map(|()| Some(Waiting))));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(mut conversation) = self.conversation.take() {
            conversation.close();
        }
        self.context.engine.metrics().connections.websocket.dec();
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for WebSocket {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut Self::Context) {
        self.pulse.heard();
        if self.closing {
            if !matches!(message, Ok(Message::Text(_) | Message::Binary(_) | Message::Continuation(_))) {
                ctx.stop();
            }
            return;
        }
        match message {
            Ok(Message::Text(text)) => self.take(Incoming::Text(&text)),
            Ok(Message::Binary(bytes)) => self.take(Incoming::Binary(&bytes)),
            Ok(Message::Continuation(item)) => self.fragment(&item),
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Err(error) => self.broken(&error),
        }
        self.regulate();
    }
}

impl StreamHandler<Waiting> for WebSocket {
    fn handle(&mut self, _: Waiting, ctx: &mut Self::Context) {
        let outbox = Arc::clone(&self.outbox);
        outbox.drain(|outbound| self.write(outbound, ctx));
        if let Some(conversation) = self.conversation.as_mut() {
            // Answers have gone out, so requests that waited may go on.
            conversation.advance();
        }
        self.regulate();
    }
}

impl Handler<Progress> for WebSocket {
    type Result = ();

    fn handle(&mut self, progress: Progress, _: &mut Self::Context) {
        if let Some(conversation) = self.conversation.as_mut() {
            conversation.progress(progress);
        }
        self.regulate();
    }
}

impl Handler<Observe<Option<SessionState>>> for WebSocket {
    type Result = MessageResult<Observe<Option<SessionState>>>;

    fn handle(&mut self, _: Observe<Option<SessionState>>, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.conversation.as_ref().map(|conversation| conversation.observe()))
    }
}

fn rhythm(settings: &SocketSettings) -> Rhythm {
    let seconds = |setting| u32::try_from(setting).unwrap_or(u32::MAX / 2);
    Rhythm { heartbeat: seconds(settings.heartbeat_s), to_connect: seconds(settings.connect_timeout_s) }
}
