//! A session: who is at the other end of a connection, what they read, and their requests in order.
//! A conversation owns it. No parsing, no rules, no words of a protocol and no queue of frames here.

mod readings;
mod request;
mod ticket;
mod traffic;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use actix::Addr;
use serde::Serialize;

use super::{
    Sent,
    conversation::Line,
    engine::Engine,
    limits::{Address, Admission, Entrance, SessionAllowance},
    present::Presence,
    relay::ToRelay,
    reply::Reply,
    room::Room,
    subscriber::{SessionId, Subscription},
    to_room::ToRoom,
    voice::Voice,
};
use crate::{
    auth::Token,
    domain::{Code, Epoch, Identity, Message, Missing, Refusal, RoomId, User},
    wire::Dialect,
};

use readings::{Reading, Wish};
pub(super) use request::{Connect, Request, SubscriptionName};
pub(super) use ticket::{Answer, Refused, Ticket, Tongue};
use traffic::Traffic;

/// Tells a session that something it waits for is done; only the session knows what.
#[derive(actix::Message)]
#[rtype(result = "()")]
pub struct Progress(Step);

enum Step {
    /// The client said who it is; with a token where one was made.
    Connected(Ticket, Result<(Identity, Option<Token>), Refusal>),
    /// The client showed another token.
    Renewed(Ticket, Result<Identity, Refusal>),
    /// A room was found for a request, or not.
    Located(Ticket, Request, Result<(RoomId, Addr<Room>), Refusal>),
    /// Messages were said together, or not.
    Said(Ticket, Result<(), Refusal>),
    /// A subscription begins with a replay.
    Behind(SubscriptionName, RoomId, Epoch, Subscription, Missing),
    /// A request was answered while others waited for that.
    Answered,
}

/// The session of one client.
pub(super) struct Session {
    id: SessionId,
    identity: Option<Identity>,
    presence: Option<Presence>,
    readings: HashMap<SubscriptionName, Reading>,
    requests: VecDeque<(Ticket, Request)>,
    /// A request is being looked up; the ones behind it wait, so that they stay in order.
    looking_up: bool,
    traffic: Arc<Traffic>,
    strangers: Strangers,
    /// Requests that may be unanswered at once.
    in_flight: usize,
    allowance: SessionAllowance,
    engine: Engine,
    line: Line,
}

/// What somebody may do who has not said who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strangers {
    /// Nothing but saying it.
    Refused,
    /// Reading.
    MayRead,
}

/// What a session shows of itself.
#[derive(Debug, Default, Serialize)]
pub struct SessionState {
    /// The user, once connected.
    pub(super) user: Option<String>,
    /// What it reads.
    pub readings: usize,
    /// Requests without an answer yet.
    pub unanswered: usize,
    /// Bytes that wait to be written.
    pub outbox_bytes: usize,
}

impl Session {
    /// The session of a new client, of which `in_flight` requests may be unanswered at once.
    pub(super) fn new(engine: Engine, line: Line, strangers: Strangers, in_flight: usize) -> Self {
        let id = SessionId::next();
        line.relay.tell(ToRelay::Register(id, Arc::clone(&line.outbox), Some(Arc::clone(&line.pulse))));
        let traffic = Arc::new(Traffic::new(line.me.clone()));
        Self {
            id,
            identity: None,
            presence: None,
            readings: HashMap::new(),
            requests: VecDeque::new(),
            looking_up: false,
            traffic,
            strangers,
            in_flight,
            allowance: engine.allowances().session(),
            engine,
            line,
        }
    }

    /// What it is called, on all nodes.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.engine.node(), self.id)
    }

    /// The node that it is on.
    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What carries it.
    pub(super) fn line(&self) -> &Line {
        &self.line
    }

    /// Who the client is, once that is known.
    pub(super) fn user(&self) -> Option<&User> {
        self.identity.as_ref().map(|identity| &identity.user)
    }

    /// Takes what the client sent, of so many bytes, before anything is made of it.
    pub(super) fn admit(&mut self, bytes: usize) -> Admission {
        let user = self.identity.as_ref().map(|identity| &identity.user.id);
        self.allowance.take(user, bytes)
    }

    /// Whether the client is saying who it is: what it asks meanwhile is judged after that.
    pub(super) fn is_connecting(&self) -> bool {
        self.identity.is_none() && (self.looking_up || !self.requests.is_empty())
    }

    /// Whether more requests may be read from the client. If not, there will be progress when they may.
    pub(super) fn wants_more(&self) -> bool {
        let wants = || self.requests.is_empty() && self.traffic.unanswered() < self.in_flight;
        wants() || {
            self.traffic.stall();
            wants()
        }
    }

    /// Takes a request, in order.
    pub(super) fn take(&mut self, tongue: impl Tongue + 'static, request: Request) {
        let at_once = self.requests.is_empty() && self.may_begin(&request);
        let ticket = self.ticket(tongue);
        match at_once {
            true => self.begin(ticket, request),
            false => {
                self.requests.push_back((ticket, request));
                self.advance();
            }
        }
    }

    /// Refuses what could not be read as a request.
    pub(super) fn refuse(&mut self, tongue: impl Tongue + 'static, refusal: &Refusal) {
        self.ticket(tongue).refuse(refusal);
    }

    /// Goes on with requests that waited; to be called whenever answers may have gone out.
    pub(super) fn advance(&mut self) {
        while self.next_may_begin() {
            let Some((ticket, request)) = self.requests.pop_front() else { return };
            self.begin(ticket, request);
        }
    }

    /// Goes on after what was waited for.
    pub(super) fn progress(&mut self, progress: Progress) {
        match progress.0 {
            Step::Connected(ticket, answer) => self.connected(&ticket, answer),
            Step::Renewed(ticket, answer) => self.renewed(&ticket, answer),
            Step::Located(ticket, request, found) => {
                self.looking_up = false;
                match found {
                    Ok((id, room)) => self.ask(ticket, request, id, room),
                    Err(refusal) => ticket.refuse(&refusal),
                }
            }
            Step::Said(ticket, said) => {
                self.looking_up = false;
                match said {
                    Ok(()) => ticket.answer(&Answer::Done),
                    Err(refusal) => ticket.refuse(&refusal),
                }
            }
            Step::Behind(name, id, epoch, reader, lacking) => {
                self.catch_up(&name, id, epoch, reader, lacking);
            }
            Step::Answered => {}
        }
        self.advance();
    }

    /// Ends everything that the session reads: its client is gone.
    pub(super) fn close(&mut self) {
        self.line.outbox.abandon();
        self.presence = None;
        self.requests.clear();
        for (_, reading) in self.readings.drain() {
            reading.end(&self.line.relay, Reply::new(|_| ()));
        }
        self.line.relay.tell(ToRelay::Unregister(self.id));
    }

    /// What the session shows of itself.
    pub(super) fn observe(&self) -> SessionState {
        SessionState {
            user: self.user().map(|user| user.id.to_string()),
            readings: self.readings.len(),
            unanswered: self.traffic.unanswered(),
            outbox_bytes: self.line.outbox.bytes(),
        }
    }

    fn ticket(&self, tongue: impl Tongue + 'static) -> Ticket {
        let outbox = Arc::clone(&self.line.outbox);
        Ticket::new(Arc::new(tongue), outbox, self.engine.clone(), Arc::clone(&self.traffic))
    }

    /// Whether there is a request that waited and may be passed on. If not, there will be progress when it may.
    fn next_may_begin(&self) -> bool {
        let may_begin = || self.requests.front().is_some_and(|(_, request)| self.may_begin(request));
        may_begin() || {
            if !self.requests.is_empty() {
                self.traffic.stall();
            }
            may_begin()
        }
    }

    /// Whether the next request may be passed on: none is being looked up, and not too many are unanswered.
    fn may_begin(&self, next: &Request) -> bool {
        let passed_on = self.traffic.unanswered() - self.requests.len();
        let most = match next {
            Request::End => 1,
            _ => self.in_flight,
        };
        !self.looking_up && passed_on < most
    }

    fn begin(&mut self, ticket: Ticket, request: Request) {
        match request {
            Request::Ping | Request::End => ticket.answer(&Answer::Done),
            Request::Connect(_) if self.identity.is_some() => ticket.refuse(&Code::AlreadyConnected.into()),
            Request::Connect(connect) => self.connect(ticket, connect),
            _ if self.identity.is_none()
                && (self.strangers == Strangers::Refused || !request.only_reads()) =>
            {
                ticket.refuse(&Code::Unauthenticated.into());
            }
            Request::Renew(token) => self.renew(ticket, token),
            Request::WatchRooms(name, voice) => self.watch(&ticket, name, voice),
            Request::Part(room) => self.part(ticket, room),
            Request::Unsubscribe(ref name) => self.unsubscribe(ticket, name),
            Request::SendAll(sends) => self.send_all(ticket, sends),
            Request::Join { ref room, .. } => {
                let room = room.clone();
                self.find(ticket, request, &room);
            }
            Request::Send(ref room, _)
            | Request::Enter(ref room)
            | Request::Leave(ref room)
            | Request::Subscribe { ref room, .. } => {
                let room = room.clone();
                self.find(ticket, request, room.as_str());
            }
        }
    }

    fn connect(&mut self, ticket: Ticket, connect: Connect) {
        self.looking_up = true;
        let (engine, me, from) = (self.engine.clone(), self.line.me.clone(), self.line.from);
        actix_rt::spawn(async move {
            let answer = identify(&engine, connect, from).await;
            me.do_send(Progress(Step::Connected(ticket, answer)));
        });
    }

    fn connected(&mut self, ticket: &Ticket, answer: Result<(Identity, Option<Token>), Refusal>) {
        self.looking_up = false;
        match answer {
            Ok((identity, token)) => {
                let token = token.as_ref().map(Token::as_str);
                ticket.answer(&Answer::Connected { user: &identity.user, session: &self.name(), token });
                self.line.pulse.connected();
                self.become_somebody(&ticket.tongue(), identity);
            }
            Err(refusal) => ticket.refuse(&refusal),
        }
    }

    /// The client shows a new token in the place of one that expires.
    fn renew(&mut self, ticket: Ticket, token: Token) {
        self.looking_up = true;
        let (engine, me) = (self.engine.clone(), self.line.me.clone());
        actix_rt::spawn(async move {
            let answer = engine.authenticate(&token).await;
            me.do_send(Progress(Step::Renewed(ticket, answer)));
        });
    }

    fn renewed(&mut self, ticket: &Ticket, answer: Result<Identity, Refusal>) {
        self.looking_up = false;
        match answer {
            Ok(identity) if self.user().is_some_and(|user| user.id == identity.user.id) => {
                ticket.answer(&Answer::Renewed(identity.expires_at));
                self.become_somebody(&ticket.tongue(), identity);
            }
            Ok(_) => {
                let why = "the token is somebody else's: open another connection";
                ticket.refuse(&Refusal::new(Code::Forbidden).message(why));
            }
            Err(refusal) => ticket.refuse(&refusal),
        }
    }

    /// Acts as somebody from now on, until their login ends or what they showed expires.
    fn become_somebody(&mut self, tongue: &Arc<dyn Tongue>, identity: Identity) {
        self.presence = Some(self.engine.attend(&identity, self.id, &self.line.outbox));
        let within = self.engine.renewal();
        let remind = identity.expires_at.map(|at| Arc::clone(tongue).reminder(at, within));
        self.engine.limit(&identity, &self.line.pulse, remind);
        self.identity = Some(identity);
    }

    /// Finds the room of a request: at once where the session reads it, else by the directory.
    fn find(&mut self, ticket: Ticket, request: Request, room: &str) {
        if let Some((id, address)) = self.address(room) {
            return self.ask(ticket, request, id, address);
        }
        self.looking_up = true;
        let room = room.to_owned();
        let (engine, me) = (self.engine.clone(), self.line.me.clone());
        actix_rt::spawn(async move {
            let found = match &request {
                Request::Join { .. } => engine.find(&room).await,
                _ => engine.locate(&RoomId::new(room)).await,
            };
            me.do_send(Progress(Step::Located(ticket, request, found)));
        });
    }

    /// The address of a room that the session reads, most likely under its own id.
    fn address(&self, wanted: &str) -> Option<(RoomId, Addr<Room>)> {
        let known = |reading: &Reading| match reading {
            Reading::Room { id, room, .. } if id.as_str() == wanted && room.connected() => {
                Some((id.clone(), room.clone()))
            }
            _ => None,
        };
        let named = self.readings.get(wanted).and_then(known);
        named.or_else(|| self.readings.values().find_map(known))
    }

    fn ask(&mut self, ticket: Ticket, request: Request, id: RoomId, room: Addr<Room>) {
        if let Request::Subscribe { name, start, voice, .. } = request {
            return self.subscribe(ticket, Wish { name, id, room, start, voice, member: None });
        }
        let Some(sender) = self.user().cloned() else { return ticket.refuse(&Code::Unauthenticated.into()) };
        match request {
            Request::Send(_, message) => {
                let named = message.client_id.clone();
                let reply = Reply::new(move |answer: Result<Sent, Refusal>| match answer {
                    Ok(sent) => {
                        let client_id = named.as_ref();
                        ticket.answer(&Answer::Sent { room: &id, first: sent.first, client_id });
                    }
                    Err(refusal) => ticket.refuse(&refusal),
                });
                room.do_send(ToRoom::Send { sender, message, reply });
            }
            Request::Enter(_) => {
                let reply = Reply::new(move |answer| match answer {
                    Ok(_) => ticket.answer(&Answer::Done),
                    Err(refusal) => ticket.refuse(&refusal),
                });
                room.do_send(ToRoom::Join { sender, reply });
            }
            Request::Join { start, .. } => {
                let (name, voice) = (id.as_str().into(), Voice::plain(Dialect::Native));
                self.subscribe(ticket, Wish { name, id, room, start, voice, member: Some(sender) });
            }
            Request::Leave(_) => self.leave(ticket, sender, id, &room),
            // The other requests are about no room, or need none to be found.
            _ => ticket.refuse(&Code::Internal.into()),
        }
    }

    fn send_all(&mut self, ticket: Ticket, sends: Vec<(RoomId, Message)>) {
        let Some(sender) = self.user().cloned() else { return ticket.refuse(&Code::Unauthenticated.into()) };
        self.looking_up = true;
        let (engine, me) = (self.engine.clone(), self.line.me.clone());
        actix_rt::spawn(async move {
            let said = engine.send_all(sender, sends).await;
            me.do_send(Progress(Step::Said(ticket, said)));
        });
    }
}

async fn identify(
    engine: &Engine,
    connect: Connect,
    from: Address,
) -> Result<(Identity, Option<Token>), Refusal> {
    let (nickname, secret) = match connect {
        Connect::Token(token) => {
            return engine.authenticate(&Token::shown(token)).await.map(|identity| (identity, None));
        }
        Connect::TokenOrSecret { passcode, nickname } => {
            let token = Token::shown(passcode.clone());
            match engine.authenticate(&token).await {
                // What says itself that an issuer signed it is no secret of a guest.
                Err(refusal) if refusal.code == Code::Unauthenticated && !engine.is_issued(&token) => {
                    (nickname, Some(passcode))
                }
                known => return known.map(|identity| (identity, None)),
            }
        }
        Connect::Guest { nickname, secret } => (nickname, secret),
    };
    let sign_up = engine.allowances().attempt(Entrance::SignUp, from)?;
    let registered = engine.register(nickname, secret).await;
    if registered.as_ref().map_or(true, |registered| registered.returned) {
        sign_up.give_back();
    }
    let registered = registered?;
    Ok((Identity::guest(registered.user), Some(registered.token)))
}
