//! The bridge between the topic and the rooms of this node: one consumer on one side, the dispatch on the other.
//! It waits for no room and no database; when it runs is decided by the bridge actor.

use std::collections::HashMap;

use tokio::{select, sync::mpsc};

use super::{
    Entry, Offset,
    consumer::{Event, Reader},
    dispatch::{Attach, Change, Dispatch},
    topic::Topic,
};
use crate::{
    domain::RoomId,
    log::{LogError, Partition, Token},
    telemetry::Metrics,
};

/// What the bridge is asked. There are at most as many as rooms being woken and appends under way.
pub enum Job {
    /// Bring a room up to date.
    Attach(Attach),
    /// Deliver no more to an opening of a room.
    Close {
        /// The room.
        room: RoomId,
        /// Where its records are.
        partition: Partition,
        /// The opening.
        run: Box<str>,
    },
    /// Say when everything below an offset was handed to its room.
    Settle {
        /// The partition.
        partition: Partition,
        /// The offset.
        until: Offset,
        /// Called then.
        settled: Box<dyn FnOnce() + Send>,
    },
    /// An append will not be in the log, or nobody knows.
    Failed {
        /// The room.
        room: RoomId,
        /// Where its records are.
        partition: Partition,
        /// The opening that it came from.
        run: Box<str>,
        /// The append.
        token: Token,
        /// Why.
        error: LogError,
    },
}

/// How far a partition that is read is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lag {
    /// The partition.
    pub partition: Partition,
    /// Entries that are there and were not read yet.
    pub entries: u64,
}

/// The bridge of one node.
pub struct Bridge {
    reader: Reader,
    topic: Topic,
    jobs: mpsc::UnboundedReceiver<Job>,
    dispatch: Dispatch,
    metrics: Metrics,
    /// Where each partition stood at the last look, if entries were waiting there.
    waiting_at: HashMap<Partition, Offset>,
}

impl Bridge {
    /// A bridge that reads nothing yet.
    pub fn new(
        reader: Reader,
        topic: Topic,
        jobs: mpsc::UnboundedReceiver<Job>,
        ring_bytes: usize,
        metrics: Metrics,
    ) -> Self {
        let dispatch = Dispatch::new(ring_bytes);
        Self { reader, topic, jobs, dispatch, metrics, waiting_at: HashMap::new() }
    }

    /// How many partitions are read, and how many rooms are awake.
    pub fn size(&self) -> (usize, usize) {
        (self.dispatch.positions().count(), self.dispatch.rooms())
    }

    /// Waits for something to do and does it. `false` when there will be nothing any more.
    /// May be dropped while it waits.
    pub async fn step(&mut self) -> bool {
        select! {
            biased;
            job = self.jobs.recv() => {
                let Some(job) = job else { return false };
                self.take(job);
                while let Ok(job) = self.jobs.try_recv() {
                    self.take(job);
                }
            }
            event = self.reader.next() => self.read(event),
        }
        self.change();
        true
    }

    /// Compares what was read with what there is. A partition in which entries wait and nothing was read since
    /// the last look is read anew from where it stands.
    pub async fn look(&mut self) -> Vec<Lag> {
        let mut lags = Vec::new();
        let positions: Vec<_> = self.dispatch.positions().collect();
        for (partition, next) in positions {
            let Ok(extent) = self.topic.extent(partition).await else { continue };
            let entries = extent.high.saturating_sub(next).max(0).unsigned_abs();
            lags.push(Lag { partition, entries });
            let stuck = entries > 0 && self.waiting_at.get(&partition) == Some(&next);
            if stuck {
                log::warn!("partition {partition} gives nothing from {next} on, reading it anew");
                self.reader.unassign(partition);
                self.reader.assign(partition, next);
            }
            match entries {
                0 => self.waiting_at.remove(&partition),
                _ => self.waiting_at.insert(partition, next),
            };
        }
        lags
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Attach(attach) => self.dispatch.attach(attach),
            Job::Close { room, partition, run } => self.dispatch.close(&room, partition, &run),
            Job::Settle { partition, until, settled } => self.dispatch.settle(partition, until, settled),
            Job::Failed { room, partition, run, token, error } => {
                self.dispatch.failed(&room, partition, &run, token, error);
            }
        }
    }

    fn read(&mut self, event: Event) {
        match event {
            Event::Entries(entries) => self.dispatch(entries),
            Event::Lost { partition, reason } => {
                log::error!("partition {partition} cannot be read on: {reason}; its rooms start anew");
                self.dispatch.lost(partition);
            }
        }
    }

    fn dispatch(&mut self, entries: Vec<Entry>) {
        let tally = self.dispatch.entries(entries);
        self.metrics.entries_read.with_label_values(&["delivered"]).inc_by(tally.delivered);
        self.metrics.entries_read.with_label_values(&["skipped"]).inc_by(tally.skipped);
        self.metrics.entries_read.with_label_values(&["undecodable"]).inc_by(tally.undecodable);
    }

    fn change(&mut self) {
        for change in self.dispatch.changes() {
            match change {
                Change::Assign(partition, offset) => self.reader.assign(partition, offset),
                Change::Unassign(partition) => self.reader.unassign(partition),
            }
        }
    }
}
