//! What happens when: a virtual clock, and everything that is under way to somebody.
//! What it does to whom is for the cluster to say.

use std::collections::BTreeMap;

/// Virtual milliseconds since the run began.
pub(crate) type Millis = i64;

/// Events in the order of their times; those of one time in the order in which they were added.
#[derive(Debug)]
pub(crate) struct Schedule<Event> {
    now: Millis,
    events: BTreeMap<(Millis, u64), Event>,
    added: u64,
}

impl<Event> Schedule<Event> {
    /// Nothing is under way at time 0.
    pub(crate) fn new() -> Self {
        Self { now: 0, events: BTreeMap::new(), added: 0 }
    }

    /// The time.
    pub(crate) fn now(&self) -> Millis {
        self.now
    }

    /// Lets something happen after a while.
    pub(crate) fn after(&mut self, delay: Millis, event: Event) {
        self.at(self.now + delay, event);
    }

    /// Lets something happen at a time, or now if that has passed.
    pub(crate) fn at(&mut self, time: Millis, event: Event) {
        self.added += 1;
        self.events.insert((time.max(self.now), self.added), event);
    }

    /// Forgets everything that is under way.
    pub(crate) fn clear(&mut self) {
        self.events.clear();
    }

    /// Takes what happens next with its place in the order, and moves the clock there.
    pub(crate) fn next(&mut self) -> Option<(u64, Event)> {
        let ((time, place), event) = self.events.pop_first()?;
        self.now = time;
        Some((place, event))
    }

    /// Lets something that was to happen now happen at a later time, before all that was added after it.
    pub(crate) fn postpone(&mut self, time: Millis, place: u64, event: Event) {
        self.events.insert((time, place), event);
    }
}

/// A connection that keeps the order of what goes through it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Line(Millis);

impl Line {
    /// When something arrives that would arrive at this time if nothing were before it.
    pub(crate) fn arrival(&mut self, time: Millis) -> Millis {
        self.0 = self.0.max(time);
        self.0
    }
}
