//! The savers' group: who stores which partition, as the brokers believe.
//! Members hear of it late, and one that stands still goes on as before when it wakes: then there are twins.

use std::collections::BTreeMap;

use klatsch::log::{Partition, kafka::saver::Event as Told};

use super::{
    Cluster,
    event::{Event, ToNode},
};
use crate::{node::NodeRef, tally::Happening};

/// Who owns what.
#[derive(Debug, Default)]
pub(super) struct Group {
    owners: BTreeMap<Partition, NodeRef>,
}

impl Cluster {
    /// A member hears that it is none any more.
    pub(super) fn left(&mut self, me: NodeRef) {
        self.tally.count(Happening::SaverPutOut);
        self.node(me).saving.leave();
    }

    /// Counts the members and divides the partitions among them anew.
    pub(super) fn rebalance(&mut self) {
        let now = self.schedule.now();
        let members = self.nodes.iter().filter(|node| node.is_up && node.paused_until <= now);
        let members: Vec<NodeRef> = members.map(|node| node.me).collect();
        if members.is_empty() {
            return self.rebalance_soon();
        }
        for partition in self.log.partitions() {
            let owner = self.chance.pick(&members);
            let former = self.group.owners.insert(partition, owner);
            let stays = former == Some(owner);
            // Some assignors take everything away before they give it out again, others do not.
            if stays && self.chance.hits(700) {
                continue;
            }
            if let Some(former) = former {
                self.say_in_group(former, Told::Revoked(vec![partition]));
            }
            self.say_in_group(owner, Told::Assigned(vec![partition]));
        }
    }

    /// A member is put out, and comes back when the members are counted anew.
    pub(super) fn put_out(&mut self) {
        let index = self.chance.index(self.nodes.len());
        let me = self.nodes[index].me;
        self.group.owners.retain(|_, owner| *owner != me);
        let time = self.schedule.now() + self.delay();
        let time = self.node(me).saving.line.arrival(time);
        self.schedule.at(time, Event::Node(me, Box::new(ToNode::PutOut)));
        self.rebalance_soon();
    }

    /// Has the members counted in a while.
    pub(super) fn rebalance_soon(&mut self) {
        let delay = self.chance.between(200, 3_000);
        self.schedule.after(delay, Event::Rebalance);
    }

    fn say_in_group(&mut self, member: NodeRef, told: Told) {
        let slow = if self.chance.hits(200) { 1_000 } else { 0 };
        let time = self.schedule.now() + self.delay() + self.chance.between(0, slow);
        if self.nodes[member.node].me == member {
            let time = self.node(member).saving.line.arrival(time);
            self.schedule.at(time, Event::Node(member, Box::new(ToNode::Group(told))));
        }
    }
}
