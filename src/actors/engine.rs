//! The engine: one node's actors and stores behind plain asynchronous calls, for whoever speaks to clients.
//! Surfaces use nothing else of a node; no rule is decided here.

mod elsewhere;
mod inviting;
mod looking;
mod moderating;
mod people;

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Arbiter};
use indexmap::IndexMap;
use serde::Serialize;

use super::{
    Clock, DirectoryState, LobbyState, Observe, RelayState,
    catch_up::CatchUp,
    directory::{Directory, DirectoryOptions, Locate},
    limits::Allowances,
    lobby::{Lobby, RoomChanged, Whose},
    logs::{Ground, LogOptions, LogView, Logs},
    present::Present,
    relay::{RelayHandle, ToRelay},
    relays::Relays,
    reply::Reply,
    room::Room,
    subscriber::{Greet, Subscription},
    to_room::{SendAll, Sent, Start, Subscribe, Subscribed, ToRoom},
    watchman::Watchman,
};
use crate::{
    auth::{Auth, Elsewhere, random},
    config::AuthSettings,
    domain::{
        About, CloseCode, Code, Epoch, Identity, Limits, Message, Purpose, Refusal, RoomId, RoomInfo,
        RoomName, User, Visibility,
    },
    log::{RoomLog, kafka::BrokerError},
    storage::{
        Database, Store,
        rooms::{self, NewRoom, RoomCreation},
    },
    telemetry::Metrics,
    wire::native::Change,
};

pub use looking::RoomPage;

/// What a node is made of and how large its parts may grow.
pub struct EngineOptions {
    /// The node's name.
    pub node: String,
    /// The database, migrated.
    pub database: Database,
    /// Queries that may run at once.
    pub queries_at_once: u32,
    /// The time.
    pub clock: Clock,
    /// What people may choose.
    pub limits: Limits,
    /// How often anybody may do what.
    pub allowances: Allowances,
    /// Where everything is counted.
    pub metrics: Metrics,
    /// Threads that rooms live on; at least one.
    pub room_threads: usize,
    /// Records that a room keeps in memory.
    pub ring_records: usize,
    /// Bytes that a room keeps in memory.
    pub ring_bytes: usize,
    /// After this long without readers and requests a room sleeps.
    pub room_idle: Duration,
    /// A crowded room is delivered at most this often.
    pub room_pace: Duration,
    /// A room's state is stored each time it grew by so many records.
    pub snapshot_every: u64,
    /// Guests, accounts and their sessions.
    pub auth: AuthSettings,
    /// Whom else it believes about people.
    pub elsewhere: Elsewhere,
    /// The log it runs on.
    pub log: LogOptions,
}

/// A handle on the engine; a clone costs one reference count.
#[derive(Clone)]
pub struct Engine(Arc<Parts>);

struct Parts {
    node: String,
    store: Store,
    auth: Auth,
    present: Present,
    renewal: Duration,
    logs: Logs,
    directory: Addr<Directory>,
    lobby: Addr<Lobby>,
    relays: Relays,
    clock: Clock,
    limits: Limits,
    allowances: Allowances,
    metrics: Metrics,
}

/// What the actors of a node show of themselves.
#[derive(Debug, Serialize)]
pub struct EngineView {
    /// The directory.
    pub directory: DirectoryState,
    /// The lobby.
    pub lobby: LobbyState,
    /// What moves the log.
    pub log: LogView,
    /// The relays, one a worker.
    pub relays: Vec<RelayState>,
}

impl Engine {
    /// Starts the actors of a node. Must be called within an actix system.
    ///
    /// # Errors
    /// A setting that the log cannot be started with. Brokers and databases that are away are none.
    pub fn start(options: EngineOptions) -> Result<Self, BrokerError> {
        let EngineOptions { node, database, clock, limits, allowances, metrics, log, .. } = options;
        let store = Store::new(database.clone(), options.queries_at_once);
        let threads: Vec<_> = (0..options.room_threads.max(1)).map(|_| Arbiter::new().handle()).collect();
        let relays = Relays::default();
        let ground = Ground {
            run: format!("{node}.{}", random::id()),
            database,
            store: store.clone(),
            clock: clock.clone(),
            metrics: metrics.clone(),
            snapshot_every: options.snapshot_every,
            thread: threads[0].clone(),
        };
        let (logs, lobby) = Logs::start(log, ground, |tell| {
            let lobby = Lobby::new(relays.clone(), tell);
            Lobby::start_in_arbiter(&threads[0], move |_| lobby)
        })?;
        let directory = Directory::new(DirectoryOptions {
            store: store.clone(),
            log: Arc::clone(&logs.log),
            lobby: lobby.clone(),
            relays: relays.clone(),
            metrics: metrics.clone(),
            threads: threads.clone(),
            ring_records: options.ring_records,
            ring_bytes: options.ring_bytes,
            idle: options.room_idle,
            pace: options.room_pace,
            clock: clock.clone(),
        });
        let directory = Directory::start_in_arbiter(&threads[0], move |_| directory);
        let renewal = options.auth.renewal();
        let auth = Auth::new(store.clone(), &options.auth, options.elsewhere, &limits);
        let present = Present::default();
        let watchman = Watchman::new(auth.clone(), present.clone(), clock.clone(), options.auth.sweeps());
        Watchman::start_in_arbiter(&threads[0], move |_| watchman);
        let parts = Parts {
            node,
            store,
            auth,
            present,
            renewal,
            logs,
            directory,
            lobby,
            relays,
            clock,
            limits,
            allowances,
            metrics,
        };
        Ok(Self(Arc::new(parts)))
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// What people may choose.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// How often anybody may do what.
    pub fn allowances(&self) -> &Allowances {
        &self.0.allowances
    }

    /// Where everything is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Starts the relay of the current worker thread.
    pub fn start_relay(&self) -> RelayHandle {
        self.0.relays.start_here(self.0.metrics.clone())
    }

    pub(super) fn log(&self) -> Arc<dyn RoomLog> {
        Arc::clone(&self.0.logs.log)
    }

    /// Makes a room, and tells whoever watches the list if anybody may find it.
    ///
    /// # Errors
    /// `room_name_taken`, with the room that has the name where its maker may see that; `rate_limited`,
    /// `storage_unavailable`.
    pub async fn create_room(
        &self,
        creator: &Identity,
        name: RoomName,
        visibility: Visibility,
    ) -> Result<RoomInfo, Refusal> {
        self.0.allowances.room(&creator.user.id)?;
        let created = self.make_room(creator, name, visibility).await;
        if created.is_err() {
            self.0.allowances.no_room(&creator.user.id);
        }
        created
    }

    async fn make_room(
        &self,
        creator: &Identity,
        name: RoomName,
        visibility: Visibility,
    ) -> Result<RoomInfo, Refusal> {
        let name = (name.as_str().to_owned(), name.key().to_owned());
        let new = NewRoom { visibility, ..self.new_room(creator.user.clone(), name).await? };
        match self.make(new).await? {
            RoomCreation::Created(room) => {
                if room.visibility == Visibility::Public {
                    let (change, whose) = (Change::Created, Whose::Own);
                    self.0.lobby.do_send(RoomChanged { change, room: room.clone(), whose });
                }
                Ok(room)
            }
            RoomCreation::Taken(room) => {
                let refusal = Refusal::new(Code::RoomNameTaken).field("name");
                match self.if_shown(room, &Self::viewer(creator)).await? {
                    Some(room) => Err(refusal.about(About::Room(room))),
                    None => Err(refusal),
                }
            }
        }
    }

    /// A public room that is about to be made, under a name and its key.
    async fn new_room(&self, creator: User, (name, name_key): (String, String)) -> Result<NewRoom, Refusal> {
        Ok(NewRoom {
            id: RoomId::new(random::id()),
            name,
            name_key,
            epoch: Epoch::new(random::epoch()),
            created_at: self.0.clock.now(),
            created_by: creator,
            visibility: Visibility::Public,
            peer: None,
            partition: self.0.logs.log.place().await?,
        })
    }

    async fn make(&self, new: NewRoom) -> Result<RoomCreation, Refusal> {
        Ok(self.0.store.write(move |conn| rooms::create(conn, &new)).await?)
    }

    /// Makes a user a member.
    ///
    /// # Errors
    /// `room_not_found`, `banned`, `room_closed`, `storage_unavailable`, `log_unavailable`, `overloaded`.
    pub async fn join(&self, room: &RoomId, sender: User) -> Result<RoomInfo, Refusal> {
        let user = sender.id.clone();
        let joined = self.ask(room, |reply| ToRoom::Join { sender, reply }).await?;
        Ok(joined.seen_by(Some(&user)))
    }

    /// Makes a user a member no more; no error where they are none.
    ///
    /// # Errors
    /// As [`Self::join`].
    pub async fn leave(&self, room: &RoomId, sender: User) -> Result<(), Refusal> {
        self.ask(room, |reply| ToRoom::Leave { sender, through: None, reply }).await
    }

    /// Sends a message; the answer comes when it is durable (promise D1).
    ///
    /// # Errors
    /// As [`Self::join`], and `not_a_member`, `muted`.
    pub async fn send(&self, room: &RoomId, sender: User, message: Message) -> Result<Sent, Refusal> {
        self.ask(room, |reply| ToRoom::Send { sender, message, reply }).await
    }

    /// Says messages of one sender in any rooms, in order: all of them or, where one would be refused, none. Only a
    /// log that fails midway can leave the first ones said.
    ///
    /// # Errors
    /// As [`Self::send`], of the first message that is refused.
    pub(super) async fn send_all(&self, sender: User, sends: Vec<(RoomId, Message)>) -> Result<(), Refusal> {
        let mut by_room: IndexMap<RoomId, Vec<Message>> = IndexMap::new();
        for (room, message) in sends {
            by_room.entry(room).or_default().push(message);
        }
        if by_room.len() > 1 {
            for (room, messages) in &by_room {
                self.together(room, sender.clone(), messages.clone(), Purpose::Weigh).await?;
            }
        }
        for (room, messages) in by_room {
            self.together(&room, sender.clone(), messages, Purpose::Do).await?;
        }
        Ok(())
    }

    async fn together(
        &self,
        room: &RoomId,
        sender: User,
        messages: Vec<Message>,
        purpose: Purpose,
    ) -> Result<(), Refusal> {
        let (_, address) = self.locate(room).await?;
        let (replies, answers): (Vec<_>, Vec<_>) = messages.iter().map(|_| Reply::channel()).unzip();
        let messages = messages.into_iter().zip(replies).collect();
        address.do_send(ToRoom::SendAll(SendAll { sender, messages, purpose }));
        for answer in answers {
            answer.await.map_err(|_| Code::Overloaded)??;
        }
        Ok(())
    }

    /// Reads a room through a connection, in the name of the subscription's user, without becoming a member.
    ///
    /// # Errors
    /// As [`Self::join`], and `not_a_member`.
    pub async fn subscribe(
        &self,
        id: &RoomId,
        reader: Subscription,
        start: Start,
        greet: Greet,
    ) -> Result<Reading, Refusal> {
        let (_, room) = self.locate(id).await?;
        let (reply, answer) = Reply::channel();
        let subscription = reader.clone();
        room.do_send(ToRoom::Subscribe(Subscribe { sender: None, subscription, start, greet, reply }));
        // Whoever asks may go while they wait; then this ends what has begun.
        let reading = Reading { room: room.clone(), reader: reader.clone() };
        let (epoch, subscribed) = answer.await.map_err(|_| Code::Overloaded)??;
        if let Subscribed::Behind(lacking) = subscribed {
            let (log, id) = (self.log(), id.clone());
            actix_rt::spawn(CatchUp { log, room, id, epoch, reader }.run(lacking));
        }
        Ok(reading)
    }

    /// Whether the node can serve; the reasons why not where it cannot.
    pub async fn readiness(&self) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        if self.0.store.read(|conn| rooms::newest(conn, None, 1)).await.is_err() {
            reasons.push("the database does not answer");
        }
        reasons.extend(self.0.logs.complaints().await);
        reasons
    }

    /// What the actors show of themselves; nothing where one does not answer.
    pub async fn observe(&self) -> Option<EngineView> {
        let mut relays = Vec::new();
        for relay in self.0.relays.all() {
            relays.push(relay.address().send(Observe::default()).await.ok()?);
        }
        Some(EngineView {
            directory: self.0.directory.send(Observe::default()).await.ok()?,
            lobby: self.0.lobby.send(Observe::default()).await.ok()?,
            log: self.0.logs.observe().await?,
            relays,
        })
    }

    /// Waits until everything sent so far has met its fate, then asks every client to go.
    pub async fn stop(&self) {
        if let Err(error) = self.0.logs.log.flush().await {
            log::warn!("flushing the log: {error}");
        }
        self.0.relays.tell_all(|| ToRelay::Close(None, CloseCode::GoingAway));
        self.0.logs.stop().await;
    }

    /// The awake room of an id or, where there is none, of a name.
    pub(super) async fn find(&self, text: &str) -> Result<(RoomId, Addr<Room>), Refusal> {
        if let Some(id) = RoomId::parse(text) {
            match self.locate(&id).await {
                Err(refusal) if refusal.code == Code::RoomNotFound => {}
                found => return found,
            }
        }
        let name = RoomName::parse(text, &self.0.limits).map_err(|_| Code::RoomNotFound)?;
        let room = self.named(&name).await?.ok_or(Code::RoomNotFound)?;
        self.locate(&room.id).await
    }

    /// The awake room of an id.
    pub(super) async fn locate(&self, room: &RoomId) -> Result<(RoomId, Addr<Room>), Refusal> {
        let (reply, answer) = Reply::channel();
        self.0.directory.do_send(Locate { room: room.clone(), reply });
        let address = answer.await.map_err(|_| Code::Overloaded)??;
        Ok((room.clone(), address))
    }

    async fn ask<T: Send + 'static>(
        &self,
        room: &RoomId,
        question: impl FnOnce(Reply<T>) -> ToRoom,
    ) -> Result<T, Refusal> {
        let (_, address) = self.locate(room).await?;
        let (reply, answer) = Reply::channel();
        address.do_send(question(reply));
        answer.await.map_err(|_| Code::Overloaded)?
    }
}

/// A subscription that ends when this is dropped.
pub struct Reading {
    room: Addr<Room>,
    reader: Subscription,
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.reader.outbox.abandon();
        self.room.do_send(ToRoom::Unsubscribe { id: self.reader.id, reply: Reply::new(|_| ()) });
    }
}
