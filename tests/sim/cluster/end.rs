//! How a run ends: nothing goes wrong any more, everybody gets what they lack, and all is compared once more.
//! A run that does not come to rest has a fault too.

use super::{Cluster, event::Event};
use crate::{node::Place, schedule::Millis};

/// How long it may take to come to rest.
const PATIENCE: Millis = 120_000;

impl Cluster {
    /// Looks whether everything has come to rest.
    pub(super) fn look(&mut self) {
        let waits = self.waits_for();
        if waits.is_empty() {
            return self.finish();
        }
        if self.schedule.now() > self.plan.quiet_from + PATIENCE {
            return self.judge.object(format!("it does not come to rest: {}", waits.join("; ")));
        }
        self.schedule.after(500, Event::Look);
    }

    fn waits_for(&self) -> Vec<String> {
        let mut waits = Vec::new();
        for (index, client) in self.clients.iter().enumerate() {
            let head = self.judge.head(&client.room);
            if client.pending.is_empty() && self.judge.is_barred(&client.room, &client.user, self.node_time())
            {
                continue;
            }
            if !client.is_joined() || !client.pending.is_empty() || client.position != Some(head) {
                waits.push(format!("client {index} at {:?} of {head}: {client:?}", client.position));
            }
        }
        for partition in self.log.partitions() {
            let (stored, end) = (self.database.next_offset(partition).unwrap_or(0), self.log.end(partition));
            if stored != end {
                waits.push(format!("partition {partition} is stored up to {stored} of {end}"));
            }
        }
        waits
    }

    /// Compares everything once more; nothing happens afterwards.
    fn finish(&mut self) {
        for partition in self.log.partitions() {
            self.judge.rows(partition, &self.database);
        }
        for node in self.nodes.iter().filter(|node| node.is_up) {
            for place in node.rooms.values() {
                let Place::Awake(room) = place else { continue };
                self.judge.opened(&room.id, room.state(), 0);
            }
        }
        self.schedule.clear();
    }
}
