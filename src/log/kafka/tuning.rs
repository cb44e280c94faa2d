//! What librdkafka is told for each purpose of a client, unless somebody asks for something else.
//! What carries a promise nobody can ask otherwise; the settings see to that.

use std::collections::BTreeMap;

use super::client::KafkaOptions;
use crate::wire::log_record;

/// What a client is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
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
    /// Whether its client lives long enough, and is heard often enough, to tell statistics.
    pub(super) fn tells_statistics(self) -> bool {
        !matches!(self, Self::Tail | Self::Asker | Self::Admin)
    }

    /// Its name in metrics, log lines and clients' names.
    pub(super) fn name(self) -> &'static str {
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

/// The properties of clients of a purpose.
pub(super) fn properties(options: &KafkaOptions, purpose: Purpose) -> Properties {
    let group = &options.names.reader_group;
    let mut properties = everywhere();
    properties.extend(match purpose {
        Purpose::Producer => appending(options, RECORD_BYTES),
        Purpose::DeadLetters => appending(options, RECORD_BYTES + HEADERS_BYTES),
        Purpose::SignalsProducer => signalling(),
        Purpose::Reader => reading(group),
        Purpose::SignalsReader => hearing(group),
        Purpose::Tail => tailing(group),
        Purpose::Saver => saving(&options.names.saver_group),
        Purpose::Admin | Purpose::Asker => Properties::new(),
    });
    let statistics_ms = if purpose.tells_statistics() { STATISTICS_MS } else { 0 };
    properties.insert("statistics.interval.ms", statistics_ms.to_string());
    properties
}

/// The one name of a property that has two, so that what somebody asks for replaces what stands here.
pub(super) fn canonical(name: &str) -> &str {
    match name {
        "compression.type" => "compression.codec",
        "max.in.flight" => "max.in.flight.requests.per.connection",
        "fetch.message.max.bytes" => "max.partition.fetch.bytes",
        "sasl.mechanisms" => "sasl.mechanism",
        _ => name,
    }
}

type Properties = BTreeMap<&'static str, String>;

/// The largest record with its key, headers and frame.
pub(super) const RECORD_BYTES: usize = log_record::MOST_BYTES + 64 * 1024;

/// What a dead letter has more than the record in it.
pub(super) const HEADERS_BYTES: usize = 64 * 1024;

/// How often a client asks for the partitions that there are, in milliseconds. A new room may get a partition that
/// was added only when every client has asked again since; see `cluster`.
const METADATA_MS: &str = "3000";

/// What all clients are told, unless somebody asks for something else. Brokers that come back are noticed within
/// a second or two, and one that hangs is given up in ten.
fn everywhere() -> Properties {
    these([
        ("socket.keepalive.enable", "true"),
        ("socket.nagle.disable", "true"),
        ("socket.timeout.ms", "10000"),
        ("socket.connection.setup.timeout.ms", "5000"),
        ("reconnect.backoff.ms", "50"),
        ("reconnect.backoff.max.ms", "1000"),
        ("retry.backoff.max.ms", "500"),
        ("topic.metadata.refresh.interval.ms", METADATA_MS),
    ])
}

/// Whatever a record's ack promises comes from here.
fn appending(options: &KafkaOptions, most_bytes: usize) -> Properties {
    these([
        ("acks", "all".to_owned()),
        ("enable.idempotence", "true".to_owned()),
        ("compression.codec", "lz4".to_owned()),
        ("linger.ms", options.linger.as_millis().to_string()),
        ("message.timeout.ms", options.append_timeout.as_millis().to_string()),
        ("queue.buffering.max.messages", options.queue_records.to_string()),
        ("message.max.bytes", most_bytes.to_string()),
    ])
}

/// Signals may be lost, so one broker's word is enough and nothing is tried for long.
fn signalling() -> Properties {
    these([
        ("acks", "1"),
        ("enable.idempotence", "false"),
        ("linger.ms", "5"),
        ("message.timeout.ms", "3000"),
        ("queue.buffering.max.messages", "10000"),
    ])
}

/// A broker holds an empty fetch for a while and answers at once when a record comes, so the wait delays no
/// record. It does delay the first fetch of a partition that is added meanwhile, so it is short.
fn reading(group: &str) -> Properties {
    these([
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
fn hearing(group: &str) -> Properties {
    let mut properties = reading(group);
    properties.insert("auto.offset.reset", "latest".to_owned());
    properties.insert("fetch.wait.max.ms", "500".to_owned());
    properties
}

fn tailing(group: &str) -> Properties {
    let mut properties = reading(group);
    properties.insert("fetch.wait.max.ms", "20".to_owned());
    properties.insert("enable.partition.eof", "true".to_owned());
    properties
}

/// A member that is gone is missed after ten seconds; assignments change for the partitions concerned only. Nobody
/// waits for a saver, so the brokers gather a little for it: fewer fetches, and fewer transactions.
fn saving(group: &str) -> Properties {
    let mut properties = reading(group);
    properties.insert("partition.assignment.strategy", "cooperative-sticky".to_owned());
    properties.insert("session.timeout.ms", "10000".to_owned());
    properties.insert("heartbeat.interval.ms", "2000".to_owned());
    properties.insert("fetch.min.bytes", "32768".to_owned());
    properties.insert("fetch.wait.max.ms", "100".to_owned());
    properties
}

fn these<V: ToString, const N: usize>(of: [(&'static str, V); N]) -> Properties {
    of.into_iter().map(|(name, value)| (name, value.to_string())).collect()
}
