//! The bridge between the topic and the rooms of this node: one consumer on one side, the dispatch on the other.
//! It waits for no room and no database; when it runs is decided by the bridge actor.

use std::collections::HashMap;

use tokio::{select, sync::mpsc};

use super::{
    Entry, Offset,
    cluster::Bounds,
    consumer::{Event, Reader},
    dispatch::{Attach, Change, Dispatch},
};
use crate::{
    domain::RoomId,
    log::{LogError, Partition},
    telemetry::Metrics,
    wire::log_record::Origin,
};

/// What the bridge is asked. There are at most as many as rooms being woken and appends under way.
pub enum Job {
    /// Bring a room up to date.
    Attach(Box<Attach>),
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
        /// The opening and the append that it came from.
        origin: Origin,
        /// Why.
        error: LogError,
    },
}

/// The bridge of one node.
pub struct Bridge {
    reader: Reader,
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
        jobs: mpsc::UnboundedReceiver<Job>,
        ring_bytes: usize,
        metrics: Metrics,
    ) -> Self {
        let dispatch = Dispatch::new(ring_bytes);
        Self { reader, jobs, dispatch, metrics, waiting_at: HashMap::new() }
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

    /// The partitions that are read.
    pub fn partitions(&self) -> Vec<Partition> {
        self.dispatch.positions().map(|(partition, _)| partition).collect()
    }

    /// Compares what was read with the ends of partitions. One in which entries wait and nothing was read since
    /// the last comparison is read anew from where it stands. Gives how many entries wait.
    pub fn compare(&mut self, ends: &[(Partition, Offset)]) -> u64 {
        let positions: Vec<_> = self.dispatch.positions().collect();
        let mut waiting = HashMap::new();
        let mut lag = 0;
        for (partition, next) in positions {
            let end = ends.iter().find(|(number, _)| *number == partition).map_or(next, |(_, end)| *end);
            if end <= next {
                continue;
            }
            lag += end.abs_diff(next);
            waiting.insert(partition, next);
            if self.waiting_at.get(&partition) == Some(&next) {
                log::warn!("partition {partition} gives nothing from {next} on, reading it anew");
                self.assign(partition, next);
            }
        }
        self.waiting_at = waiting;
        lag
    }

    fn take(&mut self, job: Job) {
        match job {
            Job::Attach(attach) => self.dispatch.attach(*attach),
            Job::Close { room, partition, run } => self.dispatch.close(&room, partition, &run),
            Job::Settle { partition, until, settled } => self.dispatch.settle(partition, until, settled),
            Job::Failed { room, partition, origin, error } => {
                self.dispatch.failed(&room, partition, &origin, error);
            }
        }
    }

    fn read(&mut self, event: Event) {
        match event {
            Event::Entries(entries) => self.dispatch(entries),
            Event::Lost { partition, next, bounds } => {
                let Bounds { start, end } = bounds;
                log::error!(
                    "partition {partition} has offsets {start} to {end}, but {next} comes next; its rooms start anew"
                );
                self.dispatch.lost(partition);
            }
            Event::Error(error) => log::error!("reading the log: {error}"),
        }
    }

    fn dispatch(&mut self, entries: Vec<Entry>) {
        let tally = self.dispatch.entries(entries);
        self.metrics.kafka.entries_read.with_label_values(&["delivered"]).inc_by(tally.delivered);
        self.metrics.kafka.entries_read.with_label_values(&["skipped"]).inc_by(tally.skipped);
        self.metrics.kafka.entries_read.with_label_values(&["undecodable"]).inc_by(tally.undecodable);
    }

    fn change(&mut self) {
        for change in self.dispatch.changes() {
            match change {
                Change::Assign(partition, offset) => self.assign(partition, offset),
                Change::Unassign(partition) => {
                    if let Err(error) = self.reader.unassign(partition) {
                        log::error!("letting go of partition {partition}: {error}");
                    }
                }
            }
        }
    }

    /// A partition that cannot be assigned is lost; its rooms start anew.
    fn assign(&mut self, partition: Partition, offset: Offset) {
        if let Err(error) = self.reader.assign(partition, offset) {
            log::error!("reading partition {partition} from {offset} on: {error}");
            self.dispatch.lost(partition);
        }
    }
}
