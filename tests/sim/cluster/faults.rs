//! How a run begins, and what goes wrong in it until it is to come to rest.
//! How often is in the plan; what follows from a fault is not known here.

use bytes::Bytes;
use klatsch::{
    domain::{Message, MessageBody, Proposal, RecordKind},
    log::Partition,
    wire::log_record,
};

use super::{Cluster, begin::user, event::Event};
use crate::{node::NodeRef, schedule::Millis, tally::Happening};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// A node is killed.
    Crash,
    /// A killed node starts again.
    Start(usize),
    /// A node stands still for a while.
    Pause,
    /// The savers' partitions are divided anew.
    Rebalance,
    /// A saver is put out of its group.
    PutOut,
    /// Somebody else writes something to the topic.
    Poison,
    /// A consumer cannot read on.
    Loss,
    /// The brokers are gone for a while.
    BrokerStop,
    /// The database is gone for a while.
    DatabaseStop,
    /// The topic forgets what is stored.
    Retention,
    /// The topic leaves out an offset.
    Gap,
}

impl Cluster {
    pub(super) fn faults(&self) -> Vec<(Fault, Millis)> {
        let plan = &self.plan;
        let all = [
            (Fault::Crash, plan.crashes),
            (Fault::Pause, plan.pauses),
            (Fault::Rebalance, plan.rebalances),
            (Fault::PutOut, plan.rebalances.map(|pause| 3 * pause)),
            (Fault::Poison, plan.poison),
            (Fault::Loss, plan.losses),
            (Fault::BrokerStop, plan.broker_stops),
            (Fault::DatabaseStop, plan.database_stops),
            (Fault::Retention, plan.retention),
            (Fault::Gap, plan.gaps),
        ];
        all.into_iter().filter_map(|(fault, pause)| Some((fault, pause?))).collect()
    }

    pub(super) fn fault_later(&mut self, fault: Fault) {
        let Some((_, pause)) = self.faults().into_iter().find(|(kind, _)| *kind == fault) else { return };
        let delay = self.chance.between(pause / 2, pause * 3 / 2);
        self.schedule.after(delay, Event::Fault(fault));
    }

    /// Something goes wrong.
    pub(super) fn fault(&mut self, fault: Fault) {
        if let Fault::Start(node) = fault {
            return self.start(node);
        }
        if self.is_quiet() {
            return;
        }
        self.fault_later(fault);
        match fault {
            Fault::Crash => self.crash(),
            Fault::Start(_) => {}
            Fault::Pause => self.pause(),
            Fault::Rebalance => self.rebalance(),
            Fault::PutOut => self.put_out(),
            Fault::Poison => self.poison(),
            Fault::Loss => self.lose(),
            Fault::BrokerStop => self.stop_brokers(),
            Fault::DatabaseStop => self.stop_database(),
            Fault::Retention => self.forget(),
            Fault::Gap => self.leave_out(),
        }
    }

    fn stop_brokers(&mut self) {
        self.tally.count(Happening::BrokersStopped);
        self.broker_down_until = self.schedule.now() + self.chance.between(50, 5_000);
    }

    fn stop_database(&mut self) {
        self.tally.count(Happening::DatabaseStopped);
        self.database_down_until = self.schedule.now() + self.chance.between(50, 5_000);
    }

    /// What follows a gap is there at once, for nobody waits for an offset that never comes.
    fn leave_out(&mut self) {
        let partition = self.any_partition();
        self.log.leave_out(partition);
        self.put(partition, None, Bytes::new());
    }

    fn any_partition(&mut self) -> Partition {
        let places = i64::from(self.plan.partitions);
        self.chance.between(0, places - 1) as Partition
    }

    fn crash(&mut self) {
        let index = self.chance.index(self.nodes.len());
        let me = self.nodes[index].me;
        if !self.nodes[index].is_up {
            return;
        }
        self.tally.count(Happening::NodeKilled);
        self.nodes[index].is_up = false;
        for client in 0..self.clients.len() {
            let link = self.clients[client].link.filter(|link| link.node == me);
            if let Some(link) = link {
                let noticed = self.chance.between(0, 2_000);
                self.hang_up_by(client, link.session, noticed);
            }
        }
        let down = self.chance.between(50, 4_000);
        self.schedule.after(down, Event::Fault(Fault::Start(index)));
        self.rebalance_soon();
    }

    fn start(&mut self, index: usize) {
        let life = self.nodes[index].me.life + 1;
        self.nodes[index] = self.new_life(NodeRef { node: index, life });
        self.rebalance_soon();
    }

    fn pause(&mut self) {
        let index = self.chance.index(self.nodes.len());
        self.tally.count(Happening::NodePaused);
        let length = self.chance.between(50, 6_000);
        // What waits for it keeps its order only if it never wakes earlier than was said.
        let node = &mut self.nodes[index];
        node.paused_until = node.paused_until.max(self.schedule.now() + length);
        if self.chance.hits(700) {
            self.rebalance_soon();
        }
        // Somebody who stood still for long may find a group without them.
        self.schedule.after(length + 1, Event::Rebalance);
    }

    fn lose(&mut self) {
        let index = self.chance.index(self.nodes.len());
        let me = self.nodes[index].me;
        let partition = self.any_partition();
        if self.nodes[index].is_up && self.nodes[index].paused_until <= self.schedule.now() {
            self.tally.count(Happening::PartitionLost);
            self.node(me).dispatch.lost(partition);
            self.carry(me);
        }
    }

    fn forget(&mut self) {
        let partition = self.any_partition();
        let stored = self.database.next_offset(partition).unwrap_or(0);
        let kept = self.chance.between(0, 20);
        self.log.forget_before(partition, stored - kept);
    }

    /// Somebody writes to the topic who is no node: nonsense, or a record in the wrong place, or one that counts.
    fn poison(&mut self) {
        self.sayings += 1;
        let index = self.chance.index(self.rooms.len());
        let room = self.rooms[index].clone();
        let home = self.judge.partition_of(&room);
        let (key, user) = (Bytes::copy_from_slice(room.as_str().as_bytes()), user(0));
        let text = format!("foreign {}", self.sayings);
        let says = Proposal {
            kind: RecordKind::Message(Message::new(MessageBody::stored(text.clone()), None)),
            sender: user.clone(),
        };
        let value = Bytes::from(log_record::encode(&says, None));
        let anywhere = self.any_partition();
        match (self.chance.between(0, 5), home) {
            (0, Some(home)) => self.put(home, Some(key), Bytes::from_static(b"{\"v\":1,")),
            (1, _) => self.put(anywhere, None, value),
            (2, _) => self.put(anywhere, Some(Bytes::from_static(b"nowhere")), value),
            (3, _) => self.put(anywhere, Some(Bytes::from_static(b"\xff\xfe")), value),
            (4, Some(home)) if home != anywhere => self.put(anywhere, Some(key), value),
            (_, Some(home)) => {
                self.judge.said(&room, &user.id, &text);
                self.put(home, Some(key), value);
            }
            (_, None) => {}
        }
    }
}
