//! The conversation of the native socket: JSON messages to requests of a session, and its answers back.
//! Messages are parsed and worded in `wire::native`.

use std::{sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{
    conversation::{Conversation, Incoming, Line, Protocol},
    engine::Engine,
    limits::Admission,
    outbox::{Outbox, Pending},
    pulse::Reminder,
    session::{Answer, Connect, Progress, Refused, Request, Session, SessionState, Strangers, Tongue},
    to_room::Start,
    voice::Voice,
};
use crate::{
    auth::Token,
    domain::{CloseCode, Code, Refusal, Timestamp},
    wire::{
        Dialect,
        native::{self, Backlog, Envelope, RequestId},
    },
};

/// So many messages in a row that are no JSON objects end a conversation.
const MALFORMED_IN_A_ROW: u32 = 20;

/// What the watch of the room list is called; no room has such an id.
const LOBBY: &str = "/rooms";

/// The protocol of the native socket.
#[derive(Clone)]
pub struct Native {
    /// The node.
    pub engine: Engine,
    /// Bytes that may wait for one client.
    pub outbox_bytes: usize,
    /// Requests of one client that may be unanswered at once.
    pub in_flight: usize,
    /// What the client is told of heart-beats, in seconds.
    pub heartbeat_s: u64,
}

impl Protocol for Native {
    fn outbox(&self) -> Arc<Outbox> {
        Outbox::new(|code| Some(native::closing(code)), self.outbox_bytes)
    }

    fn begin(&self, line: Line) -> Box<dyn Conversation> {
        let session = Session::new(self.engine.clone(), line, Strangers::Refused, self.in_flight);
        Box::new(InJson { session, heartbeat_s: self.heartbeat_s, malformed_in_a_row: 0, is_over: false })
    }
}

/// A conversation in JSON.
struct InJson {
    session: Session,
    heartbeat_s: u64,
    malformed_in_a_row: u32,
    /// The client asked on and on; what still comes is thrown away.
    is_over: bool,
}

impl Conversation for InJson {
    fn take(&mut self, message: Incoming<'_>) {
        match message {
            _ if self.is_over => {}
            Incoming::Text(text) => self.text(text),
            Incoming::Binary(_) => self.end(CloseCode::UnsupportedData),
        }
    }

    fn wants_more(&self) -> bool {
        self.session.wants_more()
    }

    fn advance(&mut self) {
        self.session.advance();
    }

    fn progress(&mut self, progress: Progress) {
        self.session.progress(progress);
    }

    fn close(&mut self) {
        self.session.close();
    }

    fn observe(&self) -> SessionState {
        self.session.observe()
    }
}

impl InJson {
    fn text(&mut self, text: &str) {
        let too_much = match self.session.admit(text.len()) {
            Admission::Granted => None,
            Admission::Refused(refusal) => Some(refusal),
            Admission::Flood => {
                self.is_over = true;
                return self.end(CloseCode::OverRate);
            }
        };
        let envelope = match Envelope::parse(text) {
            Ok(envelope) => envelope,
            Err(refusal) => {
                self.session.refuse(self.tongue(None), &refusal);
                self.malformed_in_a_row += 1;
                if self.malformed_in_a_row >= MALFORMED_IN_A_ROW {
                    self.end(CloseCode::BrokenProtocol);
                }
                return;
            }
        };
        self.malformed_in_a_row = 0;
        let id = match envelope.id() {
            Ok(id) => id,
            Err(refusal) => return self.session.refuse(self.tongue(None), &refusal),
        };
        let tongue = self.tongue(id);
        if let Some(refusal) = too_much {
            return self.session.refuse(tongue, &refusal);
        }
        let is_stranger = self.session.user().is_none() && !self.session.is_connecting();
        if is_stranger && !envelope.is_open_to_strangers() {
            return self.session.refuse(tongue, &Code::Unauthenticated.into());
        }
        match envelope.request(self.session.engine().limits()) {
            Ok(request) => self.request(tongue, request),
            Err(refusal) => self.session.refuse(tongue, &refusal),
        }
    }

    fn request(&mut self, tongue: Words, request: native::Request) {
        let request = match request {
            native::Request::Connect(connect) => {
                return self
                    .session
                    .take(Words { is_connect: true, ..tongue }, Request::Connect(connect.into()));
            }
            native::Request::Join { room, backlog } => Request::Join { room: room.0, start: backlog.into() },
            native::Request::Send { room, message } => Request::Send(room, message),
            native::Request::Leave { room } => Request::Leave(room),
            native::Request::Part { room } => Request::Part(room),
            native::Request::WatchRooms => {
                let watch = Request::WatchRooms(LOBBY.into(), Voice::plain(Dialect::Native));
                return self.session.take(Words { done: native::watching, ..tongue }, watch);
            }
            native::Request::UnwatchRooms => {
                let unwatch = Request::Unsubscribe(LOBBY.into());
                return self.session.take(Words { done: native::unwatched, ..tongue }, unwatch);
            }
            native::Request::Refresh { token } => Request::Renew(Token::shown(token)),
            native::Request::Ping => Request::Ping,
        };
        self.session.take(tongue, request);
    }

    fn tongue(&self, id: Option<RequestId>) -> Words {
        Words { id, is_connect: false, done: native::pong, heartbeat_s: self.heartbeat_s }
    }

    fn end(&self, code: CloseCode) {
        self.session.line().outbox.close(code, Pending::Flush);
    }
}

/// The words in which one request is answered.
struct Words {
    id: Option<RequestId>,
    is_connect: bool,
    /// What says that it is done.
    done: fn(Option<&RequestId>) -> ByteString,
    heartbeat_s: u64,
}

impl Tongue for Words {
    fn answer(&self, answer: &Answer<'_>, say: &mut dyn FnMut(ByteString)) {
        let id = self.id.as_ref();
        say(match *answer {
            Answer::Connected { user, session, token } => {
                native::connected(id, user, session, token, self.heartbeat_s)
            }
            Answer::Sent { room, first, client_id } => native::acked(id, room, first, client_id),
            Answer::Reading(greeting) => native::joined(id, greeting),
            Answer::Left(room) => native::left(id, room),
            Answer::Parted(room) => native::parted(id, room, None),
            Answer::Renewed(expires_at) => native::refreshed(id, expires_at),
            Answer::Done => (self.done)(id),
        });
    }

    fn refuse(&self, refusal: &Refusal) -> Refused {
        let mut frames = vec![native::refused(self.id.as_ref(), refusal)];
        // A taken or invalid nickname can be mended, a bad token cannot.
        let end = match refusal.code {
            Code::Unauthenticated if self.is_connect => Some(CloseCode::Unauthenticated),
            Code::Banned if self.is_connect => Some(CloseCode::Banned),
            _ => None,
        };
        frames.extend(end.map(native::closing));
        Refused { frames, end }
    }

    fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        let frame = native::refresh(expires_at, within.as_secs());
        Box::new(move || vec![frame.clone()])
    }
}

impl From<native::Connect> for Connect {
    fn from(connect: native::Connect) -> Self {
        match connect {
            native::Connect::Token(token) => Self::Token(token),
            native::Connect::Guest { nickname, secret } => Self::Guest { nickname, secret },
        }
    }
}

impl From<Backlog> for Start {
    fn from(backlog: Backlog) -> Self {
        match backlog {
            Backlog::None => Self::Live,
            Backlog::After(position) => Self::After(position.into()),
            Backlog::Last(count) => Self::Last(count),
        }
    }
}
