//! How clients of the brokers are made: options, and what librdkafka is told for each purpose.
//! Nothing is asked of a broker here.

use std::time::Duration;

use rdkafka::{ClientConfig, config::RDKafkaLogLevel, producer::BaseProducer};

use super::{
    context::Context,
    error::BrokerError,
    tuning::{self, Purpose},
};
use crate::{
    config::{KafkaProperties, KafkaSettings, SettingsError},
    telemetry::Metrics,
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
        let mut config = ClientConfig::new();
        config.set_log_level(log_level());
        for (name, value) in tuning::properties(self, purpose) {
            config.set(name, value);
        }
        // Only savers are members of a group, and a member's name is its own.
        let is_for = |name: &str| purpose == Purpose::Saver || name != "group.instance.id";
        for (name, value) in self.properties.expose().filter(|(name, _)| is_for(name)) {
            config.set(tuning::canonical(name), value);
        }
        config.set("client.id", format!("klatsch-{}-{}", self.node, purpose.name()));
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// A context for a client of a purpose.
    pub(super) fn context(&self, purpose: Purpose) -> Context {
        Context::new(purpose, self.metrics.clone())
    }
}

/// librdkafka makes lines only for those who read them.
fn log_level() -> RDKafkaLogLevel {
    match log::log_enabled!(target: super::context::TARGET, log::Level::Debug) {
        true => RDKafkaLogLevel::Debug,
        false => RDKafkaLogLevel::Info,
    }
}
