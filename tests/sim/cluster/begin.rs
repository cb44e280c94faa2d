//! How a run begins: its rooms, nodes and clients, and everything that happens by itself.
//! How many there are is in the plan.

use klatsch::{
    domain::{
        Foundation, Outcome, Proposal, Record, RecordKind, RoomId, RoomState, Timestamp, User, UserId,
        Visibility,
    },
    log::{Partition, kafka::saver::Bounds},
};

use super::{Cluster, event::Event};
use crate::{
    client::Client,
    node::{Node, NodeRef},
    saving::Saving,
};

impl Cluster {
    /// Makes everything that there is at first, and plans everything that happens by itself.
    pub(super) fn begin(&mut self) {
        for index in 0..self.plan.rooms {
            self.create_room(index);
        }
        for node in 0..self.plan.nodes {
            let node = self.new_life(NodeRef { node, life: 0 });
            self.nodes.push(node);
        }
        for index in 0..self.plan.clients {
            let user = user(self.chance.index(self.plan.users));
            let room = self.rooms[self.chance.index(self.plan.rooms)].clone();
            self.clients.push(Client::new(user, room));
            self.schedule.after(0, Event::Act(index));
        }
        self.schedule.after(0, Event::Rebalance);
        self.schedule.at(self.plan.quiet_from, Event::Look);
        for (fault, _) in self.faults() {
            self.fault_later(fault);
        }
    }

    fn create_room(&mut self, index: usize) {
        let room = RoomId::new(format!("r{index}"));
        let foundation = Foundation {
            visibility: if self.chance.hits(300) { Visibility::Private } else { Visibility::Public },
            ..Foundation::public(user(0).id)
        };
        let before = if self.chance.hits(300) { before(foundation.clone()) } else { Vec::new() };
        let places = i64::from(self.plan.partitions);
        let partition = self.chance.hits(700).then(|| self.chance.between(0, places - 1) as Partition);
        self.judge.created(room.clone(), foundation.clone(), &before);
        if let Some(partition) = partition {
            self.judge.placed(&room, partition);
        }
        self.database.create((room.clone(), foundation), partition, &before);
        self.rooms.push(room);
    }

    pub(super) fn new_life(&self, me: NodeRef) -> Node {
        let bounds = Bounds {
            batch_entries: self.plan.batch,
            snapshot_every: self.plan.snapshot_every,
            fold_weight: self.plan.fold_weight,
        };
        Node::new(me, self.plan.ring_bytes, Saving::new(bounds))
    }
}

/// One of the users.
pub(super) fn user(number: usize) -> User {
    User { id: UserId::new(format!("u{number}")), nickname: format!("user {number}").into() }
}

/// What a room may have had before it lived in a partition.
fn before(foundation: Foundation) -> Vec<Record> {
    let mut state = RoomState::new(foundation);
    let joins = |number| Proposal { sender: user(number), kind: RecordKind::Joined };
    let outcomes = (0..3).map(|number| state.apply(joins(number), Timestamp::from_millis(1_000)));
    let recorded = outcomes.filter_map(|outcome| match outcome {
        Outcome::Recorded(record) => Some(record),
        _ => None,
    });
    recorded.collect()
}
