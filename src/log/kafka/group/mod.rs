//! The savers' consumer group: which partitions this node stores, and their entries from where it is told to read.
//! Where a partition is stored up to is known by the database alone; what is committed here is for onlookers.

mod membership;
#[cfg(test)]
pub(crate) mod testbed;

use std::{
    collections::{BTreeMap, VecDeque},
    thread,
    time::Duration,
};

use futures_util::{FutureExt, StreamExt};
use rdkafka::{
    Offset as At, TopicPartitionList,
    consumer::{CommitMode, Consumer, StreamConsumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{self, sleep},
};

use self::membership::Membership;
use super::{
    BrokerError, Entry, KafkaOptions, Offset, Partition,
    cluster::{Bounds, Cluster},
    consumer::{entry, is_passing},
    ring::size,
    saver::{Event, Seek, Ticket},
    tuning::Purpose,
};

/// Most entries that are taken from the client at once.
const AT_ONCE: usize = 1000;

/// How long the client may take to begin to read elsewhere.
const SEEK_PATIENCE: Duration = Duration::from_secs(1);

/// Before a partition that was not ready to be read is tried again.
const SOON: Duration = Duration::from_millis(200);

/// Before a partition that does not have the wanted offset is looked at again.
const LATER: Duration = Duration::from_secs(5);

/// Time between two commits of what is stored.
const SHOWS: Duration = Duration::from_secs(1);

/// A member of the savers' group.
pub struct Group {
    client: StreamConsumer<Membership>,
    topic: String,
    cluster: Cluster,
    told: mpsc::UnboundedReceiver<Event>,
    /// Entries that were taken from the client and not yet handed over.
    taken: VecDeque<Event>,
    /// The newest seek of each partition.
    wanted: BTreeMap<Partition, Ticket>,
    checks: JoinSet<(Seek, Option<Bounds>)>,
    /// How far partitions are stored, to be shown when it is time.
    stored: BTreeMap<Partition, Offset>,
    shows: time::Interval,
    most_bytes: u64,
    received: u64,
    released: u64,
    is_paused: bool,
}

impl Group {
    /// Joins the group, once the topic is there. While entries of so many bytes are in hand, no more are read.
    ///
    /// # Errors
    /// If the topic is not there, nobody answers, or no client can be made of the options.
    pub async fn join(
        options: &KafkaOptions,
        cluster: Cluster,
        most_bytes: u64,
    ) -> Result<Self, BrokerError> {
        cluster.partitions().await?;
        let mut config = options.config(Purpose::Saver);
        if config.get("topic.metadata.refresh.interval.ms").is_none() {
            // Partitions that are added must not wait for minutes to be stored.
            config.set("topic.metadata.refresh.interval.ms", "5000");
        }
        let (tell, told) = mpsc::unbounded_channel();
        let membership = Membership::new(options.context(Purpose::Saver), tell);
        let client: StreamConsumer<Membership> = config.create_with_context(membership)?;
        let mut shows = time::interval(SHOWS);
        shows.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let topic = options.names.rooms.clone();
        client.subscribe(&[&topic])?;
        Ok(Self {
            client,
            topic,
            cluster,
            told,
            taken: VecDeque::new(),
            wanted: BTreeMap::new(),
            checks: JoinSet::new(),
            stored: BTreeMap::new(),
            shows,
            most_bytes,
            received: 0,
            released: 0,
            is_paused: false,
        })
    }

    /// Waits for what comes next. Nothing is lost if the future is dropped. It must be called again and again:
    /// partitions are taken and given back while it waits.
    ///
    /// # Errors
    /// Why this membership is of no use any more; then the group must be left, and joined anew.
    pub async fn next(&mut self) -> Result<Event, BrokerError> {
        loop {
            if let Some(event) = self.taken.pop_front() {
                return Ok(event);
            }
            let first = tokio::select! {
                biased;
                Some(event) = self.told.recv() => return Ok(event),
                Some(checked) = self.checks.join_next() => {
                    if let Ok((seek, bounds)) = checked {
                        self.begin(seek, bounds);
                    }
                    continue;
                }
                _ = self.shows.tick(), if !self.stored.is_empty() => {
                    self.show();
                    continue;
                }
                first = self.client.recv() => first.map(|message| entry(&message)),
            };
            self.take(first)?;
        }
    }

    /// Reads partitions from these offsets on, as soon as that can be done.
    pub fn seek(&mut self, seeks: Vec<Seek>) {
        for seek in seeks {
            self.wanted.insert(seek.partition, seek.ticket);
            self.check(seek, Duration::ZERO);
        }
    }

    /// Takes note how many bytes of all the entries that it handed over are not in hand any more.
    pub fn released(&mut self, bytes: u64) {
        self.released = bytes;
        self.throttle();
    }

    fn throttle(&mut self) {
        let in_hand = self.received.saturating_sub(self.released);
        let pauses = if self.is_paused { in_hand > self.most_bytes / 2 } else { in_hand > self.most_bytes };
        if pauses == self.is_paused {
            return;
        }
        self.is_paused = pauses;
        let list = self.list(self.client.context().read().into_iter().map(|one| (one, At::Invalid)));
        let done = if pauses { self.client.pause(&list) } else { self.client.resume(&list) };
        if let Err(error) = done {
            log::debug!("pausing or resuming partitions: {error}");
        }
    }

    /// Takes note how far partitions are stored, for those who watch the group. Nothing here depends on it.
    pub fn stored(&mut self, places: Vec<(Partition, Offset)>) {
        self.stored.extend(places);
    }

    /// Commits what is stored.
    fn show(&mut self) {
        let stored = std::mem::take(&mut self.stored).into_iter();
        let mine = stored.filter(|(partition, _)| self.client.context().has(*partition));
        let list = self.list(mine.map(|(partition, next)| (partition, At::Offset(next))));
        if list.count() > 0
            && let Err(error) = self.client.commit(&list, CommitMode::Async)
        {
            log::debug!("offsets were not committed: {error}");
        }
    }

    /// Gives the partitions to others.
    pub async fn leave(mut self) {
        self.show();
        // A client that is dropped leaves, which waits for the broker, and in the middle of a rebalance it was seen
        // to wait for ever: on a thread of its own it holds up neither the runtime nor the end of the process.
        let (tell, left) = oneshot::channel();
        let leaving = thread::Builder::new().name("kafka-leaving".to_owned()).spawn(move || {
            drop(self.client);
            let _ = tell.send(());
        });
        match leaving {
            Ok(_) => drop(left.await),
            Err(error) => log::warn!("leaving the group: {error}"),
        }
    }

    /// Takes an entry and those that are there already.
    fn take(&mut self, first: Result<Entry, KafkaError>) -> Result<(), BrokerError> {
        let mut entries = Vec::new();
        let mut next = Some(first);
        let mut stream = self.client.stream();
        while let Some(read) = next.take() {
            match read {
                Ok(entry) => entries.push(entry),
                Err(error) => self.judge(error)?,
            }
            if entries.len() < AT_ONCE {
                next = stream.next().now_or_never().flatten().map(|read| read.map(|message| entry(&message)));
            }
        }
        drop(stream);
        for entries in entries.chunk_by(|one, other| one.partition == other.partition) {
            let partition = entries[0].partition;
            // What came without a ticket came before the partition was told from where to be read.
            let Some(ticket) = self.client.context().ticket_of(partition) else { continue };
            self.received += entries.iter().map(size).sum::<usize>() as u64;
            self.taken.push_back(Event::Fetched { partition, ticket, entries: entries.to_vec() });
        }
        self.throttle();
        Ok(())
    }

    /// Whether an error needs nothing to be done.
    fn judge(&self, error: KafkaError) -> Result<(), BrokerError> {
        match error.rdkafka_error_code() {
            _ if self.client.client().fatal_error().is_some() => Err(error.into()),
            Some(code) if is_passing(code) || code == RDKafkaErrorCode::PollExceeded => {
                log::debug!("saver: {error}");
                Ok(())
            }
            // With `AutoOffsetReset` a partition has lost its offset, and which one it is comes out when
            // partitions are read anew.
            _ => Err(error.into()),
        }
    }

    /// Finds out what a partition has, after a while, and then has it read.
    fn check(&mut self, seek: Seek, after: Duration) {
        let cluster = self.cluster.clone();
        self.checks.spawn(async move {
            sleep(after).await;
            (seek, cluster.bounds(seek.partition).await.ok())
        });
    }

    /// Has a partition read from the wanted offset on, if it is there.
    fn begin(&mut self, seek: Seek, bounds: Option<Bounds>) {
        let Seek { partition, to, ticket } = seek;
        if self.wanted.get(&partition) != Some(&ticket) || !self.client.context().has(partition) {
            return;
        }
        let Some(bounds) = bounds else { return self.check(seek, SOON) };
        let from = to.unwrap_or(bounds.start);
        if !(bounds.start..=bounds.end).contains(&from) {
            log::error!(
                "partition {partition} is stored up to {from}, but the log has {}..{}; it is not stored on",
                bounds.start,
                bounds.end
            );
            return self.check(seek, LATER);
        }
        let list = self.list([(partition, At::Invalid)].into_iter());
        let begun = self.client.seek(&self.topic, partition, At::Offset(from), SEEK_PATIENCE);
        let begun = begun.and_then(|()| {
            self.client.context().reads(partition, ticket);
            if self.is_paused { Ok(()) } else { self.client.resume(&list) }
        });
        if let Err(error) = begun {
            log::debug!("partition {partition} is not ready to be read: {error}");
            self.check(seek, SOON);
        }
    }

    fn list(&self, places: impl Iterator<Item = (Partition, At)>) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, at) in places {
            if let Err(error) = list.add_partition_offset(&self.topic, partition, at) {
                log::debug!("partition {partition}: {error}");
            }
        }
        list
    }
}
