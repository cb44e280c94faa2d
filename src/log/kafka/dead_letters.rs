//! Records of the rooms' topic that nobody can decode or apply, put aside in a topic of their own.
//! What makes a record such a one is not known here; nothing is ever taken out again, only marked.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
};

use bytes::Bytes;
use rdkafka::{
    Message,
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

use super::{
    Entry, Offset, Partition,
    asker::Asker,
    client::KafkaOptions,
    consumer::entry,
    context::Context,
    error::BrokerError,
    producer,
    saver::{DeadLetter, DeadLetterSink},
    tail::{self, Piece},
    tuning::Purpose,
};
use crate::{domain::Timestamp, log::Answer, wire::log_record};

/// The names of headers that say what a dead letter is.
mod header {
    pub(super) const TOPIC: &str = "topic";
    pub(super) const PARTITION: &str = "partition";
    pub(super) const OFFSET: &str = "offset";
    pub(super) const ERROR: &str = "error";
    pub(super) const AT: &str = "at";
    /// Of a mark instead: the dead letter with these headers was replayed.
    pub(super) const REPLAYED: &str = "replayed";
}

/// The partition that dead letters go to. Their topic is made with one; further ones hold nothing.
const LETTERS: Partition = 0;

/// Longest error in a header, in characters: the record that is quoted in it may be large.
const ERROR_CHARS: usize = 1000;

/// A record that was put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// The offset in the topic of dead letters.
    pub number: Offset,
    /// When it was put aside, by the broker's clock.
    pub buried_at: Timestamp,
    /// Where it comes from.
    pub from: Place,
    /// When it was appended there, as RFC 3339 has it.
    pub at: String,
    /// What is wrong with it.
    pub error: String,
    /// Its key, mostly a room's id.
    pub key: Option<Bytes>,
    /// Its value.
    pub value: Bytes,
    /// Whether it was replayed.
    pub is_replayed: bool,
}

/// Where a record is or was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The topic.
    pub topic: String,
    /// Its partition.
    pub partition: Partition,
    /// The offset in there.
    pub offset: Offset,
}

/// The topic of dead letters. It has a producer only after something was written.
pub struct DeadLetters {
    options: KafkaOptions,
    producer: Mutex<Option<FutureProducer<Context>>>,
}

impl DeadLetters {
    /// The topic that the options name.
    pub fn new(options: &KafkaOptions) -> Self {
        Self { options: options.clone(), producer: Mutex::new(None) }
    }

    /// Puts records aside. They are in the log of all in-sync replicas when it is done. If it fails, some may be
    /// there nevertheless; trying again writes those twice, and readers see them once.
    ///
    /// # Errors
    /// If the brokers do not take all of them in time.
    pub async fn put_aside(&self, letters: &[DeadLetter]) -> Result<(), BrokerError> {
        for letter in letters {
            let DeadLetter { entry, error } = letter;
            let (topic, partition, offset) =
                (self.options.names.rooms.clone(), entry.partition, entry.offset);
            let from = Place { topic, partition, offset };
            let record = Record {
                topic: &self.options.names.dead_letters,
                partition: LETTERS,
                key: entry.key.as_deref(),
                value: &entry.value,
                headers: headers(&from, error, &entry.appended_at.to_string()),
            };
            self.send(record).await?;
            self.options.metrics.kafka.dead_letters.inc();
        }
        Ok(())
    }

    /// Appends a dead letter's record to its partition again, and marks it as replayed.
    ///
    /// # Errors
    /// If the brokers do not take it in time.
    pub async fn replay(&self, buried: &Buried) -> Result<(), BrokerError> {
        let Buried { number, from, at, error, key, value, .. } = buried;
        let (topic, partition, key) = (from.topic.as_str(), from.partition, key.as_deref());
        let kind = log_record::decode(value).ok().map(|record| record.proposal.kind.name());
        let headers_of_record = kind.map_or_else(OwnedHeaders::new, producer::headers);
        self.send(Record { topic, partition, key, value, headers: headers_of_record }).await?;
        let headers = headers(from, error, at)
            .insert(Header { key: header::REPLAYED, value: Some(&number.to_string()) });
        let topic = self.options.names.dead_letters.as_str();
        self.send(Record { topic, partition: LETTERS, key, value: &[], headers }).await
    }

    /// All dead letters, each once, in the order in which they were put aside. It blocks.
    ///
    /// # Errors
    /// If the brokers do not answer, or the topic is not there.
    pub fn read(&self) -> Result<Vec<Buried>, BrokerError> {
        let topic = self.options.names.dead_letters.as_str();
        let (mut letters, mut replayed) = (Vec::new(), BTreeSet::new());
        let (from, until) = Asker::new(&self.options)?.bounds(topic, LETTERS)?;
        let piece = Piece { topic, partition: LETTERS, from, until };
        piece.read(&tail::client(&self.options)?, &AtomicBool::new(false), |message| {
            match read(message) {
                Some(Read::Letter(letter)) => letters.push(letter),
                Some(Read::Mark(place)) => drop(replayed.insert(place)),
                None => {}
            }
        })?;
        let mut seen = BTreeSet::new();
        letters.retain(|letter: &Buried| seen.insert(letter.from.clone()));
        for letter in &mut letters {
            letter.is_replayed = replayed.contains(&letter.from);
        }
        Ok(letters)
    }

    async fn send(&self, record: Record<'_>) -> Result<(), BrokerError> {
        let Record { topic, partition, key, value, headers } = record;
        let mut record: FutureRecord<'_, [u8], [u8]> =
            FutureRecord::to(topic).partition(partition).payload(value).headers(headers);
        record.key = key;
        let delivery = self.producer()?.send_result(record).map_err(|(error, _)| error);
        let fate = match delivery {
            Ok(fate) => fate.await.map_err(|_| BrokerError::Unavailable("the node stops".to_owned())),
            Err(error) => Err(error.into()),
        };
        let done = fate.and_then(|fate| fate.map(drop).map_err(|(error, _)| error.into()));
        if done.is_err() {
            // The next one begins anew, if this one failed for good.
            *self.producer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        done
    }

    fn producer(&self) -> Result<FutureProducer<Context>, BrokerError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = &*producer {
            return Ok(producer.clone());
        }
        let config = self.options.config(Purpose::DeadLetters);
        let made: FutureProducer<Context> =
            config.create_with_context(self.options.context(Purpose::DeadLetters))?;
        *producer = Some(made.clone());
        Ok(made)
    }
}

impl DeadLetterSink for DeadLetters {
    fn write(&self, letters: Arc<[DeadLetter]>) -> Answer<'_, ()> {
        Box::pin(async move { Ok(self.put_aside(&letters).await?) })
    }
}

/// A record to be written.
struct Record<'a> {
    topic: &'a str,
    partition: Partition,
    key: Option<&'a [u8]>,
    value: &'a [u8],
    headers: OwnedHeaders,
}

fn headers(from: &Place, error: &str, at: &str) -> OwnedHeaders {
    let error: String = error.chars().take(ERROR_CHARS).collect();
    let (partition, offset) = (from.partition.to_string(), from.offset.to_string());
    OwnedHeaders::new()
        .insert(Header { key: header::TOPIC, value: Some(&from.topic) })
        .insert(Header { key: header::PARTITION, value: Some(&partition) })
        .insert(Header { key: header::OFFSET, value: Some(&offset) })
        .insert(Header { key: header::ERROR, value: Some(&error) })
        .insert(Header { key: header::AT, value: Some(at) })
}

/// What a message of the topic is.
enum Read {
    Letter(Buried),
    Mark(Place),
}

/// Reads a message; none if it has not the headers of a dead letter.
fn read(message: &BorrowedMessage<'_>) -> Option<Read> {
    let headers = message.headers()?;
    let text = |name: &str| {
        let value = headers.iter().find(|header| header.key == name)?.value?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let (partition, offset) = (text(header::PARTITION)?.parse().ok()?, text(header::OFFSET)?.parse().ok()?);
    let from = Place { topic: text(header::TOPIC)?, partition, offset };
    if text(header::REPLAYED).is_some() {
        return Some(Read::Mark(from));
    }
    let Entry { offset: number, appended_at: buried_at, key, value, .. } = entry(message);
    let (at, error) = (text(header::AT)?, text(header::ERROR)?);
    Some(Read::Letter(Buried { number, buried_at, from, at, error, key, value, is_replayed: false }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        domain::{Proposal, RecordKind, User, UserId},
        log::kafka::{
            cluster::{Bounds, Cluster},
            testbed::{Mock, on_kafka, values, wait_for},
        },
    };

    fn letter(offset: Offset, value: &[u8], error: &str) -> DeadLetter {
        let (key, value) = (Some(Bytes::from_static(b"room")), Bytes::copy_from_slice(value));
        let appended_at = Timestamp::from_millis(1_763_712_000_007);
        DeadLetter { entry: Entry { partition: 1, offset, appended_at, key, value }, error: error.to_owned() }
    }

    fn record() -> Vec<u8> {
        let sender = User { id: UserId::new("u-1"), nickname: "Ada".into() };
        log_record::encode(&Proposal { sender, kind: RecordKind::Left }, None)
    }

    /// What is to be shown on any broker.
    async fn writes_reads_and_replays(options: &KafkaOptions) {
        let letters = DeadLetters::new(options);
        let long = "é".repeat(5000);
        let written = [letter(7, b"poison", "not a record"), letter(9, &record(), &long)];
        letters.put_aside(&written).await.unwrap();
        letters.put_aside(&written[..1]).await.unwrap();

        let read = letters.read().unwrap();
        assert_eq!(read.len(), 2, "each once: {read:?}");
        let from = Place { topic: options.names.rooms.clone(), partition: 1, offset: 7 };
        assert_eq!((&read[0].from, read[0].error.as_str()), (&from, "not a record"));
        assert_eq!((read[0].at.as_str(), &read[0].value[..]), ("2025-11-21T08:00:00.007Z", &b"poison"[..]));
        assert_eq!((read[1].number, read[1].error.chars().count()), (1, ERROR_CHARS));
        assert!(read.iter().all(|buried| !buried.is_replayed));

        letters.replay(&read[1]).await.unwrap();
        let cluster = Cluster::new(options).unwrap();
        assert_eq!(cluster.bounds(1).await, Ok(Bounds { start: 0, end: 1 }));
        assert_eq!(values(options, 1, 0, 1).await, [String::from_utf8(record()).unwrap()]);
        let replayed: Vec<_> = letters.read().unwrap().iter().map(|buried| buried.is_replayed).collect();
        assert_eq!(replayed, [false, true]);
    }

    #[test]
    fn dead_letters_are_written_read_once_and_replayed_to_where_they_were() {
        let mock = Mock::start();
        mock.cluster.create_topic(&mock.options.names.dead_letters, 1, 1).unwrap();
        wait_for(writes_reads_and_replays(&mock.options));
        assert_eq!(mock.options.metrics.kafka.dead_letters.get(), 3);
        on_kafka(async |options, _| writes_reads_and_replays(&options).await);
    }

    #[test]
    fn a_letter_that_no_broker_takes_is_an_error_and_the_next_try_works() {
        let mut mock = Mock::start();
        mock.options.append_timeout = Duration::from_millis(500);
        mock.cluster.create_topic(&mock.options.names.dead_letters, 1, 1).unwrap();
        mock.cluster.broker_down(1).unwrap();
        let letters = DeadLetters::new(&mock.options);
        wait_for(async {
            let refused = letters.put_aside(&[letter(1, b"poison", "x")]).await;
            assert!(matches!(refused, Err(BrokerError::Unavailable(_))), "{refused:?}");
            mock.cluster.broker_up(1).unwrap();
            while letters.put_aside(&[letter(1, b"poison", "x")]).await.is_err() {}
        });
        assert_eq!(letters.read().unwrap().len(), 1);
    }
}
