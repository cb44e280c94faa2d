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
    events: VecDeque<Event>,
    is_busy: bool,
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
            events: VecDeque::new(),
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
        self.events.push_back(event);
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
        self.events.drain(..).for_each(|event| self.saver.take(event));
        let step = self.saver.next_step();
        self.is_busy = step.is_some();
        step
    }

    /// The step is done, or is to be tried again.
    pub(crate) fn end(&mut self) {
        self.is_busy = false;
    }
}
