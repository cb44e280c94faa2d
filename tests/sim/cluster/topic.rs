//! Appends on their way to the log, and what consumers read of it.
//! Which room an entry belongs to is not known here.

use bytes::Bytes;
use klatsch::{
    domain::{Proposal, RoomId, Timestamp, Token},
    log::{
        Committed, Delivery, LogError, Partition,
        kafka::{Entry, Offset},
    },
    wire::log_record::{self, Origin},
};

use super::{
    Cluster,
    event::{Event, ToNode},
};
use crate::{
    node::{Mail, NodeRef},
    sabotage::Sabotage,
    schedule::Millis,
    tally::Happening,
};

/// After this long a producer says that an append failed.
const TIMEOUT: Millis = 3_000;

/// An append on its way.
#[derive(Debug, Clone)]
pub(super) struct Append {
    node: NodeRef,
    room: RoomId,
    partition: Partition,
    origin: Origin,
    value: Bytes,
    since: Millis,
}

impl Cluster {
    /// A room hands a proposal to its node's producer.
    pub(super) fn produce(&mut self, me: NodeRef, opening: u64, token: Token, proposal: &Proposal) {
        let Some(room) = self.node(me).opening(opening) else { return };
        let (room, partition, run) = (room.id.clone(), room.partition, room.run.clone());
        let origin = Origin { run, append: token };
        let value = log_record::encode(proposal, Some(&origin)).into();
        let since = self.schedule.now();
        let append = Append { node: me, room, partition, origin, value, since };
        if self.is(Sabotage::AckBeforeDurable) {
            self.deliver_early(me, opening, token, proposal);
        }
        let time = since + self.delay();
        let time = self.node(me).producing.entry(partition).or_default().arrival(time);
        let (lost, doubtful) = match self.is_quiet() {
            true => (0, 0),
            false => (self.plan.append_lost, self.plan.append_doubtful),
        };
        if self.chance.hits(lost) {
            self.tally.count(Happening::AppendLost);
            self.later(me, (100, TIMEOUT), ToNode::AppendFailed(append));
        } else if self.chance.hits(doubtful) {
            self.tally.count(Happening::AppendFailedAndStored);
            self.later(me, (0, TIMEOUT), ToNode::AppendFailed(append.clone()));
            let late = self.chance.pick(&[0, 50, TIMEOUT]);
            self.schedule.at(time + late, Event::Append(append));
        } else {
            self.schedule.at(time, Event::Append(append));
        }
    }

    fn deliver_early(&mut self, me: NodeRef, opening: u64, token: Token, proposal: &Proposal) {
        let appended_at = Timestamp::from_millis(self.schedule.now());
        let committed = Committed { token: Some(token), proposal: proposal.clone(), appended_at };
        let mail = Mail::Delivery(Delivery::Committed(committed));
        self.node(me).mail.entry(opening).or_default().push_back(mail);
        self.later(me, (0, 0), ToNode::Run(opening));
    }

    /// An append reaches the log, which may be down just now.
    pub(super) fn append(&mut self, append: Append) {
        if self.is_broker_down() {
            let up = self.broker_down_until + self.chance.between(0, 20);
            return self.schedule.at(up, Event::Append(append));
        }
        let waited = self.schedule.now() - append.since;
        if waited > TIMEOUT {
            self.later(append.node, (0, 10), ToNode::AppendFailed(append.clone()));
            if self.chance.hits(500) {
                return;
            }
        }
        let key = Bytes::copy_from_slice(append.room.as_str().as_bytes());
        self.put(append.partition, Some(key), append.value);
    }

    /// The log gets an entry, and consumers that wait for one hear of it.
    pub(super) fn put(&mut self, partition: Partition, key: Option<Bytes>, value: Bytes) {
        if self.chance.hits(10) {
            self.skew = self.chance.between(-3_000, 3_000);
        }
        let appended_at = Timestamp::from_millis(1_000_000 + self.schedule.now() + self.skew);
        let entry = self.log.append(partition, appended_at, key, value);
        self.judge.appended(entry);
        for me in self.nodes.iter().map(|node| node.me).collect::<Vec<_>>() {
            self.poll_soon(me);
            self.poll_for_saver_soon(me);
        }
    }

    /// A producer gave an append up.
    pub(super) fn append_failed(&mut self, me: NodeRef, append: &Append) {
        let Append { room, partition, origin, .. } = append;
        self.node(me).dispatch.failed(room, *partition, origin, LogError::Unavailable);
        self.carry(me);
    }

    /// Has a node's consumer look for entries, if there are some.
    pub(super) fn poll_soon(&mut self, me: NodeRef) {
        let node = &self.nodes[me.node];
        let waits = |(partition, next): (&Partition, &Offset)| *next < self.log.end(*partition);
        if node.is_up && !node.is_polling && node.positions.iter().any(waits) {
            self.node(me).is_polling = true;
            self.answer(me, ToNode::Poll);
        }
    }

    /// A node's consumer gets what waits.
    pub(super) fn poll(&mut self, me: NodeRef) {
        self.node(me).is_polling = false;
        if self.is_broker_down() {
            self.node(me).is_polling = true;
            let up = self.broker_down_until;
            return self.schedule.at(up, Event::Node(me, Box::new(ToNode::Poll)));
        }
        let mut batch = Vec::new();
        for (partition, next) in self.nodes[me.node].positions.clone() {
            let again = Offset::from(self.chance.hits(self.plan.again)) * 3;
            let from = (next - again).max(self.log.start(partition)).min(next);
            if from < next {
                self.tally.count(Happening::EntriesReadAgain);
            }
            match self.log.read(partition, from, self.plan.fetch + 3) {
                Ok(entries) => batch.extend(self.fetched(me, partition, entries)),
                Err(_) => {
                    self.tally.count(Happening::OutOfRange);
                    self.node(me).dispatch.lost(partition);
                }
            }
        }
        if self.is(Sabotage::Reorder) {
            batch.sort_by_key(|entry| entry.offset % 2);
        }
        self.node(me).dispatch.entries(batch);
        self.carry(me);
    }

    fn fetched(&mut self, me: NodeRef, partition: Partition, entries: Vec<Entry>) -> Vec<Entry> {
        if let (Some(last), Some(next)) = (entries.last(), self.node(me).positions.get_mut(&partition)) {
            *next = last.offset + 1;
        }
        entries
    }
}
