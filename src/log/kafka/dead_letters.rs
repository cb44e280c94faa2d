//! Records of the rooms' topic that nobody can decode or apply, put aside in a topic of their own.
//! What makes a record such a one is not known here; nothing is ever taken out again, only marked.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use bytes::Bytes;
use rdkafka::{
    Message,
    consumer::{BaseConsumer, Consumer},
    message::{BorrowedMessage, Header, Headers, OwnedHeaders},
    producer::{FutureProducer, FutureRecord},
};

use super::{
    Entry, Offset, Partition,
    client::{KafkaOptions, Purpose},
    consumer::entry,
    context::Context,
    error::BrokerError,
    saver::{DeadLetter, DeadLetterSink},
    tail::Piece,
};
use crate::{domain::Timestamp, log::Answer};

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

/// Longest error in a header, in bytes: the record that is quoted in it may be large.
const ERROR_BYTES: usize = 2000;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(10);

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
    pub async fn write(&self, letters: &[DeadLetter]) -> Result<(), BrokerError> {
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
        self.send(Record { topic, partition, key, value, headers: OwnedHeaders::new() }).await?;
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
        let client: BaseConsumer = self.options.config(Purpose::Admin).create()?;
        let (mut letters, mut replayed) = (Vec::new(), BTreeSet::new());
        let (from, until) = client.fetch_watermarks(topic, LETTERS, PATIENCE)?;
        let piece = Piece { topic, partition: LETTERS, from, until };
        piece.read(&self.options, &AtomicBool::new(false), |message| match read(message) {
            Some(Read::DeadLetter(letter)) => letters.push(letter),
            Some(Read::Mark(place)) => drop(replayed.insert(place)),
            None => {}
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

/// A record to be written.
struct Record<'a> {
    topic: &'a str,
    partition: Partition,
    key: Option<&'a [u8]>,
    value: &'a [u8],
    headers: OwnedHeaders,
}

fn headers(from: &Place, error: &str, at: &str) -> OwnedHeaders {
    let error = &error[..error.floor_char_boundary(ERROR_BYTES)];
    let (partition, offset) = (from.partition.to_string(), from.offset.to_string());
    OwnedHeaders::new()
        .insert(Header { key: header::TOPIC, value: Some(&from.topic) })
        .insert(Header { key: header::PARTITION, value: Some(&partition) })
        .insert(Header { key: header::OFFSET, value: Some(&offset) })
        .insert(Header { key: header::ERROR, value: Some(error) })
        .insert(Header { key: header::AT, value: Some(at) })
}

/// What a message of the topic is.
enum Read {
    DeadLetter(Buried),
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
    Some(Read::DeadLetter(Buried { number, buried_at, from, at, error, key, value, is_replayed: false }))
}

impl DeadLetterSink for DeadLetters {
    fn write(&self, letters: Arc<[DeadLetter]>) -> Answer<'_, ()> {
        Box::pin(async move { Ok(Self::write(self, &letters).await?) })
    }
}
