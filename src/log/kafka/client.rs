//! How clients of the brokers are made: options, and what librdkafka is told for each purpose.
//! Nothing is asked of a broker here.

use std::{collections::BTreeMap, time::Duration};

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, producer::BaseProducer};

use super::{context::Context, error::BrokerError};
use crate::{
    config::{KafkaProperties, KafkaSettings, SettingsError},
    telemetry::Metrics,
    wire::log_record,
};

/// What the Kafka log needs to know; the same for all clients of a node.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Brokers to ask for all the others, HOST:PORT with commas between.
    pub brokers: String,
    /// The node's id, which brokers see in the clients' names.
    pub node: String,
    /// The names of topics and of the savers' group.
    pub names: Names,
    /// Whether a node creates topics that are missing.
    pub create_topics: bool,
    /// What topics are created like.
    pub layout: Layout,
    /// How long a record waits for others to travel with.
    pub linger: Duration,
    /// When a record that is not in the log is given up.
    pub append_timeout: Duration,
    /// Records that may be under way.
    pub queue_records: usize,
    /// Properties of librdkafka that somebody asked for.
    pub properties: KafkaProperties,
    /// Where clients count.
    pub metrics: Metrics,
}

/// The names of topics and of the savers' group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The rooms' log.
    pub rooms: String,
    /// Records of the rooms' log that cannot be decoded or applied.
    pub dead_letters: String,
    /// What nodes tell each other and nobody needs later.
    pub signals: String,
    /// The group whose members store the rooms' log.
    pub saver_group: String,
    /// What the groups of consumers that belong to no group of ours are named; the brokers never see them join.
    pub reader_group: String,
}

impl Names {
    /// The names that start with a prefix.
    pub fn new(prefix: &str) -> Self {
        Self {
            rooms: format!("{prefix}.rooms"),
            dead_letters: format!("{prefix}.rooms.dlt"),
            signals: format!("{prefix}.signals"),
            saver_group: format!("{prefix}-saver"),
            reader_group: format!("{prefix}-reader"),
        }
    }
}

/// What topics are created like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// Partitions of the rooms' topic.
    pub partitions: i32,
    /// Replicas; unset is the broker's default.
    pub replication: Option<i32>,
    /// Replicas that must have a record; unset is the broker's default.
    pub min_insync_replicas: Option<i32>,
}

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It appends to the rooms' topic.
    Producer,
    /// It reads partitions of rooms that are awake.
    Reader,
    /// It reads a piece of a partition, once.
    Tail,
    /// It reads what is to be stored, as a member of the savers' group.
    Saver,
    /// It writes signals.
    SignalsProducer,
    /// It reads signals.
    SignalsReader,
    /// It writes dead letters.
    DeadLetters,
    /// It creates topics.
    Admin,
    /// It asks about topics and partitions.
    Asker,
}

impl Purpose {
    /// Its name in metrics, log lines and clients' names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::Reader => "reader",
            Self::Tail => "tail",
            Self::Saver => "saver",
            Self::SignalsProducer => "signals-producer",
            Self::SignalsReader => "signals-reader",
            Self::DeadLetters => "dead-letters",
            Self::Admin => "admin",
            Self::Asker => "asker",
        }
    }
}

/// How often a client tells its statistics, in milliseconds.
const STATISTICS_MS: u32 = 2000;

impl KafkaOptions {
    /// The options that settings ask for. Reads the files of `kafka.property_files`.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn new(settings: &KafkaSettings, node: &str, metrics: Metrics) -> Result<Self, SettingsError> {
        let positive = |number: i32| (number > 0).then_some(number);
        Ok(Self {
            brokers: settings.brokers.as_str().to_owned(),
            node: node.to_owned(),
            names: Names::new(settings.topic_prefix.as_str()),
            create_topics: settings.create_topics,
            layout: Layout {
                partitions: settings.partitions,
                replication: positive(settings.replication),
                min_insync_replicas: positive(settings.min_insync_replicas),
            },
            linger: Duration::from_millis(settings.linger_ms),
            append_timeout: settings.append_timeout(),
            queue_records: settings.queue_records,
            properties: settings.all_properties()?,
            metrics,
        })
    }

    /// Makes a client of each kind and drops it, so that a wrong property stops the start. Brokers that are
    /// away do not.
    ///
    /// # Errors
    /// The property, or what librdkafka says of all of them together.
    pub fn check(&self) -> Result<(), BrokerError> {
        for purpose in [Purpose::Producer, Purpose::Reader, Purpose::Saver, Purpose::Admin] {
            self.config(purpose).create_native_config()?;
        }
        // It is never polled, so the context hears nothing; what librdkafka says at creation is in the error.
        let _: BaseProducer = self.config(Purpose::Producer).create()?;
        Ok(())
    }

    /// What librdkafka is told for a purpose. It must not be shown: secrets are in it.
    pub(super) fn config(&self, purpose: Purpose) -> ClientConfig {
        let mut own = everywhere();
        own.extend(match purpose {
            Purpose::Producer => self.appending(RECORD_BYTES),
            Purpose::DeadLetters => self.appending(RECORD_BYTES + HEADERS_BYTES),
            Purpose::SignalsProducer => signalling(),
            Purpose::Reader => reading(&self.names.reader_group),
            Purpose::SignalsReader => hearing(&self.names.reader_group),
            Purpose::Tail => tailing(&self.names.reader_group),
            Purpose::Saver => saving(&self.names.saver_group),
            Purpose::Admin | Purpose::Asker => properties([("statistics.interval.ms", 0)]),
        });
        own.insert("client.id", format!("klatsch-{}-{}", self.node, purpose.name()));
        let mut config = ClientConfig::new();
        config.set_log_level(log_level());
        for (name, value) in own {
            config.set(name, value);
        }
        for (name, value) in self.properties.expose() {
            config.set(canonical(name), value);
        }
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// A context for a client of a purpose.
    pub(super) fn context(&self, purpose: Purpose) -> Context {
        Context::new(purpose, self.metrics.clone())
    }

    fn appending(&self, most_bytes: usize) -> BTreeMap<&'static str, String> {
        properties([
            ("acks", "all".to_owned()),
            ("enable.idempotence", "true".to_owned()),
            ("compression.codec", "lz4".to_owned()),
            ("linger.ms", self.linger.as_millis().to_string()),
            ("message.timeout.ms", self.append_timeout.as_millis().to_string()),
            ("queue.buffering.max.messages", self.queue_records.to_string()),
            ("message.max.bytes", most_bytes.to_string()),
        ])
    }
}

/// The largest record with its key, headers and frame.
pub(super) const RECORD_BYTES: usize = log_record::MOST_BYTES + 64 * 1024;

/// What a dead letter has more than the record in it.
pub(super) const HEADERS_BYTES: usize = 64 * 1024;

/// What all clients are told, unless somebody asks for something else. Brokers that come back are noticed within
/// a second or two, and one that hangs is given up in ten.
fn everywhere() -> BTreeMap<&'static str, String> {
    properties([
        ("socket.keepalive.enable", "true"),
        ("socket.nagle.disable", "true"),
        ("socket.timeout.ms", "10000"),
        ("socket.connection.setup.timeout.ms", "5000"),
        ("reconnect.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"),
        ("retry.backoff.max.ms", "500"),
        ("statistics.interval.ms", &STATISTICS_MS.to_string()),
    ])
}

/// Signals may be lost, so one broker's word is enough and nothing is tried for long.
fn signalling() -> BTreeMap<&'static str, String> {
    properties([
        ("acks", "1"),
        ("enable.idempotence", "false"),
        ("linger.ms", "5"),
        ("message.timeout.ms", "3000"),
        ("queue.buffering.max.messages", "10000"),
    ])
}

/// A broker holds an empty fetch for a while and answers at once when a record comes, so the wait delays no
/// record. It does delay the first fetch of a partition that is added meanwhile, so it is short.
fn reading(group: &str) -> BTreeMap<&'static str, String> {
    properties([
        ("group.id", group),
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        ("auto.offset.reset", "error"),
        ("isolation.level", "read_uncommitted"),
        ("allow.auto.create.topics", "false"),
        ("fetch.min.bytes", "1"),
        ("fetch.wait.max.ms", "50"),
        ("fetch.queue.backoff.ms", "5"),
        ("fetch.error.backoff.ms", "100"),
        ("queued.max.messages.kbytes", "16384"),
    ])
}

/// A signal that is gone is no loss, so what comes next is what there is.
fn hearing(group: &str) -> BTreeMap<&'static str, String> {
    let mut properties = reading(group);
    properties.insert("auto.offset.reset", "latest".to_owned());
    properties.insert("fetch.wait.max.ms", "500".to_owned());
    properties
}

fn tailing(group: &str) -> BTreeMap<&'static str, String> {
    let mut properties = reading(group);
    properties.insert("fetch.wait.max.ms", "20".to_owned());
    properties.insert("enable.partition.eof", "true".to_owned());
    properties.insert("statistics.interval.ms", "0".to_owned());
    properties
}

/// A member that is gone is missed after ten seconds; assignments change for the partitions concerned only.
fn saving(group: &str) -> BTreeMap<&'static str, String> {
    let mut properties = reading(group);
    properties.insert("partition.assignment.strategy", "cooperative-sticky".to_owned());
    properties.insert("session.timeout.ms", "10000".to_owned());
    properties.insert("heartbeat.interval.ms", "2000".to_owned());
    properties
}

fn properties<V: ToString, const N: usize>(of: [(&'static str, V); N]) -> BTreeMap<&'static str, String> {
    of.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}

/// The one name of a property that has two, so that what somebody asks for replaces what stands here.
fn canonical(name: &str) -> &str {
    match name {
        "compression.type" => "compression.codec",
        "max.in.flight" => "max.in.flight.requests.per.connection",
        "fetch.message.max.bytes" => "max.partition.fetch.bytes",
        "sasl.mechanisms" => "sasl.mechanism",
        _ => name,
    }
}

/// librdkafka makes lines only for those who read them.
fn log_level() -> RDKafkaLogLevel {
    match log::log_enabled!(target: super::context::TARGET, log::Level::Debug) {
        true => RDKafkaLogLevel::Debug,
        false => RDKafkaLogLevel::Info,
    }
}
