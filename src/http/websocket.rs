//! The native WebSocket: the actor of one socket, around a session. The only user of actix-web-actors, so that
//! replacing that crate is one file. Requests are parsed in `wire` and judged behind the session.

use std::{io, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Handler, MessageResult, StreamHandler};
use actix_http::ws::Item;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseReason, Message, ProtocolError, WebsocketContext};
use futures_util::stream;

use super::{
    Context,
    error::Problem,
    fragments::Fragments,
    gate::{Gate, Passage},
    origin,
};
use crate::{
    actors::{
        Engine, Observe, Outbound, Outbox, Pending, Progress, Pulse, Rhythm, Session, SessionOptions,
        SessionState,
    },
    config::SocketSettings,
    domain::{CloseCode, Code, Refusal},
    wire::{Dialect, native::Envelope},
};

/// So many messages in a row that are no JSON objects end a socket.
const MALFORMED_IN_A_ROW: u32 = 20;

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(2);

/// Something waits in the outbox.
struct Waiting;

/// The actor of one socket.
struct WebSocket {
    engine: Engine,
    outbox: Arc<Outbox>,
    pulse: Arc<Pulse>,
    /// There from the actor's start to its end.
    session: Option<Session>,
    context: web::Data<Context>,
    gate: Gate,
    fragments: Fragments,
    malformed_in_a_row: u32,
    closing: bool,
}

/// Upgrades a request to a socket.
pub(super) async fn open(
    request: HttpRequest,
    payload: web::Payload,
    context: web::Data<Context>,
) -> Result<HttpResponse, actix_web::Error> {
    if !origin::allowed(&request, &context.allowed_origins) {
        return Err(Problem::from(Refusal::from(Code::OriginNotAllowed)).into());
    }
    let gate = Gate::new();
    let socket = WebSocket::new(context.clone(), gate.clone());
    let frame_bytes = context.socket.frame_bytes;
    let payload = gate.guard(payload.into_inner(), Arc::clone(&socket.outbox), frame_bytes);
    let upgrade = ws::WsResponseBuilder::new(socket, &request, payload);
    upgrade.frame_size(frame_bytes).start().map_err(|error| {
        let why = format!("this is for WebSockets: {error}");
        Problem::from(Refusal::new(Code::Malformed).message(why)).into()
    })
}

impl WebSocket {
    fn new(context: web::Data<Context>, gate: Gate) -> Self {
        Self {
            engine: context.engine.clone(),
            outbox: Outbox::new(Dialect::Native, context.socket.outbox_bytes),
            pulse: Arc::new(Pulse::new(rhythm(&context.socket))),
            session: None,
            gate,
            fragments: Fragments::new(context.socket.frame_bytes),
            malformed_in_a_row: 0,
            closing: false,
            context,
        }
    }

    fn close(&self, code: CloseCode) {
        self.outbox.close(code, Pending::Flush);
    }

    fn text(&mut self, text: &str) {
        let Some(session) = self.session.as_mut() else { return };
        let envelope = match Envelope::parse(text) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                session.refuse(None, &refusal);
                self.malformed_in_a_row += 1;
                if self.malformed_in_a_row >= MALFORMED_IN_A_ROW {
                    self.close(CloseCode::BrokenProtocol);
                }
                return;
            }
        };
        self.malformed_in_a_row = 0;
        let id = envelope.id();
        if !session.is_connected() && !session.is_connecting() && !envelope.is_open_to_strangers() {
            return session.refuse(id.unwrap_or_default(), &Code::Unauthenticated.into());
        }
        match id.map(|id| (id, envelope.request(self.engine.limits()))) {
            Ok((id, Ok(request))) => session.take(id, request),
            Ok((id, Err(refusal))) => session.refuse(id, &refusal),
            Err(refusal) => session.refuse(None, &refusal),
        }
    }

    fn fragment(&mut self, item: &Item) {
        let whole = match item {
            Item::FirstBinary(_) => Err(CloseCode::UnsupportedData),
            Item::FirstText(piece) | Item::Continue(piece) => self.fragments.add(piece).map(|()| None),
            Item::Last(piece) => self.fragments.finish(piece).map(Some),
        };
        match whole {
            Ok(Some(text)) => self.text(&text),
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
        let wants_more = self.session.as_ref().is_some_and(Session::wants_more);
        self.gate.set(if wants_more { Passage::Open } else { Passage::Shut });
    }
}

impl Actor for WebSocket {
    type Context = WebsocketContext<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.engine.metrics().connections.websocket.inc();
        let socket = &self.context.socket;
        self.session = Some(Session::new(SessionOptions {
            engine: self.engine.clone(),
            outbox: Arc::clone(&self.outbox),
            pulse: Arc::clone(&self.pulse),
            relay: self.context.relay.clone(),
            me: ctx.address().recipient(),
            in_flight: socket.in_flight,
            heartbeat_s: socket.heartbeat_s,
        }));
        let outbox = Arc::clone(&self.outbox);
        ctx.add_stream(stream::poll_fn(move |context| outbox.poll_waiting(context).map(|()| Some(Waiting))));
    }

    fn stopped(&mut self, _: &mut Self::Context) {
        if let Some(mut session) = self.session.take() {
            session.close();
        }
        self.engine.metrics().connections.websocket.dec();
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
            Ok(Message::Text(text)) => self.text(&text),
            Ok(Message::Continuation(item)) => self.fragment(&item),
            Ok(Message::Ping(payload)) => ctx.pong(&payload),
            Ok(Message::Pong(_) | Message::Nop) => {}
            Ok(Message::Close(reason)) => {
                ctx.close(reason);
                ctx.stop();
            }
            Ok(Message::Binary(_)) => self.close(CloseCode::UnsupportedData),
            Err(error) => self.broken(&error),
        }
        self.regulate();
    }
}

impl StreamHandler<Waiting> for WebSocket {
    fn handle(&mut self, _: Waiting, ctx: &mut Self::Context) {
        let outbox = Arc::clone(&self.outbox);
        outbox.drain(|outbound| self.write(outbound, ctx));
        if let Some(session) = self.session.as_mut() {
            // Answers have gone out, so requests that waited may go on.
            session.advance();
        }
        self.regulate();
    }
}

impl Handler<Progress> for WebSocket {
    type Result = ();

    fn handle(&mut self, progress: Progress, _: &mut Self::Context) {
        if let Some(session) = self.session.as_mut() {
            session.progress(progress);
        }
        self.regulate();
    }
}

impl Handler<Observe<Option<SessionState>>> for WebSocket {
    type Result = MessageResult<Observe<Option<SessionState>>>;

    fn handle(&mut self, _: Observe<Option<SessionState>>, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.session.as_ref().map(Session::observe))
    }
}

fn rhythm(settings: &SocketSettings) -> Rhythm {
    let seconds = |setting| u32::try_from(setting).unwrap_or(u32::MAX / 2);
    Rhythm { heartbeat: seconds(settings.heartbeat_s), to_connect: seconds(settings.connect_timeout_s) }
}
