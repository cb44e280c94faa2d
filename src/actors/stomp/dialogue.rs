//! One client's conversation: each frame is judged as far as a connection can, and becomes a request of the session.
//! After a broken frame, or DISCONNECT, nothing more is heard.

use std::sync::Arc;

use super::{
    Anonymous, StompOptions,
    anonymous::{Namesake, Sender},
    notices::Notices,
    subscriptions::{self, Subscriptions, name_in, name_of},
    tongue::{Binding, Farewell, Introduction, Opening, Plain},
    transactions::{Ack, Transactions},
};
use crate::{
    actors::{
        conversation::{Conversation, Incoming},
        session::{Connect, Progress, Request, Session, SessionState},
        to_room::Start,
        voice::{Voice, Window},
    },
    domain::{CloseCode, Code, Message, Nickname, Refusal},
    wire::{
        Dialect,
        stomp::{
            self, AckMode, Action, Bounds, Broken, Cause, Decoder, Delivery, Head, Heartbeat, Identity, Item,
            Rejected, Route, Said, Spoken, Style, Topic, Version, Welcome,
        },
    },
};

/// A conversation in STOMP.
pub(super) struct Dialogue {
    session: Session,
    options: Arc<StompOptions>,
    decoder: Decoder,
    /// The client's own queue, from its CONNECT on.
    notices: Option<Arc<Notices>>,
    subscriptions: Subscriptions,
    transactions: Transactions,
    /// There for a client that did not say who it is.
    namesake: Option<Namesake>,
    is_over: bool,
}

impl Conversation for Dialogue {
    fn take(&mut self, message: Incoming<'_>) {
        self.session.line().pulse.spoke();
        let mut bytes = match message {
            Incoming::Text(text) => text.as_bytes(),
            Incoming::Binary(bytes) => bytes,
        };
        while !self.is_over {
            let taken = match self.decoder.decode(&mut bytes) {
                Ok(Some(Item::Frame(frame))) => self.frame(frame),
                Ok(Some(Item::EndOfLine)) => Ok(()),
                Ok(None) => return,
                Err(broken) => Err(broken),
            };
            if let Err(broken) = taken {
                self.broken(&broken);
            }
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

impl Dialogue {
    pub(super) fn new(session: Session, options: Arc<StompOptions>, bounds: Bounds) -> Self {
        Self {
            session,
            options,
            decoder: Decoder::new(bounds),
            notices: None,
            subscriptions: Subscriptions::default(),
            transactions: Transactions::default(),
            namesake: None,
            is_over: false,
        }
    }

    fn broken(&mut self, broken: &Broken) {
        let code = match broken.cause {
            Cause::TooLarge => CloseCode::MessageTooBig,
            Cause::Malformed | Cause::NoCommonVersion => CloseCode::BrokenProtocol,
        };
        let outbox = &self.session.line().outbox;
        outbox.push(stomp::broken(self.notices.as_ref().map(|notices| notices.version), broken));
        outbox.end(code);
        self.is_over = true;
    }

    fn frame(&mut self, frame: stomp::Frame) -> Result<(), Broken> {
        let version = self.notices.as_ref().map(|notices| notices.version);
        let request = match stomp::Request::parse(frame, version, self.session.engine().limits()) {
            Ok(request) => request,
            Err(Rejected::Broken(broken)) => return Err(broken),
            Err(Rejected::Refused { refusal, receipt, transaction }) => {
                return self.refuse(refusal, receipt, transaction.as_deref());
            }
        };
        let receipt = request.receipt.clone();
        self.action(request.action, receipt.clone()).map_err(|broken| broken.of_receipt(receipt.as_deref()))
    }

    fn action(&mut self, action: Action, receipt: Option<String>) -> Result<(), Broken> {
        let connect = match action {
            Action::Connect(connect) => {
                self.connect(connect);
                return Ok(());
            }
            other => other,
        };
        let Some(notices) = self.notices.clone() else {
            return Err(Broken::malformed("the first frame must be CONNECT or STOMP"));
        };
        let plain = |receipt| Plain::new(&notices, receipt);
        match connect {
            Action::Send(send) => return self.send(&notices, send, receipt),
            Action::Subscribe(subscribe) => return self.subscribe(&notices, &subscribe, receipt),
            Action::Unsubscribe(subscription) => {
                let name = name_in(&subscription);
                self.subscriptions.remove(&name);
                notices.forget(&name);
                self.session.take(plain(receipt), Request::Unsubscribe(name));
            }
            Action::Ack { delivery, transaction } => {
                return self.ack(delivery, Ack::Consumed, receipt, transaction.as_deref());
            }
            Action::Nack { delivery, transaction } => {
                return self.ack(delivery, Ack::NotConsumed, receipt, transaction.as_deref());
            }
            Action::Begin(name) => {
                self.transactions.begin(name)?;
                self.session.take(plain(receipt), Request::Ping);
            }
            Action::Abort(name) => {
                self.transactions.end(&name)?;
                self.session.take(plain(receipt), Request::Ping);
            }
            Action::Commit(name) => return self.commit(&notices, &name, receipt),
            Action::Disconnect => {
                let outbox = Arc::clone(&self.session.line().outbox);
                self.session.take(Farewell { plain: plain(receipt), outbox }, Request::End);
                self.is_over = true;
            }
            Action::Connect(_) => {}
        }
        Ok(())
    }

    fn connect(&mut self, connect: stomp::Connect) {
        let stomp::Connect { version, identity, heartbeat, .. } = connect;
        self.decoder.set_version(version);
        let notices = Arc::new(Notices::new(version, Arc::clone(&self.options)));
        self.notices = Some(Arc::clone(&notices));
        let offer = match version {
            Version::V1_0 => Heartbeat::default(),
            _ => Heartbeat::of_server(self.options.heartbeat_ms),
        };
        let agreed = offer.agree(heartbeat);
        self.session.line().pulse.agree(agreed.send_every, agreed.dead_after);
        let introduction = Introduction { notices, heartbeat: offer };
        match self.identified(identity) {
            Ok(Some(connect)) => self.session.take(introduction, Request::Connect(connect)),
            Ok(None) => self.welcome_stranger(version, offer),
            Err(refusal) => self.session.refuse(introduction, &refusal),
        }
    }

    /// How a client connects; not at all where it may stay nobody.
    fn identified(&self, identity: Identity) -> Result<Option<Connect>, Refusal> {
        let limits = self.session.engine().limits();
        let nickname = |login: &str| Nickname::parse(login, limits);
        Ok(Some(match identity {
            Identity::Token(token) | Identity::Passcode { passcode: token, login: None } => {
                Connect::Token(token)
            }
            Identity::Passcode { passcode, login: Some(login) } => {
                Connect::TokenOrSecret { passcode, nickname: nickname(&login)? }
            }
            Identity::Nickname(login) => Connect::Guest { nickname: nickname(&login)?, secret: None },
            Identity::Nobody if self.options.anonymous == Anonymous::Bind => return Ok(None),
            Identity::Nobody => {
                let how = "CONNECT needs a login, or a token as passcode or in Authorization: Bearer";
                return Err(Refusal::new(Code::Unauthenticated).message(how));
            }
        }))
    }

    fn welcome_stranger(&mut self, version: Version, heartbeat: Heartbeat) {
        self.namesake = Some(Namesake::default());
        let line = self.session.line();
        line.pulse.connected();
        let session = self.session.name();
        line.outbox.push(stomp::connected(
            version,
            Welcome { session: &session, user: None, token: None, heartbeat },
        ));
    }

    fn send(
        &mut self,
        notices: &Arc<Notices>,
        send: stomp::Send,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let stomp::Send { destination, body, transaction, client_id, headers, .. } = send;
        let transaction = transaction.as_deref();
        let limits = self.session.engine().limits();
        let spoken = self.options.routes.spoken(&destination, &body, limits);
        let Spoken { room, sender, said } = match spoken {
            Ok(spoken) => spoken,
            Err(refusal) => return self.refuse(refusal, receipt, transaction),
        };
        let is_bound_here = match self.bind(notices, sender.as_deref(), receipt.as_ref()) {
            Ok(is_bound_here) => is_bound_here,
            Err(refusal) => return self.refuse(refusal, receipt, transaction),
        };
        let request = match (said, transaction) {
            (Said::Message(body), None) => Request::Send(room, Message { body, client_id, headers }),
            (Said::Join, None) => Request::Enter(room),
            (Said::Leave, None) => Request::Leave(room),
            (Said::Message(body), Some(name)) => {
                let message = Message { body, client_id, headers };
                self.transactions.open(name)?.send(room, message, receipt);
                return Ok(());
            }
            (Said::Join | Said::Leave, Some(_)) => {
                let why = "a transaction takes messages alone";
                let refusal = Refusal::new(Code::Invalid).field("type").message(why);
                return self.refuse(refusal, receipt, transaction);
            }
        };
        self.session.take(Plain { is_bound_here, ..Plain::new(notices, receipt) }, request);
        Ok(())
    }

    /// Has a client that named itself only now become somebody. `true` if that is under way because of this frame.
    fn bind(
        &mut self,
        notices: &Arc<Notices>,
        sender: Option<&str>,
        receipt: Option<&String>,
    ) -> Result<bool, Refusal> {
        let Some(namesake) = self.namesake.as_mut() else { return Ok(false) };
        match namesake.judge(sender, self.session.engine().limits())? {
            Sender::Known => Ok(false),
            Sender::New(nickname, failed) => {
                let binding = Binding { notices: Arc::clone(notices), receipt: receipt.cloned(), failed };
                self.session.take(binding, Request::Connect(Connect::Guest { nickname, secret: None }));
                Ok(true)
            }
        }
    }

    fn subscribe(
        &mut self,
        notices: &Arc<Notices>,
        subscribe: &stomp::Subscribe,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let name = name_of(subscribe);
        if self.subscriptions.has(&name) {
            return Err(Broken::malformed("the id is that of another subscription"));
        }
        if self.subscriptions.is_full() {
            let why = format!("a connection may have {} subscriptions", subscriptions::MOST);
            return self.refuse(Refusal::new(Code::Overloaded).message(why), receipt, None);
        }
        let topic = match self.options.routes.topic(&subscribe.destination) {
            Ok(topic) => topic,
            Err(refusal) => return self.refuse(refusal, receipt, None),
        };
        let head = Head::new(notices.version, subscribe.id.as_deref(), subscribe.ack);
        let plain = Plain::new(notices, receipt);
        match topic {
            Topic::Errors => {
                self.subscriptions.add(Arc::clone(&name));
                notices.listen(name, head);
                self.session.take(plain, Request::Ping);
            }
            Topic::Rooms => {
                self.subscriptions.add(Arc::clone(&name));
                let destination = self.options.routes.rooms().into();
                let dialect = Dialect::StompRooms(notices.version, destination);
                let voice = Voice { head: Some(Arc::new(head)), ..Voice::plain(dialect) };
                self.session.take(plain, Request::WatchRooms(name, voice));
            }
            Topic::Room { route, room } => {
                let window = self.window(subscribe.ack);
                let alive = self.subscriptions.add_reader(
                    Arc::clone(&name),
                    room.clone(),
                    subscribe.ack,
                    window.as_ref(),
                );
                let voice = voice(notices.version, route, head, window.clone());
                let after = subscribe.after.as_ref().map(|after| after.seq);
                let start = subscribe.after.clone().map_or(Start::Live, Start::After);
                let request = Request::Subscribe { name, room, start, voice };
                self.session.take(Opening { plain, after, window, alive }, request);
            }
        }
        Ok(())
    }

    fn window(&self, mode: AckMode) -> Option<Arc<Window>> {
        (mode != AckMode::Auto).then(|| Arc::new(Window::new(self.options.unacked_max)))
    }

    fn ack(
        &mut self,
        delivery: Delivery,
        ack: Ack,
        receipt: Option<String>,
        transaction: Option<&str>,
    ) -> Result<(), Broken> {
        if let Some(name) = transaction {
            self.transactions.open(name)?.acknowledge(delivery, ack, receipt);
            return Ok(());
        }
        match self.acknowledge(&delivery, ack) {
            Ok(()) => {
                if let Some(notices) = &self.notices {
                    self.session.take(Plain::new(notices, receipt), Request::Ping);
                }
                Ok(())
            }
            Err(refusal) => self.refuse(refusal, receipt, None),
        }
    }

    fn acknowledge(&mut self, delivery: &Delivery, ack: Ack) -> Result<(), Refusal> {
        if ack == Ack::NotConsumed {
            self.session.engine().metrics().stomp_nacks.inc();
            let user = self.session.user().map(|user| user.id.as_str()).unwrap_or_default();
            log::info!(
                "NACK of record {} in subscription {:?} by {user:?}",
                delivery.seq,
                delivery.subscription
            );
        }
        self.subscriptions.acknowledge(delivery).map_err(|_| {
            Refusal::new(Code::NotFound).message("nothing was delivered that this could acknowledge")
        })
    }

    fn commit(&mut self, notices: &Arc<Notices>, name: &str, receipt: Option<String>) -> Result<(), Broken> {
        let transaction = self.transactions.end(name)?;
        if let Some(refusal) = transaction.refused {
            return self.refuse(refusal, receipt, None);
        }
        for (delivery, ack) in &transaction.acks {
            if let Err(refusal) = self.acknowledge(delivery, *ack) {
                return self.refuse(refusal, receipt, None);
            }
        }
        let receipts = transaction.receipts.into_iter().chain(receipt).collect();
        let plain = Plain { receipts, ..Plain::new(notices, None) };
        self.session.take(plain, Request::SendAll(transaction.sends));
        Ok(())
    }

    /// Refuses a frame; one of a transaction is refused with all of it, when it is to be done.
    fn refuse(
        &mut self,
        refusal: Refusal,
        receipt: Option<String>,
        transaction: Option<&str>,
    ) -> Result<(), Broken> {
        match (transaction, &self.notices) {
            (Some(name), _) => self.transactions.open(name)?.refuse(refusal),
            (None, Some(notices)) => self.session.refuse(Plain::new(notices, receipt), &refusal),
            (None, None) => {}
        }
        Ok(())
    }
}

fn voice(version: Version, route: Arc<Route>, head: Head, window: Option<Arc<Window>>) -> Voice {
    let dialect = Dialect::Stomp(Arc::new(Style { version, route }));
    Voice { dialect, head: Some(Arc::new(head)), window }
}
