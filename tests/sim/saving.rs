//! The saver of a node, as its actor would drive it: one step at a time, and what comes meanwhile waits.
//! What becomes of a step, and when, is for the cluster to say.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use klatsch::log::{
    Partition,
    kafka::{
        Offset,
        saver::{Bounds, Event, Saver, Seek, Step, Ticket},
    },
};

use crate::schedule::Line;

/// The saver of a node.
pub(crate) struct Saving {
    pub(crate) saver: Saver,
    /// Where the group's consumer reads, and under which ticket.
    pub(crate) readings: BTreeMap<Partition, (Ticket, Offset)>,
    pub(crate) is_polling: bool,
    /// What was left out of a fetch; it is not left out again.
    pub(crate) left_out: BTreeSet<(Partition, Offset)>,
    /// What the group tells this member keeps its order.
    pub(crate) line: Line,
    heard: VecDeque<Heard>,
    is_busy: bool,
}

enum Heard {
    Event(Event),
    Left,
}

impl Saving {
    /// A saver that owns nothing.
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self {
            saver: Saver::new(bounds),
            readings: BTreeMap::new(),
            is_polling: false,
            left_out: BTreeSet::new(),
            line: Line::default(),
            heard: VecDeque::new(),
            is_busy: false,
        }
    }

    /// Takes what the group says; a partition that is not owned is not read.
    pub(crate) fn take(&mut self, event: Event) {
        if let Event::Assigned(partitions) | Event::Revoked(partitions) = &event {
            for partition in partitions {
                self.readings.remove(partition);
            }
        }
        self.heard.push_back(Heard::Event(event));
    }

    /// The group has put this member out.
    pub(crate) fn leave(&mut self) {
        self.readings.clear();
        self.heard.push_back(Heard::Left);
    }

    /// Reads from there.
    pub(crate) fn seek(&mut self, seeks: &[Seek], start: impl Fn(Partition) -> Offset) {
        for Seek { partition, to, ticket } in seeks {
            self.readings.insert(*partition, (*ticket, to.unwrap_or_else(|| start(*partition))));
        }
    }

    /// The next step, unless one is under way; it is under way then.
    pub(crate) fn begin(&mut self) -> Option<Step> {
        if self.is_busy {
            return None;
        }
        for heard in self.heard.drain(..) {
            match heard {
                Heard::Event(event) => self.saver.take(event),
                Heard::Left => self.saver.left(),
            }
        }
        let step = self.saver.next_step();
        self.is_busy = step.is_some();
        step
    }

    /// The step is done, or is to be tried again.
    pub(crate) fn end(&mut self) {
        self.is_busy = false;
    }
}
