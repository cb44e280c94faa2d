//! `[log]`: which log orders the records of a room.
//! Not the logging of the program, which is `[telemetry]`.

use serde::{Deserialize, Serialize};

/// Settings of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSettings {
    /// Which log it is.
    pub kind: LogKind,
}

/// The kinds of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LogKind {
    /// The database is the log; one node, no other service.
    Embedded,
    /// Apache Kafka is the log; any number of nodes on one database.
    Kafka,
}

impl TryFrom<String> for LogKind {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "embedded" => Ok(Self::Embedded),
            "kafka" => Ok(Self::Kafka),
            _ => Err("embedded or kafka"),
        }
    }
}

impl From<LogKind> for String {
    fn from(kind: LogKind) -> Self {
        match kind {
            LogKind::Embedded => "embedded".to_owned(),
            LogKind::Kafka => "kafka".to_owned(),
        }
    }
}
