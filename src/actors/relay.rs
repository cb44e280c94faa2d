//! The relay of one worker thread: knows which connections of its thread read which channel, and fills
//! their outboxes. Crossing threads is paid here once per worker and batch, not once per member.
//! It knows no rules: who may read is decided by the room.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, Message, MessageResult};
use bytestring::ByteString;
use indexmap::IndexMap;
use serde::Serialize;
use tokio::sync::oneshot;

use super::{
    Observe,
    outbox::{Outbox, Pending, Pushed},
    pulse::{Beat, Pulse},
    subscriber::{SessionId, SubscriberId},
    voice::{Frames, Parcel, Voice},
};
use crate::{
    domain::{CloseCode, RoomId, RoomInfo},
    telemetry::{Metrics, Stopwatch},
    wire::{self, Broadcast, Dialect, native::Change},
};

/// Batches that may wait for a relay before rooms refuse new messages as overloaded.
const BACKLOG: usize = 1024;

/// How often connections are asked for signs of life.
const TICK: Duration = Duration::from_secs(1);

/// What can be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Channel {
    /// The records of a room.
    Room(RoomId),
    /// Changes of the room list.
    Lobby,
}

/// What a relay is told. Everything comes through one queue, so that a joining member's first frames,
/// the records after them and a goodbye stay in order.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub enum ToRelay {
    /// A connection of this thread exists; one with a pulse is asked for signs of life.
    Register(SessionId, Arc<Outbox>, Option<Arc<Pulse>>),
    /// It is gone.
    Unregister(SessionId),
    /// A reader of a channel from now on; these frames in its dialect go before everything else.
    Attach(Channel, Reader, Vec<ByteString>),
    /// A reader no more.
    Detach(Channel, SubscriberId),
    /// A frame for one connection, behind all records that were told before.
    Push(Arc<Outbox>, ByteString),
    /// End a connection behind all that was told before.
    End(Arc<Outbox>, CloseCode),
    /// Records for all readers of a room, with the time since they came back from the log.
    Records(RoomId, Arc<[Arc<Broadcast>]>, Stopwatch),
    /// A change of the room list for all who watch it.
    Listed(Arc<Listed>),
    /// Close every reader of a channel, or every connection where none is given.
    Close(Option<Channel>, CloseCode),
    /// Say when everything that was told before has been done.
    Barrier(oneshot::Sender<()>),
}

/// A change of the room list.
#[derive(Debug)]
pub struct Listed {
    /// Its own number on this node.
    pub number: u64,
    /// What happened.
    pub change: Change,
    /// The room as it is now.
    pub room: RoomInfo,
}

/// A reader of a channel.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Names the subscription.
    pub id: SubscriberId,
    /// Where frames go.
    pub outbox: Arc<Outbox>,
    /// How they are said.
    pub voice: Voice,
}

/// A relay as rooms hold it.
#[derive(Debug, Clone)]
pub struct RelayHandle {
    worker: usize,
    address: Addr<Relay>,
    waiting: Arc<AtomicUsize>,
}

impl RelayHandle {
    /// Starts the relay of the current thread; `worker` tells relays apart.
    pub fn start(worker: usize, metrics: Metrics) -> Self {
        let waiting = Arc::new(AtomicUsize::new(0));
        let relay = Relay {
            sessions: HashMap::new(),
            channels: HashMap::new(),
            waiting: Arc::clone(&waiting),
            metrics,
        };
        Self { worker, address: relay.start(), waiting }
    }

    /// Which worker it serves.
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Tells it something.
    pub fn tell(&self, message: ToRelay) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.address.do_send(message);
    }

    /// Waits until it has done everything that it was told before.
    pub async fn settled(&self) {
        let (done, settled) = oneshot::channel();
        self.tell(ToRelay::Barrier(done));
        // A relay that is gone does nothing any more.
        let _ = settled.await;
    }

    /// Whether it has too much to do to be given more records.
    pub fn is_behind(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > BACKLOG
    }

    /// Its actor, to be observed.
    pub fn address(&self) -> &Addr<Relay> {
        &self.address
    }
}

/// The relay of one worker.
#[derive(Debug)]
pub struct Relay {
    sessions: HashMap<SessionId, Connection>,
    channels: HashMap<Channel, IndexMap<SubscriberId, Reader>>,
    waiting: Arc<AtomicUsize>,
    metrics: Metrics,
}

/// A connection of the relay's thread.
#[derive(Debug)]
struct Connection {
    outbox: Arc<Outbox>,
    pulse: Option<Arc<Pulse>>,
}

/// What a relay shows of itself.
#[derive(Debug, Serialize)]
pub struct RelayState {
    /// Connections of its thread.
    pub connections: usize,
    /// Subscriptions of its thread.
    pub readers: usize,
    /// Bytes that wait in its connections' outboxes.
    pub outbox_bytes: usize,
}

impl Actor for Relay {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(TICK, |relay, _| relay.tick());
    }
}

impl Handler<Observe<RelayState>> for Relay {
    type Result = MessageResult<Observe<RelayState>>;

    fn handle(&mut self, _: Observe<RelayState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(RelayState {
            connections: self.sessions.len(),
            readers: self.channels.values().map(IndexMap::len).sum(),
            outbox_bytes: self.sessions.values().map(|connection| connection.outbox.bytes()).sum(),
        })
    }
}

impl Handler<ToRelay> for Relay {
    type Result = ();

    fn handle(&mut self, message: ToRelay, _: &mut Self::Context) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        match message {
            ToRelay::Register(session, outbox, pulse) => {
                self.sessions.insert(session, Connection { outbox, pulse });
            }
            ToRelay::Unregister(session) => {
                self.sessions.remove(&session);
            }
            ToRelay::Attach(channel, reader, first) => self.attach(channel, reader, first),
            ToRelay::Detach(channel, reader) => self.detach(&channel, reader),
            ToRelay::Push(outbox, frame) => {
                outbox.push(frame);
            }
            ToRelay::Records(room, records, since) => {
                let encode = |dialect: &Dialect| {
                    records.iter().map(|record| own_copy(&record.encoded(dialect))).collect()
                };
                self.fan_out(&Channel::Room(room), records.len(), encode);
                self.metrics.delivery_seconds.observe(since.seconds());
            }
            ToRelay::Listed(listed) => self.fan_out(&Channel::Lobby, 0, |dialect| {
                wire::room_changed(dialect, listed.number, listed.change, &listed.room).into_iter().collect()
            }),
            ToRelay::End(outbox, code) => outbox.end(code),
            ToRelay::Close(channel, code) => self.close(channel.as_ref(), code),
            // Whoever waited may have gone; then nobody needs to know.
            ToRelay::Barrier(done) => drop(done.send(())),
        }
    }
}

impl Relay {
    fn tick(&self) {
        for Connection { outbox, pulse } in self.sessions.values() {
            match pulse.as_deref().map(Pulse::term_ticks) {
                Some(Ok(said)) => {
                    for frame in said {
                        outbox.push(frame);
                    }
                }
                Some(Err(code)) => outbox.close(code, Pending::Flush),
                None => {}
            }
            match pulse.as_deref().map(Pulse::tick) {
                Some(Beat::End(code)) => outbox.close(code, Pending::Flush),
                Some(Beat::Ping) => outbox.ping(),
                Some(Beat::Sign) => outbox.beat(),
                Some(Beat::Both) => {
                    outbox.beat();
                    outbox.ping();
                }
                Some(Beat::Well) | None => {}
            }
        }
    }

    fn attach(&mut self, channel: Channel, reader: Reader, first: Vec<ByteString>) {
        reader.voice.replay(&reader.outbox, &Frames::new(first.into()));
        self.channels.entry(channel).or_default().insert(reader.id, reader);
    }

    fn detach(&mut self, channel: &Channel, id: SubscriberId) {
        if let Some(readers) = self.channels.get_mut(channel) {
            readers.swap_remove(&id);
        }
        self.forget_if_empty(channel);
    }

    /// Gives all readers of a channel what `encode` makes of it in their dialect, `records` of them; each dialect
    /// is encoded once, when its first reader is met.
    fn fan_out(&mut self, channel: &Channel, records: usize, encode: impl Fn(&Dialect) -> Arc<[ByteString]>) {
        let Some(readers) = self.channels.get_mut(channel) else { return };
        let mut parcels: Vec<Parcel> = Vec::new();
        let (mut delivered, mut evicted) = (0, 0);
        readers.retain(|_, Reader { outbox, voice, .. }| {
            let known = parcels.iter().position(|parcel| *parcel.dialect() == voice.dialect);
            let known = known.unwrap_or_else(|| {
                parcels.push(Parcel::new(voice.dialect.clone(), encode(&voice.dialect)));
                parcels.len() - 1
            });
            let pushed = parcels[known].deliver(voice, outbox);
            delivered += u64::from(pushed == Pushed::Queued);
            evicted += u64::from(pushed == Pushed::Evicted);
            pushed == Pushed::Queued
        });
        self.metrics.deliveries.inc_by(delivered * records as u64);
        self.metrics.evictions.inc_by(evicted);
        self.forget_if_empty(channel);
    }

    fn close(&mut self, channel: Option<&Channel>, code: CloseCode) {
        match channel {
            None => {
                self.sessions.values().for_each(|connection| connection.outbox.close(code, Pending::Flush));
            }
            Some(channel) => {
                for reader in self.channels.remove(channel).into_iter().flatten() {
                    reader.1.outbox.close(code, Pending::Flush);
                }
            }
        }
    }

    fn forget_if_empty(&mut self, channel: &Channel) {
        if self.channels.get(channel).is_some_and(IndexMap::is_empty) {
            self.channels.remove(channel);
        }
    }
}

/// A frame of this thread's own: counting its readers must not pass a cache line from core to core.
fn own_copy(frame: &ByteString) -> ByteString {
    ByteString::from(frame.to_string())
}
