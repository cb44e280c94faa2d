//! A WebSocket: the actor of one socket, around a conversation. The only user of actix-web-actors, so that
//! replacing that crate is one file. What the messages say is the conversation's business.

use std::{io, rc::Rc, sync::Arc, time::Duration};

use actix::{Actor, ActorContext, AsyncContext, Handler, MessageResult, StreamHandler};
use actix_http::ws::Item;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_web_actors::ws::{self, CloseReason, Message, ProtocolError, WebsocketContext};
use futures_util::stream;

use super::{
    Context, client_address,
    error::Problem,
    fragments::{Fragments, Kind, Whole},
    framing::{self, Drained, Framing},
    gate::{Gate, Passage},
    origin,
};
use crate::{
    actors::{
        Address, Admission, Conversation, Incoming, Line, Observe, Outbound, Outbox, Pending, Progress,
        Protocol, Pulse, Rhythm, SessionAllowance, SessionState,
    },
    config::SocketSettings,
    domain::{CloseCode, Code, Refusal},
    wire::sockjs::{self, Goodbye},
};

/// How long a client may take to answer a close.
const FAREWELL: Duration = Duration::from_secs(2);

/// A piece of a message below so many bytes is counted like a frame of its own: only who wants to waste the node's time
/// sends many of them.
const SMALL_PIECE: usize = 128;

/// Something waits in the outbox.
struct Waiting;

/// The actor of one socket.
struct WebSocket {
    protocol: Rc<dyn Protocol>,
    framing: Framing,
    outbox: Arc<Outbox>,
    pulse: Arc<Pulse>,
    /// There from the actor's start to its end.
    conversation: Option<Box<dyn Conversation>>,
    context: web::Data<Context>,
    gate: Gate,
    fragments: Fragments,
    from: Address,
    /// For frames that are no messages.
    frames: SessionAllowance,
    closing: bool,
}

/// Upgrades a request to a socket in which a protocol is spoken.
pub(super) fn open(
    request: &HttpRequest,
    payload: web::Payload,
    context: &web::Data<Context>,
    protocol: Rc<dyn Protocol>,
    framing: Framing,
) -> Result<HttpResponse, actix_web::Error> {
    if !origin::allowed(request, &context.allowed_origins) {
        return Err(Problem::from(Refusal::from(Code::OriginNotAllowed)).into());
    }
    let (gate, subprotocols) = (Gate::new(), protocol.subprotocols());
    let from = client_address::of(request);
    let socket = WebSocket::new(context.clone(), gate.clone(), protocol, framing, from);
    let frame_bytes = context.socket.frame_bytes;
    let payload = gate.guard(payload.into_inner(), Arc::clone(&socket.outbox), frame_bytes);
    let upgrade = ws::WsResponseBuilder::new(socket, request, payload).protocols(subprotocols);
    upgrade.frame_size(frame_bytes).start().map_err(|error| {
        let why = format!("this is for WebSockets: {error}");
        Problem::from(Refusal::new(Code::Malformed).message(why)).into()
    })
}

impl WebSocket {
    fn new(
        context: web::Data<Context>,
        gate: Gate,
        protocol: Rc<dyn Protocol>,
        framing: Framing,
        from: Address,
    ) -> Self {
        Self {
            outbox: protocol.outbox(),
            protocol,
            pulse: Arc::new(Pulse::new(rhythm(&context.socket, framing))),
            framing,
            conversation: None,
            gate,
            fragments: Fragments::new(context.socket.frame_bytes),
            from,
            frames: context.engine.allowances().session(),
            closing: false,
            context,
        }
    }

    /// Counts a frame that is no message. `false` when there are so many that the socket is closed.
    fn bears(&mut self, bytes: usize) -> bool {
        let is_flood = matches!(self.frames.take(None, bytes), Admission::Flood);
        if is_flood {
            self.close(CloseCode::OverRate);
        }
        !is_flood
    }

    fn close(&self, code: CloseCode) {
        self.outbox.close(code, Pending::Flush);
    }

    fn take(&mut self, message: Incoming<'_>, ctx: &mut WebsocketContext<Self>) {
        match (self.framing, message) {
            (Framing::Plain, message) => self.pass_on(message),
            (Framing::SockJs { .. }, Incoming::Text("")) => {}
            (Framing::SockJs { .. }, Incoming::Text(text)) => match sockjs::messages(text) {
                Ok(messages) => messages.iter().for_each(|message| self.pass_on(Incoming::Text(message))),
                Err(_) => self.break_off(ctx),
            },
            (Framing::SockJs { .. }, Incoming::Binary(_)) => self.close(CloseCode::UnsupportedData),
        }
    }

    fn pass_on(&mut self, message: Incoming<'_>) {
        if let Some(conversation) = self.conversation.as_mut() {
            conversation.take(message);
        }
    }

    /// Ends a socket in which SockJS is not spoken, so that no frame of it is of use.
    fn break_off(&mut self, ctx: &mut WebsocketContext<Self>) {
        self.outbox.abandon();
        self.say_goodbye(CloseCode::BrokenProtocol, ctx);
    }

    fn fragment(&mut self, item: &Item, ctx: &mut WebsocketContext<Self>) {
        let whole = match item {
            Item::FirstText(piece) => self.fragments.begin(Kind::Text, piece).map(|()| None),
            Item::FirstBinary(piece) => self.fragments.begin(Kind::Binary, piece).map(|()| None),
            Item::Continue(piece) => self.fragments.add(piece).map(|()| None),
            Item::Last(piece) => self.fragments.finish(piece).map(Some),
        };
        match whole {
            Ok(Some(Whole::Text(text))) => self.take(Incoming::Text(&text), ctx),
            Ok(Some(Whole::Binary(bytes))) => self.take(Incoming::Binary(&bytes), ctx),
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
            Outbound::Beat => ctx.text(framing::BEAT),
            Outbound::Ping => ctx.ping(b""),
            Outbound::Close(code) => self.say_goodbye(code, ctx),
        }
    }

    /// Writes all that waits as frames of SockJS.
    fn write_framed(&mut self, ctx: &mut WebsocketContext<Self>) {
        let Drained { messages, ping, end } = Drained::of(&self.outbox);
        if let Some(frame) = messages {
            ctx.text(frame);
        }
        if ping {
            ctx.text(sockjs::HEARTBEAT);
            ctx.ping(b"");
        }
        if let Some(code) = end {
            ctx.text(Goodbye::from(code).frame());
            self.say_goodbye(code, ctx);
        }
    }

    /// Sends a close frame and gives the client a moment to answer it.
    fn say_goodbye(&mut self, code: CloseCode, ctx: &mut WebsocketContext<Self>) {
        self.closing = true;
        // Who asks on and on is read no more, and a goodbye must not be lost to unread bytes.
        self.gate.set(if code == CloseCode::OverRate { Passage::Discard } else { Passage::Open });
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
        if let Framing::SockJs { .. } = self.framing {
            ctx.text(sockjs::OPEN);
        }
        self.conversation = Some(self.protocol.begin(Line {
            outbox: Arc::clone(&self.outbox),
            pulse: Arc::clone(&self.pulse),
            relay: self.context.relay.clone(),
            me: ctx.address().recipient(),
            from: self.from,
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
            Ok(Message::Text(text)) => self.take(Incoming::Text(&text), ctx),
            Ok(Message::Binary(bytes)) => self.take(Incoming::Binary(&bytes), ctx),
            Ok(Message::Continuation(item)) => {
                if piece(&item).len() >= SMALL_PIECE || self.bears(0) {
                    self.fragment(&item, ctx);
                }
            }
            Ok(Message::Ping(payload)) => {
                if self.bears(payload.len()) {
                    ctx.pong(&payload);
                }
            }
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
        match self.framing {
            Framing::Plain => outbox.drain(|outbound| self.write(outbound, ctx)),
            Framing::SockJs { .. } => self.write_framed(ctx),
        }
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

fn piece(item: &Item) -> &[u8] {
    match item {
        Item::FirstText(piece) | Item::FirstBinary(piece) | Item::Continue(piece) | Item::Last(piece) => {
            piece
        }
    }
}

fn rhythm(settings: &SocketSettings, framing: Framing) -> Rhythm {
    let seconds = |setting| u32::try_from(setting).unwrap_or(u32::MAX / 2);
    let heartbeat_s = match framing {
        Framing::Plain => settings.heartbeat_s,
        Framing::SockJs { heartbeat_s } => heartbeat_s,
    };
    Rhythm { heartbeat: seconds(heartbeat_s), to_connect: seconds(settings.connect_timeout_s) }
}
