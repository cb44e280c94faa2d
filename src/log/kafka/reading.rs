//! One partition that is being read: its recent entries, its rooms that are awake, and those that are waking.
//! Which partitions are read is decided in `dispatch`.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{
    Entry, Offset,
    dispatch::{AttachError, Purpose, Tally},
    ring::Ring,
};
use crate::{
    domain::{Outcome, Record, RoomId, RoomState},
    log::{Committed, Delivery, Sink},
    wire::log_record::{self, LogRecord, LogRecordError},
};

/// One partition that is being read.
pub(super) struct Reading {
    pub(super) ring: Ring,
    pub(super) open: HashMap<RoomId, Open>,
    /// What of the present batch is to be handed over.
    pending: Vec<(RoomId, Delivery)>,
    pub(super) opening: Vec<Opening>,
    pub(super) barriers: Vec<(Offset, Box<dyn FnOnce() + Send>)>,
}

/// A room that is awake here.
pub(super) struct Open {
    pub(super) run: Box<str>,
    pub(super) sink: Sink,
}

/// A room that is being brought up to date.
pub(super) struct Opening {
    pub(super) room: RoomId,
    pub(super) state: RoomState,
    pub(super) from: Offset,
    pub(super) until: Offset,
    pub(super) records: Vec<Record>,
    pub(super) purpose: Purpose,
}

impl Reading {
    pub(super) fn new(start: Offset, ring_bytes: usize) -> Self {
        Self {
            ring: Ring::new(start, ring_bytes),
            open: HashMap::new(),
            pending: Vec::new(),
            opening: Vec::new(),
            barriers: Vec::new(),
        }
    }

    pub(super) fn is_unneeded(&self) -> bool {
        self.open.is_empty() && self.opening.is_empty() && self.barriers.is_empty()
    }

    pub(super) fn take(&mut self, entry: Entry, tally: &mut Tally) {
        self.opening.iter_mut().for_each(|opening| opening.take(&entry));
        match entry.room().and_then(|room| self.open.get_key_value(room)) {
            Some((room, open)) => match open.delivery(&entry) {
                Ok(delivery) => {
                    tally.delivered += 1;
                    self.pending.push((room.clone(), delivery));
                }
                Err(error) => {
                    tally.undecodable += 1;
                    log::warn!("partition {} offset {}: {error}", entry.partition, entry.offset);
                }
            },
            None => tally.skipped += 1,
        }
        self.ring.push(entry);
    }

    /// Gives each room what this batch has for it, at once.
    pub(super) fn hand_over(&mut self) {
        let mut batches: IndexMap<RoomId, Vec<Delivery>> = IndexMap::new();
        for (room, delivery) in self.pending.drain(..) {
            batches.entry(room).or_default().push(delivery);
        }
        for (room, batch) in batches {
            if let Some(open) = self.open.get(&room) {
                (open.sink)(batch);
            }
        }
    }

    /// Lets go everything that waited for what has been taken by now.
    pub(super) fn settle(&mut self) {
        let next = self.ring.next();
        for opening in self.opening.extract_if(.., |opening| opening.until <= next) {
            match opening.purpose {
                Purpose::Open { run, sink, opened } => {
                    if opened(Ok(opening.state)) {
                        self.open.insert(opening.room, Open { run, sink });
                    }
                }
                Purpose::Read { done } => drop(done(Ok((opening.state, opening.records)))),
            }
        }
        self.barriers.extract_if(.., |(until, _)| *until <= next).for_each(|(_, settled)| settled());
    }
}

impl Open {
    fn delivery(&self, entry: &Entry) -> Result<Delivery, LogRecordError> {
        let LogRecord { proposal, origin } = log_record::decode(&entry.value)?;
        let token = origin.filter(|origin| origin.run == self.run).map(|origin| origin.append);
        Ok(Delivery::Committed(Committed { token, proposal, appended_at: entry.appended_at }))
    }
}

impl Opening {
    pub(super) fn take(&mut self, entry: &Entry) {
        if entry.offset < self.from || entry.room() != Some(self.room.as_str()) {
            return;
        }
        let Ok(record) = log_record::decode(&entry.value) else { return };
        let outcome = self.state.apply(record.proposal, entry.appended_at);
        if let (Outcome::Recorded(record), Purpose::Read { .. }) = (outcome, &self.purpose) {
            self.records.push(record);
        }
    }

    pub(super) fn fail(self, error: AttachError) {
        match self.purpose {
            Purpose::Open { opened, .. } => drop(opened(Err(error))),
            Purpose::Read { done } => drop(done(Err(error))),
        }
    }
}
