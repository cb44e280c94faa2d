//! Who reads one room, and through which relays they are reached.
//! Every word to a reader goes through its relay, so that greeting, records and goodbye stay in order.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytestring::ByteString;

use super::{
    relay::{Channel, RelayHandle, ToRelay},
    subscriber::{Footing, SubscriberId, Subscription},
};
use crate::{
    domain::{CloseCode, Code, RoomId, UserId},
    telemetry::{Metrics, Stopwatch},
    wire::{Broadcast, Dialect, native, sse},
};

/// Which subscriptions of somebody end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parting {
    /// Those that they have as a member.
    Members,
    /// All of them.
    All,
}

/// The readers of one room.
pub(super) struct RoomReaders {
    room: RoomId,
    readers: HashMap<SubscriberId, RoomReader>,
    /// The relays with live readers, and how many each has.
    relays: Vec<(RelayHandle, usize)>,
    metrics: Metrics,
    /// Records that readers were not handed yet, in order.
    held: Vec<Arc<Broadcast>>,
    flushed: Stopwatch,
    pace: Duration,
}

/// From so many readers on, a room is delivered at its pace.
const CROWD: usize = 100;

struct RoomReader {
    subscription: Subscription,
    /// Whether records come by the relay; before that a replay is read from the log.
    live: bool,
}

impl RoomReaders {
    /// Nobody yet.
    pub(super) fn new(room: RoomId, metrics: Metrics, pace: Duration) -> Self {
        Self {
            room,
            readers: HashMap::new(),
            relays: Vec::new(),
            metrics,
            held: Vec::new(),
            flushed: Stopwatch::start(),
            pace,
        }
    }

    /// How many there are, live or not.
    pub(super) fn len(&self) -> usize {
        self.readers.len()
    }

    /// Whether a relay has too much to do to be given more.
    pub(super) fn is_behind(&self) -> bool {
        self.relays.iter().any(|(relay, _)| relay.is_behind())
    }

    /// Adds a reader, not live yet, and greets it. `false` when its connection is gone already.
    pub(super) fn add(&mut self, subscription: Subscription, greeting: Vec<ByteString>) -> bool {
        if subscription.outbox.is_closed() {
            return false;
        }
        for frame in greeting {
            subscription.relay.tell(ToRelay::Push(Arc::clone(&subscription.outbox), frame));
        }
        self.metrics.members.inc();
        self.readers.insert(subscription.id, RoomReader { subscription, live: false });
        true
    }

    /// A reader that is not live yet.
    pub(super) fn waiting(&self, id: SubscriberId) -> Option<&Subscription> {
        self.readers.get(&id).filter(|reader| !reader.live).map(|reader| &reader.subscription)
    }

    /// Makes a reader live; it gets these records first.
    pub(super) fn make_live(&mut self, id: SubscriberId, first: &[Arc<Broadcast>]) {
        // What is held stands in `first` already; only those who read before it may get it again.
        self.flush();
        let Some(reader) = self.readers.get_mut(&id) else { return };
        reader.live = true;
        let Subscription { voice, relay, .. } = &reader.subscription;
        let first = first.iter().map(|record| record.encoded(&voice.dialect)).collect();
        relay.tell(ToRelay::Attach(Channel::Room(self.room.clone()), reader.subscription.reader(), first));
        match self.relays.iter_mut().find(|(known, _)| known.worker() == relay.worker()) {
            Some((_, readers)) => *readers += 1,
            None => self.relays.push((relay.clone(), 1)),
        }
    }

    /// Forgets a reader.
    pub(super) fn remove(&mut self, id: SubscriberId) {
        self.flush();
        let Some(RoomReader { subscription, live }) = self.readers.remove(&id) else { return };
        self.metrics.members.dec();
        if !live {
            return;
        }
        subscription.relay.tell(ToRelay::Detach(Channel::Room(self.room.clone()), id));
        if let Some(index) =
            self.relays.iter().position(|(relay, _)| relay.worker() == subscription.relay.worker())
        {
            self.relays[index].1 -= 1;
            if self.relays[index].1 == 0 {
                self.relays.swap_remove(index);
            }
        }
    }

    /// Forgets readers of a user who may not read any more, and tells each but the one through which they left.
    pub(super) fn expel(
        &mut self,
        user: &UserId,
        parting: Parting,
        through: Option<SubscriberId>,
        code: Code,
    ) {
        let is_meant = |Subscription { user: of, footing, .. }: &Subscription| {
            of.as_ref() == Some(user) && (parting == Parting::All || *footing == Footing::Member)
        };
        self.end(is_meant, through, code);
    }

    /// Forgets all who read as members: nothing follows.
    pub(super) fn dismiss(&mut self, code: Code) {
        self.end(|subscription| subscription.footing == Footing::Member, None, code);
    }

    fn end(&mut self, is_meant: impl Fn(&Subscription) -> bool, through: Option<SubscriberId>, code: Code) {
        let meant = self.readers.values().map(|reader| &reader.subscription).filter(|one| is_meant(one));
        let ended: Vec<Subscription> = meant.cloned().collect();
        for Subscription { id, outbox, voice, relay, .. } in ended {
            self.remove(id);
            if Some(id) == through {
                continue;
            }
            match voice.dialect {
                Dialect::Native => {
                    relay.tell(ToRelay::Push(outbox, native::parted(None, &self.room, Some(code))));
                }
                Dialect::Sse => {
                    relay.tell(ToRelay::Push(Arc::clone(&outbox), sse::parted(&self.room, code)));
                    relay.tell(ToRelay::End(outbox, CloseCode::Normal));
                }
                // Who polls asks again, and is told then.
                Dialect::Json => relay.tell(ToRelay::End(outbox, CloseCode::Normal)),
                // They have seen the record by which it ended; STOMP has no frame that ends a subscription.
                Dialect::Stomp(_) | Dialect::StompRooms(..) => {}
            }
        }
    }

    /// Takes a record for all live readers. Whoever begins or ceases to read later finds it handed over.
    pub(super) fn hold(&mut self, record: Arc<Broadcast>) {
        self.held.push(record);
    }

    /// Hands over what is held at once, or where very many read a room in which very much is said, together
    /// with what comes within the pace: `false` asks for [`Self::flush`] after that time.
    pub(super) fn deliver(&mut self) -> bool {
        let crowded = self.readers.len() >= CROWD && self.flushed.elapsed() < self.pace;
        if !crowded {
            self.flush();
        }
        self.held.is_empty()
    }

    /// Hands over what is held: one message a relay, however many readers it has.
    pub(super) fn flush(&mut self) {
        if self.held.is_empty() {
            return;
        }
        self.flushed = Stopwatch::start();
        let records: Arc<[Arc<Broadcast>]> = std::mem::take(&mut self.held).into();
        for (relay, _) in &self.relays {
            relay.tell(ToRelay::Records(self.room.clone(), Arc::clone(&records), self.flushed));
        }
    }
}
