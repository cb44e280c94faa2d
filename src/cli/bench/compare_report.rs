//! The report of a comparison: one table with a column for each log.
//! Only presents; says nothing about which is better.

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::chat_report::ChatReport;

/// Processor time of the processes that took part; `None` where there is none of that kind, or it was not found.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Cpu {
    /// The server.
    #[serde(serialize_with = "seconds")]
    pub(super) server: Duration,
    /// The Kafka broker.
    #[serde(serialize_with = "seconds_if_any")]
    pub(super) broker: Option<Duration>,
    /// The database's server.
    #[serde(serialize_with = "seconds_if_any")]
    pub(super) database: Option<Duration>,
}

/// What one log showed.
#[derive(Debug, Serialize)]
pub(super) struct Side {
    /// What its clients saw.
    #[serde(flatten)]
    pub(super) chat: ChatReport,
    /// What it cost, until everything was stored.
    pub(super) cpu: Cpu,
}

/// Both logs beside each other.
#[derive(Debug, Serialize)]
pub(super) struct CompareReport {
    pub(super) users: u64,
    pub(super) rooms: u64,
    pub(super) database: &'static str,
    pub(super) embedded: Side,
    pub(super) kafka: Side,
}

impl Cpu {
    /// What was spent since an earlier reading.
    pub(super) fn since(&self, before: Self) -> Self {
        let since = |now: Option<Duration>, before: Option<Duration>| {
            now.zip(before).map(|(now, before)| now.saturating_sub(before))
        };
        Self {
            server: self.server.saturating_sub(before.server),
            broker: since(self.broker, before.broker),
            database: since(self.database, before.database),
        }
    }
}

impl CompareReport {
    /// Whether both logs kept every promise.
    pub(super) fn is_clean(&self) -> bool {
        self.embedded.chat.is_clean() && self.kafka.chat.is_clean()
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, name: &str, cell: impl Fn(&Side) -> String) -> fmt::Result {
        writeln!(f, "| {name:<34} | {:>12} | {:>12} |", cell(&self.embedded), cell(&self.kafka))
    }
}

impl fmt::Display for CompareReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { users, rooms, database, embedded, .. } = self;
        let messages = embedded.chat.messages;
        writeln!(
            f,
            "{users} users, {rooms} rooms, {messages} messages, each sender one in flight; {database}"
        )?;
        writeln!(f)?;
        writeln!(f, "| {:<34} | {:>12} | {:>12} |", "", "embedded", "kafka")?;
        writeln!(f, "|{:-<36}|{:->13}:|{:->13}:|", "", "", "")?;
        self.row(f, "response time, mean", |side| ms(side.chat.response.mean_ms))?;
        self.row(f, "response time, p50", |side| ms(side.chat.response.p50_ms))?;
        self.row(f, "response time, p95", |side| ms(side.chat.response.p95_ms))?;
        self.row(f, "response time, p99", |side| ms(side.chat.response.p99_ms))?;
        self.row(f, "send to delivery, p99", |side| ms(side.chat.delivery.p99_ms))?;
        self.row(f, "messages a second", |side| format!("{:.0}", side.chat.messages_per_s))?;
        self.row(f, "CPU of the server", |side| cpu(Some(side.cpu.server)))?;
        self.row(f, "CPU of the broker", |side| cpu(side.cpu.broker))?;
        self.row(f, "CPU of the database", |side| match *database {
            "SQLite" => "in server".to_owned(),
            _ => cpu(side.cpu.database),
        })?;
        self.row(f, "messages lost", |side| side.chat.faults.lost.to_string())?;
        self.row(f, "messages duplicated or reordered", |side| {
            (side.chat.faults.duplicated + side.chat.faults.reordered).to_string()
        })
    }
}

fn ms(milliseconds: f64) -> String {
    format!("{milliseconds:.2} ms")
}

fn cpu(spent: Option<Duration>) -> String {
    spent.map_or_else(|| "-".to_owned(), |spent| format!("{:.2} s", spent.as_secs_f64()))
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

fn seconds_if_any<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(serializer)
}
