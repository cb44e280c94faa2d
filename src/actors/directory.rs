//! The directory: which rooms of this node are awake. It wakes a room from the log when somebody asks for it,
//! lets an idle one sleep, and rebuilds one that died. It knows nothing of what rooms do.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{
    Actor, ActorFutureExt, Addr, ArbiterHandle, AsyncContext, Context, Handler, Message, MessageResult,
    ResponseActFuture, WrapFuture,
};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{
    Clock, Observe,
    lobby::Lobby,
    relay::{Channel, ToRelay},
    relays::Relays,
    reply::Reply,
    room::{Room, RoomContext},
    to_room::Sleep,
};
use crate::{
    domain::{CloseCode, Code, Refusal, RoomId, RoomInfo, RoomState},
    log::{Delivery, RoomLog},
    storage::{self, Store},
    telemetry::Metrics,
};

/// What the directory is given at its start.
pub(super) struct DirectoryOptions {
    /// Where rooms are known.
    pub store: Store,
    /// Where their records are.
    pub log: Arc<dyn RoomLog>,
    /// Who is told of changes in the list.
    pub lobby: Addr<Lobby>,
    /// How connections are reached.
    pub relays: Relays,
    /// Counts rooms.
    pub metrics: Metrics,
    /// The threads that rooms live on; at least one.
    pub threads: Vec<ArbiterHandle>,
    /// Records that a room keeps in memory.
    pub ring_records: usize,
    /// Bytes that a room keeps in memory.
    pub ring_bytes: usize,
    /// After this long without readers and requests a room may sleep.
    pub idle: Duration,
    /// A crowded room is delivered at most this often.
    pub pace: Duration,
    /// The time.
    pub clock: Clock,
}

/// Asks for an awake room.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Locate {
    /// The room.
    pub room: RoomId,
    /// Given the room's actor, or `room_not_found`, or why it cannot be woken.
    pub reply: Reply<Addr<Room>>,
}

/// A room says that nobody needs it.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Doze {
    /// The room.
    pub room: RoomId,
}

/// A room's actor is no more, and it was not told to sleep.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct Died {
    /// The room.
    pub room: RoomId,
}

/// What the directory shows of itself.
#[derive(Debug, Serialize)]
pub struct DirectoryState {
    /// Rooms that are awake.
    pub awake: usize,
    /// Rooms that are being woken or put to sleep.
    pub changing: usize,
}

/// The directory of one node.
pub(super) struct Directory {
    rooms: HashMap<RoomId, Entry>,
    options: DirectoryOptions,
    started: usize,
}

enum Entry {
    Awake(Addr<Room>),
    /// Being woken or asked to sleep; these wait for the outcome.
    Changing(Vec<Reply<Addr<Room>>>),
}

type Woken = (RoomInfo, RoomState, mpsc::UnboundedReceiver<Vec<Delivery>>);

impl Directory {
    /// A directory in which every room sleeps.
    pub(super) fn new(options: DirectoryOptions) -> Self {
        Self { rooms: HashMap::new(), options, started: 0 }
    }

    fn wake(&mut self, room: RoomId, waiting: Vec<Reply<Addr<Room>>>, ctx: &mut Context<Self>) {
        self.rooms.insert(room.clone(), Entry::Changing(waiting));
        let (store, log) = (self.options.store.clone(), Arc::clone(&self.options.log));
        let load = load(room.clone(), store, log).into_actor(self);
        ctx.spawn(load.map(move |woken, directory, ctx| directory.woken(&room, woken, ctx)));
    }

    fn woken(&mut self, room: &RoomId, woken: Result<Woken, Refusal>, ctx: &Context<Self>) {
        let waiting = match self.rooms.remove(room) {
            Some(Entry::Changing(waiting)) => waiting,
            _ => Vec::new(),
        };
        match woken {
            Ok(woken) => {
                let address = self.start(woken, ctx);
                waiting.into_iter().for_each(|reply| reply.give(Ok(address.clone())));
                self.rooms.insert(room.clone(), Entry::Awake(address));
            }
            Err(refusal) => waiting.into_iter().for_each(|reply| reply.give(Err(refusal.clone()))),
        }
    }

    fn start(&mut self, (info, state, deliveries): Woken, ctx: &Context<Self>) -> Addr<Room> {
        let context = RoomContext {
            log: Arc::clone(&self.options.log),
            directory: ctx.address(),
            lobby: self.options.lobby.clone(),
            metrics: self.options.metrics.clone(),
            ring_records: self.options.ring_records,
            ring_bytes: self.options.ring_bytes,
            idle: self.options.idle,
            pace: self.options.pace,
            clock: self.options.clock.clone(),
        };
        let thread = &self.options.threads[self.started % self.options.threads.len()];
        self.started += 1;
        Room::start_in_arbiter(thread, move |_| Room::new(info, state, deliveries, context))
    }

    fn fell_asleep(&mut self, room: RoomId, ctx: &mut Context<Self>) {
        match self.rooms.remove(&room) {
            Some(Entry::Changing(waiting)) if !waiting.is_empty() => self.wake(room, waiting, ctx),
            _ => {}
        }
    }

    fn stayed_awake(&mut self, room: RoomId, address: Addr<Room>) {
        if let Some(Entry::Changing(waiting)) = self.rooms.remove(&room) {
            waiting.into_iter().for_each(|reply| reply.give(Ok(address.clone())));
        }
        self.rooms.insert(room, Entry::Awake(address));
    }
}

/// Reads what a room is, and opens its log.
async fn load(room: RoomId, store: Store, log: Arc<dyn RoomLog>) -> Result<Woken, Refusal> {
    let id = room.clone();
    let info = store.read(move |conn| storage::rooms::by_id(conn, &id)).await?.ok_or(Code::RoomNotFound)?;
    // As much as the log has queued can wait here, and that is bounded.
    let (sender, deliveries) = mpsc::unbounded_channel();
    // The room may have stopped; what it is sent then is not needed any more.
    let sink = Arc::new(move |batch| drop(sender.send(batch)));
    let state = log.open(&room, sink).await?;
    Ok((info, state, deliveries))
}

impl Actor for Directory {
    type Context = Context<Self>;
}

impl Handler<Locate> for Directory {
    type Result = ();

    fn handle(&mut self, Locate { room, reply }: Locate, ctx: &mut Self::Context) {
        match self.rooms.get_mut(&room) {
            Some(Entry::Awake(address)) if address.connected() => reply.give(Ok(address.clone())),
            Some(Entry::Changing(waiting)) => waiting.push(reply),
            Some(Entry::Awake(_)) | None => self.wake(room, vec![reply], ctx),
        }
    }
}

impl Handler<Doze> for Directory {
    type Result = ResponseActFuture<Self, ()>;

    fn handle(&mut self, Doze { room }: Doze, _: &mut Self::Context) -> Self::Result {
        let Some(Entry::Awake(address)) = self.rooms.get(&room) else {
            return Box::pin(actix::fut::ready(()));
        };
        let address = address.clone();
        self.rooms.insert(room.clone(), Entry::Changing(Vec::new()));
        let asked = address.send(Sleep).into_actor(self);
        Box::pin(asked.map(move |asleep, directory, ctx| match asleep {
            Ok(false) => directory.stayed_awake(room, address),
            // A room that does not answer has died, which is asleep too.
            Ok(true) | Err(_) => directory.fell_asleep(room, ctx),
        }))
    }
}

impl Handler<Died> for Directory {
    type Result = ();

    fn handle(&mut self, Died { room }: Died, _: &mut Self::Context) {
        log::error!("room {room} died; its readers are asked to come back to the rebuilt one");
        if matches!(self.rooms.get(&room), Some(Entry::Awake(address)) if !address.connected()) {
            self.rooms.remove(&room);
        }
        // Readers of an actor that was rebuilt already come back once in vain, which costs them nothing.
        let channel = Channel::Room(room);
        self.options.relays.tell_all(|| ToRelay::Close(Some(channel.clone()), CloseCode::GoingAway));
    }
}

impl Handler<Observe<DirectoryState>> for Directory {
    type Result = MessageResult<Observe<DirectoryState>>;

    fn handle(&mut self, _: Observe<DirectoryState>, _: &mut Self::Context) -> Self::Result {
        let awake = self.rooms.values().filter(|entry| matches!(entry, Entry::Awake(_))).count();
        MessageResult(DirectoryState { awake, changing: self.rooms.len() - awake })
    }
}
