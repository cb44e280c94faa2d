//! The least that can bring a record from one process to another over Kafka: librdkafka's producer and consumer.
//! Told the same as those of Klatsch's log, and asked for nothing else.

use std::thread;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, ensure};
use klatsch::cli::bench::body;
use klatsch::cli::latency::{Latency, Quantiles};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer as _, ThreadedProducer};
use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};
use tokio::time::{Instant, sleep_until};

use crate::Work;

/// What comes later than this after the last one is lost.
const QUIET: Duration = Duration::from_secs(10);

/// A topic of its own on the brokers.
pub(crate) struct BareKafka {
    brokers: String,
    topic: String,
    partitions: u32,
}

impl BareKafka {
    /// Makes the topic.
    pub(crate) async fn create(brokers: &str, prefix: &str, partitions: u32) -> anyhow::Result<Self> {
        let bare = Self { brokers: brokers.to_owned(), topic: format!("{prefix}.bare"), partitions };
        let admin: AdminClient<DefaultClientContext> = bare.config(&[]).create()?;
        let topic = NewTopic::new(&bare.topic, i32::try_from(partitions)?, TopicReplication::Fixed(-1))
            .set("message.timestamp.type", "LogAppendTime");
        let made = admin.create_topics([&topic], &AdminOptions::new()).await?;
        ensure!(made.iter().all(Result::is_ok), "cannot make a topic: {made:?}");
        Ok(bare)
    }

    /// Produces at a rate, consumes everything, and gives the times between.
    pub(crate) async fn round(&self, work: Work) -> anyhow::Result<Quantiles> {
        let consumer = self.consumer()?;
        let heard = thread::spawn(move || hear(&consumer, work));
        let producer: ThreadedProducer<DefaultProducerContext> = self.config(APPENDING).create()?;
        let start = Instant::now();
        for number in 0..work.messages {
            sleep_until(start + Duration::from_secs_f64(number as f64 / work.rate)).await;
            let value = body::stamped(now()?, work.body_bytes + RECORD_AROUND_BODY);
            let partition = i32::try_from(number % u64::from(self.partitions))?;
            let record =
                BaseRecord::<str, str>::to(&self.topic).partition(partition).key(KEY).payload(&value);
            producer.send(record).map_err(|(error, _)| error)?;
        }
        producer.flush(QUIET)?;
        let (latency, count) = heard.join().map_err(|_| anyhow::anyhow!("the consumer died"))??;
        ensure!(count == work.messages, "{} of {} messages came", count, work.messages);
        Ok(latency)
    }

    /// A consumer of what comes from now on.
    fn consumer(&self) -> anyhow::Result<BaseConsumer> {
        let consumer: BaseConsumer = self.config(READING).create()?;
        let mut list = TopicPartitionList::new();
        for partition in 0..i32::try_from(self.partitions)? {
            let (_, end) = consumer.fetch_watermarks(&self.topic, partition, QUIET)?;
            list.add_partition_offset(&self.topic, partition, Offset::Offset(end))?;
        }
        consumer.assign(&list)?;
        Ok(consumer)
    }

    fn config(&self, properties: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers).set("socket.nagle.disable", "true");
        for (name, value) in properties {
            config.set(*name, *value);
        }
        config
    }
}

fn hear(consumer: &BaseConsumer, work: Work) -> anyhow::Result<(Quantiles, u64)> {
    let (mut latency, mut count) = (Latency::default(), 0);
    let uncounted = (work.uncounted.as_secs_f64() * work.rate) as u64;
    while count < work.messages {
        let Some(message) = consumer.poll(QUIET) else { break };
        let message = message?;
        let text = message.payload_view::<str>().context("an empty record")??;
        let sent_at = body::sent_at(text).context("a record of somebody else")?;
        count += 1;
        if count > uncounted {
            latency.record(now()?.saturating_sub(sent_at));
        }
    }
    Ok((latency.quantiles(), count))
}

fn now() -> anyhow::Result<Duration> {
    SystemTime::UNIX_EPOCH.elapsed().context("the clock stands before 1970")
}

/// As long as a room's id.
const KEY: &str = "abcdefghijklmnop";
/// What a record of the log has besides the text: sender, ids, kind.
const RECORD_AROUND_BODY: usize = 200;

const APPENDING: &[(&str, &str)] =
    &[("acks", "all"), ("enable.idempotence", "true"), ("compression.codec", "lz4"), ("linger.ms", "1")];

const READING: &[(&str, &str)] = &[
    ("group.id", "bare"),
    ("enable.auto.commit", "false"),
    ("isolation.level", "read_uncommitted"),
    ("fetch.min.bytes", "1"),
    ("fetch.wait.max.ms", "50"),
    ("fetch.queue.backoff.ms", "5"),
];
