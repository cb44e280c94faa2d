//! `[kafka]`: where the brokers are and how the Kafka log uses them.
//! Not a client: nothing is asked here, and nothing of this matters to the embedded log.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    SettingsError,
    bounds::within,
    properties::{self, KafkaProperties},
};

/// Settings of the Kafka log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaSettings {
    /// Brokers to ask for all the others, HOST:PORT with commas between.
    pub brokers: Brokers,
    /// What the names of topics start with.
    pub topic_prefix: TopicPrefix,
    /// Whether a node creates topics that are missing.
    pub create_topics: bool,
    /// Partitions of the rooms' topic when it is created, 1 to 10,000.
    #[serde(deserialize_with = "within::<1, 10_000, _, _>")]
    pub partitions: i32,
    /// Replicas of topics that are created, 0 (the broker's default) to 100.
    #[serde(deserialize_with = "within::<0, 100, _, _>")]
    pub replication: i32,
    /// Replicas that must have a record, 0 (the broker's default) to 100.
    #[serde(deserialize_with = "within::<0, 100, _, _>")]
    pub min_insync_replicas: i32,
    /// Milliseconds that a record waits for others to travel with, 0 to 1,000.
    #[serde(deserialize_with = "within::<0, 1_000, _, _>")]
    pub linger_ms: u64,
    /// Milliseconds after which a record that is not in the log is given up, 100 to 300,000.
    #[serde(deserialize_with = "within::<100, 300_000, _, _>")]
    pub append_timeout_ms: u64,
    /// Records that may be under way to the brokers, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub queue_records: usize,
    /// Bytes of recent records kept for each partition that is read, 0 to 1 GiB.
    #[serde(deserialize_with = "within::<0, 1_073_741_824, _, _>")]
    pub ring_bytes: usize,
    /// Seconds between two comparisons of what was read with what there is, 1 to 3,600.
    #[serde(deserialize_with = "within::<1, 3_600, _, _>")]
    pub watchdog_s: u64,
    /// Properties of librdkafka, passed through.
    pub properties: KafkaProperties,
    /// Files that hold the values of properties.
    pub property_files: BTreeMap<String, PathBuf>,
}

impl KafkaSettings {
    /// When a record that is not in the log is given up.
    pub fn append_timeout(&self) -> Duration {
        Duration::from_millis(self.append_timeout_ms)
    }

    /// Time between two comparisons of what was read with what there is.
    pub fn watchdog(&self) -> Duration {
        Duration::from_secs(self.watchdog_s)
    }

    /// The properties with those from files among them; a file's content is trimmed.
    ///
    /// # Errors
    /// The file that cannot be read.
    pub fn all_properties(&self) -> Result<KafkaProperties, SettingsError> {
        let mut all = self.properties.clone();
        for (property, file) in &self.property_files {
            let value = fs::read_to_string(file).map_err(|source| SettingsError::PropertyFile {
                property: property.clone(),
                file: file.clone(),
                source,
            })?;
            all.insert(property, value.trim().to_owned());
        }
        Ok(all)
    }

    /// The setting that gives a property which is refused, the property, and why.
    pub(super) fn refused_property(&self) -> Option<(&'static str, &str, &'static str)> {
        let given = self.properties.expose().map(|(name, value)| ("kafka.properties", name, value));
        let filed = self.property_files.keys().map(|name| ("kafka.property_files", name.as_str(), ""));
        let mut refused = given
            .chain(filed)
            .filter_map(|(table, name, value)| Some((table, name, properties::refusal(name, value)?)));
        refused.next()
    }
}

/// Addresses of brokers: HOST:PORT, with commas between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Brokers(String);

impl Brokers {
    /// The addresses as the client takes them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Brokers {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |broker: &str| {
            broker.rsplit_once(':').is_some_and(|(host, port)| {
                let host_fits = |c: char| !c.is_whitespace() && !"/@?#".contains(c);
                !host.is_empty()
                    && host.chars().all(host_fits)
                    && port.parse::<u16>().is_ok_and(|port| port > 0)
            })
        };
        let brokers: Vec<&str> = text.split(',').map(str::trim).collect();
        if brokers.iter().all(|broker| fits(broker)) {
            Ok(Self(brokers.join(",")))
        } else {
            Err(
                "HOST:PORT of one broker or of several with commas between, such as kafka-1:9092,kafka-2:9092",
            )
        }
    }
}

impl From<Brokers> for String {
    fn from(brokers: Brokers) -> Self {
        brokers.0
    }
}

/// What the names of topics and groups start with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicPrefix(String);

impl TopicPrefix {
    /// The prefix, without the dot behind it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TopicPrefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if (1..=100).contains(&text.len()) && text.bytes().all(fits) && !text.starts_with('.') {
            Ok(Self(text))
        } else {
            Err("1 to 100 letters, digits, dots, dashes or underscores, no dot at the start")
        }
    }
}

impl From<TopicPrefix> for String {
    fn from(prefix: TopicPrefix) -> Self {
        prefix.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brokers_are_hosts_with_ports() {
        let parse = |text: &str| Brokers::try_from(text.to_owned());
        assert_eq!(parse("a:9092, [::1]:9093").unwrap().as_str(), "a:9092,[::1]:9093");
        for bad in ["", "a", "a:", ":9092", "a:0", "a:65536", "a:9092,", "kafka://a:9092", "u:p@a:9092"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_prefix_makes_names_that_kafka_takes() {
        let parse = |text: &str| TopicPrefix::try_from(text.to_owned());
        assert!(parse("staging.klatsch-2_x").is_ok());
        for bad in ["", ".klatsch", "kla tsch", &"k".repeat(101)] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
