//! Who reads one room, and through which relays they are reached.
//! Every word to a reader goes through its relay, so that greeting, records and goodbye stay in order.

use std::{collections::HashMap, sync::Arc};

use bytestring::ByteString;

use super::{
    outbox::Outbox,
    relay::{Channel, RelayHandle, ToRelay},
    subscriber::{SubscriberId, Subscription},
};
use crate::{
    domain::{Code, RoomId, UserId},
    telemetry::{Metrics, Stopwatch},
    wire::{Broadcast, Dialect, native},
};

/// The readers of one room.
pub(super) struct RoomReaders {
    room: RoomId,
    readers: HashMap<SubscriberId, RoomReader>,
    /// The relays with live readers, and how many each has.
    relays: Vec<(RelayHandle, usize)>,
    metrics: Metrics,
}

struct RoomReader {
    subscription: Subscription,
    /// Whether records come by the relay; before that a replay is read from the log.
    live: bool,
}

impl RoomReaders {
    /// Nobody yet.
    pub(super) fn new(room: RoomId, metrics: Metrics) -> Self {
        Self { room, readers: HashMap::new(), relays: Vec::new(), metrics }
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
    pub(super) fn add(&mut self, subscription: Subscription, greeting: ByteString) -> bool {
        if subscription.outbox.is_closed() {
            return false;
        }
        subscription.relay.tell(ToRelay::Push(Arc::clone(&subscription.outbox), greeting));
        self.metrics.members.inc();
        self.readers.insert(subscription.id, RoomReader { subscription, live: false });
        true
    }

    /// The outbox of a reader that is not live yet.
    pub(super) fn waiting(&self, id: SubscriberId) -> Option<&Outbox> {
        self.readers.get(&id).filter(|reader| !reader.live).map(|reader| reader.subscription.outbox.as_ref())
    }

    /// Makes a reader live; it gets these records first.
    pub(super) fn make_live(&mut self, id: SubscriberId, first: &[Arc<Broadcast>]) {
        let Some(reader) = self.readers.get_mut(&id) else { return };
        reader.live = true;
        let Subscription { outbox, relay, .. } = &reader.subscription;
        let first = first.iter().map(|record| record.encoded(outbox.dialect())).collect();
        relay.tell(ToRelay::Attach(Channel::Room(self.room.clone()), reader.subscription.reader(), first));
        match self.relays.iter_mut().find(|(known, _)| known.worker() == relay.worker()) {
            Some((_, readers)) => *readers += 1,
            None => self.relays.push((relay.clone(), 1)),
        }
    }

    /// Forgets a reader.
    pub(super) fn remove(&mut self, id: SubscriberId) {
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

    /// Forgets all readers of a user who is not a member any more, and tells each but the one through which
    /// they left.
    pub(super) fn expel(&mut self, user: &UserId, through: Option<SubscriberId>) {
        let of_user = |reader: &&RoomReader| reader.subscription.user.as_ref() == Some(user);
        let expelled: Vec<Subscription> =
            self.readers.values().filter(of_user).map(|reader| reader.subscription.clone()).collect();
        for Subscription { id, outbox, relay, .. } in expelled {
            self.remove(id);
            if Some(id) != through && outbox.dialect() == Dialect::Native {
                relay.tell(ToRelay::Push(outbox, native::parted(None, &self.room, Some(Code::NotAMember))));
            }
        }
    }

    /// Hands records to all live readers: one message a relay, however many readers it has.
    pub(super) fn deliver(&self, records: &mut Vec<Arc<Broadcast>>) {
        if records.is_empty() {
            return;
        }
        let records: Arc<[Arc<Broadcast>]> = std::mem::take(records).into();
        let since = Stopwatch::start();
        for (relay, _) in &self.relays {
            relay.tell(ToRelay::Records(self.room.clone(), Arc::clone(&records), since));
        }
    }
}
