//! Reads partitions that it is told to read, from the offsets that it is told.
//! No group decides for it, nothing is committed, and what a record means is not known here.

use std::{collections::HashMap, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use log::{debug, warn};
use rdkafka::{
    Message, Offset as At, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};

use super::{
    Entry, Offset, Partition,
    client::KafkaOptions,
    cluster::{Bounds, Cluster},
    context::Context,
    error::BrokerError,
    tuning::Purpose,
};
use crate::domain::Timestamp;

/// What a reader comes upon.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The next records, at least one, of one partition or of several; in order within each.
    Entries(Vec<Entry>),
    /// A partition does not have the offset that comes next any more, or not yet. It is not read until it is
    /// assigned again.
    Lost {
        /// The partition.
        partition: Partition,
        /// The offset that came next.
        next: Offset,
        /// What the partition has.
        bounds: Bounds,
    },
    /// Something went wrong that the client does not mend by itself.
    Error(BrokerError),
}

/// Most records in one event.
const EVENT_ENTRIES: usize = 1000;

/// Most bytes of records in one event, apart from the last one.
const EVENT_BYTES: usize = 1024 * 1024;

/// Time between two tries to find out which partition was lost.
const RETRY: Duration = Duration::from_millis(500);

/// A reader of the rooms' topic.
pub struct Reader {
    client: StreamConsumer<Context>,
    topic: String,
    cluster: Cluster,
    /// The next offset of each partition that is read.
    positions: HashMap<Partition, Offset>,
    checks: JoinSet<Vec<(Partition, Bounds)>>,
    found: mpsc::UnboundedSender<Event>,
    finds: mpsc::UnboundedReceiver<Event>,
}

impl Reader {
    /// A reader that reads nothing yet. It must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(options: &KafkaOptions, cluster: Cluster) -> Result<Self, BrokerError> {
        let config = options.config(Purpose::Reader);
        let client = config.create_with_context(options.context(Purpose::Reader))?;
        let (found, finds) = mpsc::unbounded_channel();
        let (positions, checks) = (HashMap::new(), JoinSet::new());
        Ok(Self { client, topic: options.names.rooms.clone(), cluster, positions, checks, found, finds })
    }

    /// Reads a partition from an offset on; one that is read already is read from there instead.
    ///
    /// # Errors
    /// If the client takes no assignment, which is a fault in the program.
    pub fn assign(&mut self, partition: Partition, offset: Offset) -> Result<(), BrokerError> {
        self.unassign(partition)?;
        self.client.incremental_assign(&self.list(partition, At::Offset(offset))?)?;
        self.positions.insert(partition, offset);
        Ok(())
    }

    /// Reads a partition no more; nothing of it comes after this.
    ///
    /// # Errors
    /// If the client takes no assignment, which is a fault in the program.
    pub fn unassign(&mut self, partition: Partition) -> Result<(), BrokerError> {
        if self.positions.remove(&partition).is_some() {
            self.client.incremental_unassign(&self.list(partition, At::Invalid)?)?;
        }
        Ok(())
    }

    /// The next offset of a partition that is read.
    pub fn position(&self, partition: Partition) -> Option<Offset> {
        self.positions.get(&partition).copied()
    }

    /// Waits for what comes next. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Event {
        loop {
            let first = tokio::select! {
                biased;
                Some(event) = self.finds.recv() => return event,
                Some(checked) = self.checks.join_next() => {
                    self.judge(checked.unwrap_or_default());
                    continue;
                }
                first = self.client.recv() => first.map(|message| entry(&message)),
            };
            let entries = match first {
                Ok(entry) => self.with_those_behind(entry),
                Err(error) => self.failed(error),
            };
            if !entries.is_empty() {
                return Event::Entries(entries);
            }
        }
    }

    /// An entry and those that are there already, within bounds.
    fn with_those_behind(&mut self, first: Entry) -> Vec<Entry> {
        let (mut entries, mut bytes) = (Vec::new(), 0);
        let mut next = Some(Ok(first));
        let mut failure = None;
        {
            let mut stream = self.client.stream();
            while let Some(message) = next.take() {
                match message {
                    Ok(entry) => {
                        bytes += entry.value.len();
                        entries.extend(advanced(&mut self.positions, entry));
                    }
                    Err(error) => failure = Some(error),
                }
                if failure.is_none() && entries.len() < EVENT_ENTRIES && bytes < EVENT_BYTES {
                    next = stream
                        .next()
                        .now_or_never()
                        .flatten()
                        .map(|read| read.map(|message| entry(&message)));
                }
            }
        }
        if let Some(error) = failure {
            self.failed(error);
        }
        entries
    }

    /// Deals with an error of the client. What it mends by itself needs nothing.
    fn failed(&mut self, error: KafkaError) -> Vec<Entry> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset) => self.check(),
            Some(code) if is_passing(code) => debug!("reader: {error}"),
            _ => {
                let _ = self.found.send(Event::Error(error.into()));
            }
        }
        Vec::new()
    }

    /// Finds out which partition has lost its offset, for the error does not say it.
    fn check(&mut self) {
        if self.checks.is_empty() {
            let partitions: Vec<_> = self.positions.keys().copied().collect();
            self.checks.spawn(bounds_of(self.cluster.clone(), partitions));
        }
    }

    /// Reports partitions that lost their offsets and reads the others on: one of them may have stopped, too.
    fn judge(&mut self, checked: Vec<(Partition, Bounds)>) {
        for (partition, bounds) in checked {
            let Some(next) = self.position(partition) else { continue };
            let is_there = (bounds.start..=bounds.end).contains(&next);
            let event = match is_there {
                true => self.assign(partition, next).err().map(Event::Error),
                false => self.lost(partition, next, bounds),
            };
            if let Some(event) = event {
                let _ = self.found.send(event);
            }
        }
    }

    fn lost(&mut self, partition: Partition, next: Offset, bounds: Bounds) -> Option<Event> {
        warn!("partition {partition} has {}..{}, and not {next} that comes next", bounds.start, bounds.end);
        match self.unassign(partition) {
            Ok(()) => Some(Event::Lost { partition, next, bounds }),
            Err(error) => Some(Event::Error(error)),
        }
    }

    fn list(&self, partition: Partition, at: At) -> Result<TopicPartitionList, BrokerError> {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.topic, partition, at)?;
        Ok(list)
    }
}

/// Where each partition begins and ends; it is asked for until it is known.
async fn bounds_of(cluster: Cluster, partitions: Vec<Partition>) -> Vec<(Partition, Bounds)> {
    let mut known = Vec::new();
    for partition in partitions {
        loop {
            match cluster.bounds(partition).await {
                Ok(bounds) => break known.push((partition, bounds)),
                Err(BrokerError::Missing(_)) => break,
                Err(_) => sleep(RETRY).await,
            }
        }
    }
    known
}

/// The entry, if it is what its partition comes to now; a leftover of an earlier assignment is not.
fn advanced(positions: &mut HashMap<Partition, Offset>, entry: Entry) -> Option<Entry> {
    let position = positions.get_mut(&entry.partition).filter(|position| **position <= entry.offset)?;
    *position = entry.offset + 1;
    Some(entry)
}

/// A message as an entry, with its bytes copied out of the client's memory.
pub(super) fn entry(message: &BorrowedMessage<'_>) -> Entry {
    let millis = message.timestamp().to_millis().unwrap_or(0);
    Entry {
        partition: message.partition(),
        offset: message.offset(),
        appended_at: Timestamp::from_millis(millis),
        key: message.key().map(Bytes::copy_from_slice),
        value: message.payload().map(Bytes::copy_from_slice).unwrap_or_default(),
    }
}

/// Codes of what librdkafka tries again by itself.
pub(super) fn is_passing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::AllBrokersDown
            | Code::BrokerTransportFailure
            | Code::Resolve
            | Code::OperationTimedOut
            | Code::RequestTimedOut
            | Code::NotLeaderForPartition
            | Code::LeaderNotAvailable
            | Code::BrokerNotAvailable
            | Code::ReplicaNotAvailable
            | Code::NotCoordinator
            | Code::CoordinatorNotAvailable
            | Code::CoordinatorLoadInProgress
            | Code::FencedLeaderEpoch
            | Code::UnknownLeaderEpoch
            | Code::OffsetNotAvailable
            | Code::UnknownTopicOrPartition
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::kafka::{
        producer::Producer,
        testbed::{Mock, append, on_kafka, origin, producer, text, wait_for},
    };

    struct Reading {
        reader: Reader,
        producer: Producer,
    }

    /// Runs a test on a mock cluster and on a real broker.
    fn reading(test: impl AsyncFn(&mut Reading)) {
        let mock = Mock::start();
        wait_for(async { test(&mut Reading::begin(&mock.options)).await });
        on_kafka(async |options, _| test(&mut Reading::begin(&options)).await);
    }

    impl Reading {
        fn begin(options: &KafkaOptions) -> Self {
            let cluster = Cluster::new(options).unwrap();
            let reader = Reader::new(options, cluster).unwrap();
            let (producer, _) = producer(options);
            Self { reader, producer }
        }

        /// The next `count` values, with their partitions and offsets.
        async fn read(&mut self, count: usize) -> Vec<(Partition, Offset, String)> {
            let mut read = Vec::new();
            while read.len() < count {
                match self.reader.next().await {
                    Event::Entries(entries) => {
                        read.extend(entries.iter().map(|entry| (entry.partition, entry.offset, text(entry))))
                    }
                    other => panic!("{other:?}"),
                }
            }
            read
        }
    }

    fn numbered(partition: Partition, range: std::ops::Range<i64>) -> Vec<(Partition, Offset, String)> {
        range.map(|number| (partition, number, number.to_string())).collect()
    }

    #[test]
    fn what_is_assigned_is_read_from_there_in_order_and_nothing_else() {
        reading(async |reading| {
            append(&reading.producer, 0, 0..10);
            append(&reading.producer, 1, 0..10);
            reading.reader.assign(1, 4).unwrap();
            assert_eq!(reading.read(6).await, numbered(1, 4..10));
            append(&reading.producer, 0, 10..11);
            append(&reading.producer, 1, 10..12);
            assert_eq!(reading.read(2).await, numbered(1, 10..12));
            assert_eq!(reading.reader.position(1), Some(12));
        });
    }

    #[test]
    fn a_partition_comes_and_goes_while_another_is_read() {
        reading(async |reading| {
            append(&reading.producer, 0, 0..2);
            append(&reading.producer, 1, 0..5);
            reading.reader.assign(0, 0).unwrap();
            assert_eq!(reading.read(2).await, numbered(0, 0..2));
            reading.reader.assign(1, 2).unwrap();
            assert_eq!(reading.read(3).await, numbered(1, 2..5));
            reading.reader.unassign(1).unwrap();
            append(&reading.producer, 1, 5..6);
            append(&reading.producer, 0, 2..3);
            assert_eq!(reading.read(1).await, numbered(0, 2..3));
            reading.reader.assign(1, 0).unwrap();
            assert_eq!(reading.read(6).await, numbered(1, 0..6));
        });
    }

    #[test]
    fn an_assigned_partition_is_read_anew_from_an_earlier_or_a_later_offset() {
        reading(async |reading| {
            append(&reading.producer, 0, 0..8);
            reading.reader.assign(0, 5).unwrap();
            assert_eq!(reading.read(3).await, numbered(0, 5..8));
            reading.reader.assign(0, 1).unwrap();
            assert_eq!(reading.read(7).await, numbered(0, 1..8));
            // What was fetched for this assignment and not read yet does not come any more.
            reading.reader.assign(0, 0).unwrap();
            reading.reader.assign(0, 7).unwrap();
            assert_eq!(reading.read(1).await, numbered(0, 7..8));
        });
    }

    #[test]
    fn an_offset_that_is_not_there_is_reported_with_what_is_and_others_are_read_on() {
        reading(async |reading| {
            append(&reading.producer, 0, 0..3);
            append(&reading.producer, 1, 0..1);
            reading.reader.assign(1, 0).unwrap();
            assert_eq!(reading.read(1).await, numbered(1, 0..1));
            reading.reader.assign(0, 50).unwrap();
            let bounds = Bounds { start: 0, end: 3 };
            assert_eq!(reading.reader.next().await, Event::Lost { partition: 0, next: 50, bounds });
            assert_eq!(reading.reader.position(0), None);
            append(&reading.producer, 1, 1..2);
            assert_eq!(reading.read(1).await, numbered(1, 1..2));
            reading.reader.assign(0, 3).unwrap();
            append(&reading.producer, 0, 3..4);
            assert_eq!(reading.read(1).await, numbered(0, 3..4));
        });
    }

    #[test]
    fn a_broker_that_goes_and_comes_back_costs_no_record() {
        let mock = Mock::start();
        wait_for(async {
            let mut reading = Reading::begin(&mock.options);
            append(&reading.producer, 0, 0..3);
            reading.reader.assign(0, 0).unwrap();
            assert_eq!(reading.read(3).await, numbered(0, 0..3));
            mock.cluster.broker_down(1).unwrap();
            for token in 3..6_u64 {
                let value = token.to_string();
                let room = crate::domain::RoomId::new("room");
                reading.producer.append(0, &room, value.as_bytes(), "message", origin(token)).unwrap();
            }
            mock.cluster.broker_up(1).unwrap();
            assert_eq!(reading.read(3).await, numbered(0, 3..6));
        });
    }
}
