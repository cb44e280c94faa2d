//! A session: who is at the other end of a socket, what they read, and their requests in order.
//! The socket's actor owns it. No parsing, no rules and no queue of frames here: frames go to the outbox.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use actix::{Addr, Message, Recipient};
use serde::Serialize;

use super::{
    catch_up::CatchUp,
    engine::Engine,
    outbox::{Outbox, Pending},
    pulse::Pulse,
    relay::{Channel, Reader, RelayHandle, ToRelay},
    reply::Reply,
    room::Room,
    subscriber::{SessionId, SubscriberId, Subscription},
    to_room::{Start, Subscribe, Subscribed, ToRoom},
};
use crate::{
    auth::Token,
    domain::{CloseCode, Code, Epoch, Missing, Refusal, RoomId, User},
    wire::native::{self, Backlog, Connect, Request, RequestId, RoomRef},
};

/// Tells a session that something it waits for is done; only the session knows what.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Progress(Step);

enum Step {
    /// The client said who it is; with a token where one was made.
    Connected(Ticket, Result<(User, Option<Token>), Refusal>),
    /// A room was found for a request, or not.
    Located(Ticket, Request, Result<(RoomId, Addr<Room>), Refusal>),
    /// A subscription begins with a replay.
    Behind(RoomId, Epoch, Subscription, Missing),
}

/// What a session is given by its connection.
pub struct SessionOptions {
    /// Everything else of the node.
    pub engine: Engine,
    /// Where frames go.
    pub outbox: Arc<Outbox>,
    /// Where its signs of life are shown.
    pub pulse: Arc<Pulse>,
    /// The relay of the connection's thread.
    pub relay: RelayHandle,
    /// How the session is told of progress.
    pub me: Recipient<Progress>,
    /// Requests that may be unanswered at once.
    pub in_flight: usize,
    /// What the client is told of heart-beats, in seconds.
    pub heartbeat_s: u64,
}

/// The session of one socket.
pub struct Session {
    id: SessionId,
    user: Option<User>,
    rooms: HashMap<RoomId, Reading>,
    watching: Option<SubscriberId>,
    requests: VecDeque<(Ticket, Request)>,
    /// A request is being looked up; the ones behind it wait, so that they stay in order.
    looking_up: bool,
    unanswered: Arc<AtomicUsize>,
    options: SessionOptions,
}

struct Reading {
    room: Addr<Room>,
    subscription: SubscriberId,
}

/// What a session shows of itself.
#[derive(Debug, Serialize)]
pub struct SessionState {
    /// The user, once connected.
    pub user: Option<String>,
    /// Rooms that it reads.
    pub rooms: usize,
    /// Requests without an answer yet.
    pub unanswered: usize,
    /// Bytes that wait to be written.
    pub outbox_bytes: usize,
}

/// The right to answer one request, once; it counts as unanswered until then.
struct Ticket {
    id: Option<RequestId>,
    outbox: Arc<Outbox>,
    engine: Engine,
    unanswered: Arc<AtomicUsize>,
}

impl Ticket {
    fn answer(&self, frame: bytestring::ByteString) {
        self.outbox.push(frame);
    }

    fn refuse(&self, refusal: &Refusal) {
        self.engine.metrics().refused(refusal.code.name());
        self.outbox.push(native::refused(self.id.as_ref(), refusal));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.unanswered.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Session {
    /// The session of a new connection.
    pub fn new(options: SessionOptions) -> Self {
        let id = SessionId::next();
        options.relay.tell(ToRelay::Register(
            id,
            Arc::clone(&options.outbox),
            Some(Arc::clone(&options.pulse)),
        ));
        Self {
            id,
            user: None,
            rooms: HashMap::new(),
            watching: None,
            requests: VecDeque::new(),
            looking_up: false,
            unanswered: Arc::default(),
            options,
        }
    }

    /// Whether the client has said who it is.
    pub fn is_connected(&self) -> bool {
        self.user.is_some()
    }

    /// Whether the client is saying who it is: what it asks meanwhile is judged after that.
    pub fn is_connecting(&self) -> bool {
        self.user.is_none() && (self.looking_up || !self.requests.is_empty())
    }

    /// Whether more requests may be read from the connection.
    pub fn wants_more(&self) -> bool {
        self.requests.is_empty() && self.unanswered.load(Ordering::Relaxed) < self.options.in_flight
    }

    /// Takes a request, in order.
    pub fn take(&mut self, id: Option<RequestId>, request: Request) {
        let at_once = self.requests.is_empty() && self.may_begin();
        let ticket = self.ticket(id);
        match at_once {
            true => self.begin(ticket, request),
            false => self.requests.push_back((ticket, request)),
        }
    }

    /// Refuses what could not be read as a request.
    pub fn refuse(&mut self, id: Option<RequestId>, refusal: &Refusal) {
        self.ticket(id).refuse(refusal);
    }

    /// Goes on with requests that waited; to be called whenever answers may have gone out.
    pub fn advance(&mut self) {
        while self.may_begin() {
            let Some((ticket, request)) = self.requests.pop_front() else { return };
            self.begin(ticket, request);
        }
    }

    /// Goes on after what was waited for.
    pub fn progress(&mut self, progress: Progress) {
        match progress.0 {
            Step::Connected(ticket, answer) => self.connected(&ticket, answer),
            Step::Located(ticket, request, Ok((id, room))) => {
                self.looking_up = false;
                self.ask(ticket, request, id, room);
            }
            Step::Located(ticket, _, Err(refusal)) => {
                self.looking_up = false;
                ticket.refuse(&refusal);
            }
            Step::Behind(id, epoch, reader, lacking) => self.catch_up(id, epoch, reader, lacking),
        }
        self.advance();
    }

    /// Ends everything that the session reads: its connection is gone.
    pub fn close(&mut self) {
        self.options.outbox.abandon();
        self.requests.clear();
        for (_, Reading { room, subscription }) in self.rooms.drain() {
            room.do_send(ToRoom::Unsubscribe { id: subscription, reply: Reply::new(|_| ()) });
        }
        if let Some(watching) = self.watching.take() {
            self.options.relay.tell(ToRelay::Detach(Channel::Lobby, watching));
        }
        self.options.relay.tell(ToRelay::Unregister(self.id));
    }

    /// What the session shows of itself.
    pub fn observe(&self) -> SessionState {
        SessionState {
            user: self.user.as_ref().map(|user| user.id.to_string()),
            rooms: self.rooms.len(),
            unanswered: self.unanswered.load(Ordering::Relaxed),
            outbox_bytes: self.options.outbox.bytes(),
        }
    }

    fn ticket(&self, id: Option<RequestId>) -> Ticket {
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        let unanswered = Arc::clone(&self.unanswered);
        Ticket {
            id,
            outbox: Arc::clone(&self.options.outbox),
            engine: self.options.engine.clone(),
            unanswered,
        }
    }

    /// Whether the next request may be passed on: none is being looked up, and not too many are unanswered.
    fn may_begin(&self) -> bool {
        let passed_on = self.unanswered.load(Ordering::Relaxed) - self.requests.len();
        !self.looking_up && passed_on < self.options.in_flight
    }

    fn begin(&mut self, ticket: Ticket, request: Request) {
        let id = ticket.id.clone();
        let id = id.as_ref();
        match request {
            Request::Ping => ticket.answer(native::pong(id)),
            Request::Connect(_) if self.is_connected() => ticket.refuse(&Code::AlreadyConnected.into()),
            Request::Connect(connect) => self.connect(ticket, connect),
            _ if !self.is_connected() => ticket.refuse(&Code::Unauthenticated.into()),
            Request::WatchRooms => self.watch(native::watching(id)),
            Request::UnwatchRooms => self.unwatch(native::unwatched(id)),
            Request::Part { room } => self.part(ticket, &room),
            Request::Join { ref room, .. } => {
                let room = room.clone();
                self.find(ticket, request, room);
            }
            Request::Send { ref room, .. } | Request::Leave { ref room } => {
                let room = RoomRef(room.to_string());
                self.find(ticket, request, room);
            }
        }
    }

    fn connect(&mut self, ticket: Ticket, connect: Connect) {
        self.looking_up = true;
        let (engine, me) = (self.options.engine.clone(), self.options.me.clone());
        actix_rt::spawn(async move {
            let answer = match connect {
                Connect::Token(token) => {
                    engine.authenticate(&Token::shown(token)).await.map(|user| (user, None))
                }
                Connect::Guest { nickname, secret } => {
                    let registered = engine.register(nickname, secret).await;
                    registered.map(|registered| (registered.user, Some(registered.token)))
                }
            };
            me.do_send(Progress(Step::Connected(ticket, answer)));
        });
    }

    fn connected(&mut self, ticket: &Ticket, answer: Result<(User, Option<Token>), Refusal>) {
        self.looking_up = false;
        match answer {
            Ok((user, token)) => {
                let session = format!("{}-{}", self.options.engine.node(), self.id);
                let token = token.as_ref().map(Token::as_str);
                let id = ticket.id.as_ref();
                ticket.answer(native::connected(id, &user, &session, token, self.options.heartbeat_s));
                self.user = Some(user);
                self.options.pulse.connected();
            }
            Err(refusal) => {
                ticket.refuse(&refusal);
                if refusal.code == Code::Unauthenticated {
                    self.options.outbox.close(CloseCode::Unauthenticated, Pending::Flush);
                }
            }
        }
    }

    /// Finds the room of a request: at once where the session reads it, else by the directory.
    fn find(&mut self, ticket: Ticket, request: Request, room: RoomRef) {
        let id = RoomId::new(room.0.as_str());
        if let Some(reading) = self.rooms.get(&id).filter(|reading| reading.room.connected()) {
            let address = reading.room.clone();
            return self.ask(ticket, request, id, address);
        }
        self.looking_up = true;
        let by_name = matches!(request, Request::Join { .. });
        let (engine, me) = (self.options.engine.clone(), self.options.me.clone());
        actix_rt::spawn(async move {
            let found = if by_name { engine.find(&room.0).await } else { engine.locate(&id).await };
            me.do_send(Progress(Step::Located(ticket, request, found)));
        });
    }

    fn ask(&mut self, ticket: Ticket, request: Request, id: RoomId, room: Addr<Room>) {
        let Some(sender) = self.user.clone() else { return ticket.refuse(&Code::Unauthenticated.into()) };
        match request {
            Request::Send { message, .. } => {
                let named = message.client_id.clone();
                let reply = Reply::new(move |answer: Result<super::Sent, Refusal>| match answer {
                    Ok(sent) => {
                        ticket.answer(native::acked(ticket.id.as_ref(), &id, sent.first, named.as_ref()))
                    }
                    Err(refusal) => ticket.refuse(&refusal),
                });
                room.do_send(ToRoom::Send { sender, message, reply });
            }
            Request::Join { backlog, .. } => self.join(ticket, sender, id, room, backlog),
            Request::Leave { .. } => self.leave(ticket, sender, id, &room),
            // The other requests are about no room, or need none to be found.
            _ => ticket.refuse(&Code::Internal.into()),
        }
    }

    fn join(&mut self, ticket: Ticket, sender: User, id: RoomId, room: Addr<Room>, backlog: Backlog) {
        if let Some(former) = self.rooms.remove(&id) {
            former.room.do_send(ToRoom::Unsubscribe { id: former.subscription, reply: Reply::new(|_| ()) });
        }
        let SessionOptions { outbox, relay, me, .. } = &self.options;
        let subscription = Subscription::new(Some(sender.id.clone()), Arc::clone(outbox), relay.clone());
        self.rooms.insert(id.clone(), Reading { room: room.clone(), subscription: subscription.id });
        let (request_id, reader, me) = (ticket.id.clone(), subscription.clone(), me.clone());
        let reply = Reply::new(move |answer| match answer {
            Ok((epoch, Subscribed::Behind(lacking))) => {
                me.do_send(Progress(Step::Behind(id, epoch, reader, lacking)));
            }
            Ok((_, Subscribed::Live | Subscribed::Ended)) => {}
            Err(refusal) => ticket.refuse(&refusal),
        });
        room.do_send(ToRoom::Subscribe(Subscribe {
            sender: Some(sender),
            subscription,
            start: start(backlog),
            greet: Box::new(move |greeting| native::joined(request_id.as_ref(), greeting)),
            reply,
        }));
    }

    fn catch_up(&self, id: RoomId, epoch: Epoch, reader: Subscription, lacking: Missing) {
        // A newer join of the room, or a part, has ended the subscription meanwhile.
        let Some(reading) = self.rooms.get(&id).filter(|reading| reading.subscription == reader.id) else {
            return;
        };
        let (log, room) = (self.options.engine.log(), reading.room.clone());
        actix_rt::spawn(CatchUp { log, room, id, epoch, reader }.run(lacking));
    }

    fn leave(&mut self, ticket: Ticket, sender: User, id: RoomId, room: &Addr<Room>) {
        let through = self.rooms.remove(&id).map(|reading| reading.subscription);
        let relay = self.options.relay.clone();
        let reply = Reply::new(move |answer| match answer {
            Ok(()) => {
                let frame = native::left(ticket.id.as_ref(), &id);
                relay.tell(ToRelay::Push(Arc::clone(&ticket.outbox), frame));
            }
            Err(refusal) => ticket.refuse(&refusal),
        });
        room.do_send(ToRoom::Leave { sender, through, reply });
    }

    fn part(&mut self, ticket: Ticket, room: &RoomId) {
        let frame = native::parted(ticket.id.as_ref(), room, None);
        let Some(Reading { room, subscription }) = self.rooms.remove(room) else {
            return ticket.answer(frame);
        };
        let relay = self.options.relay.clone();
        // A room that has died parts from everybody, so whatever the answer is, this is true.
        let reply = Reply::new(move |_| relay.tell(ToRelay::Push(Arc::clone(&ticket.outbox), frame)));
        room.do_send(ToRoom::Unsubscribe { id: subscription, reply });
    }

    fn watch(&mut self, frame: bytestring::ByteString) {
        let SessionOptions { relay, outbox, .. } = &self.options;
        let id = *self.watching.get_or_insert_with(SubscriberId::next);
        relay.tell(ToRelay::Attach(Channel::Lobby, Reader { id, outbox: Arc::clone(outbox) }, vec![frame]));
    }

    fn unwatch(&mut self, frame: bytestring::ByteString) {
        let SessionOptions { relay, outbox, .. } = &self.options;
        if let Some(watching) = self.watching.take() {
            relay.tell(ToRelay::Detach(Channel::Lobby, watching));
        }
        relay.tell(ToRelay::Push(Arc::clone(outbox), frame));
    }
}

fn start(backlog: Backlog) -> Start {
    match backlog {
        Backlog::None => Start::Live,
        Backlog::After(position) => Start::After(position.into()),
        Backlog::Last(count) => Start::Last(count),
    }
}
