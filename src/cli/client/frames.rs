//! The frames of the native protocol as a client sees them: requests it writes, answers and pushes it reads.
//! Not the server's codec: the load tool keeps its own, so that a fault in that one cannot hide itself.

use serde::{Deserialize, Serialize};

/// What a client asks. `id` comes back with the reply.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Request<'a> {
    /// Names the user of this socket; must come first.
    Connect {
        /// The nickname to take, or to take again.
        nickname: &'a str,
        /// What lets the same user in again after a lost socket.
        secret: &'a str,
    },
    /// Becomes a member of a room and follows its records.
    Join {
        /// Repeated by the reply.
        id: u64,
        /// The room's id.
        room: &'a str,
        /// Where an earlier subscription ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<&'a Position>,
    },
    /// Posts a message.
    Send {
        /// Repeated by the reply.
        id: u64,
        /// The room's id.
        room: &'a str,
        /// The text.
        body: &'a str,
        /// Makes a repeat of this send harmless.
        client_id: &'a str,
    },
    /// Asks for a sign of life.
    Ping,
}

/// A place in a room's log.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Position {
    /// Changes only if the log was lost or replaced.
    pub epoch: String,
    /// Dense within a room; 0 is before the first record.
    pub seq: u64,
}

/// What a server says, with as much of its records as the caller wants to know. Kinds that nobody here has a use
/// for are [`Incoming::Other`].
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Incoming<R = Record> {
    /// The answer to [`Request::Connect`].
    Connected(Connected),
    /// The answer to [`Request::Join`].
    Joined(Joined),
    /// The answer to [`Request::Send`]: the record is durable.
    Ack(Ack),
    /// One record of a room.
    Record(R),
    /// Several records of one room, in order.
    Records {
        /// The records.
        records: Vec<R>,
    },
    /// A request was refused.
    Error(Refusal),
    /// Anything else.
    #[serde(other)]
    Other,
}

/// Who this socket is now.
#[derive(Debug, Deserialize)]
pub struct Connected {
    /// Given to a new guest: the bearer token for HTTP.
    pub token: Option<String>,
}

/// A subscription has begun.
#[derive(Debug, Deserialize)]
pub struct Joined {
    /// The head after the join; every record above it is live.
    pub position: Position,
    /// Whether the `after` of the request was honoured; absent if there was none.
    pub recovered: Option<bool>,
}

/// A send has become durable.
#[derive(Debug, Deserialize)]
pub struct Ack {
    /// The id of the request.
    pub id: u64,
    /// The record's place.
    pub seq: u64,
    /// The record's time.
    pub at: String,
}

/// The part of a record that a load tool needs.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// The record's place.
    pub seq: u64,
    /// What the sender named it.
    pub client_id: Option<String>,
    /// The text, of a message.
    pub body: Option<String>,
}

/// Why a request was not honoured.
#[derive(Debug, Deserialize)]
pub struct Refusal {
    /// The id of the request, if it had one.
    pub id: Option<u64>,
    /// The name in the table of codes.
    pub code: String,
    /// What to do about it: `no`, `later` or `reconnect`.
    pub retry: String,
    /// How long to wait before the same request may succeed.
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// The wait that the server asks for, in milliseconds; `None` if waiting does not help.
    pub fn wait_ms(&self) -> Option<u64> {
        (self.retry == "later").then(|| self.retry_after_ms.unwrap_or(DEFAULT_WAIT_MS))
    }
}

const DEFAULT_WAIT_MS: u64 = 250;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_and_fields_are_passed_over() {
        let push = r#"{"type":"room","change":"created","room":{"id":"r"}}"#;
        assert!(matches!(serde_json::from_str(push), Ok(Incoming::<Record>::Other)));
        let record = r#"{"type":"record","room":"r","seq":7,"kind":"left","at":"2026-01-01T00:00:00.000Z"}"#;
        assert!(matches!(serde_json::from_str(record), Ok(Incoming::Record(Record { seq: 7, .. }))));
    }

    #[test]
    fn a_refusal_says_whether_waiting_helps() {
        let later = r#"{"type":"error","code":"rate_limited","retry":"later","retry_after_ms":40}"#;
        let Ok(Incoming::<Record>::Error(refusal)) = serde_json::from_str(later) else {
            panic!("not a refusal")
        };
        assert_eq!(refusal.wait_ms(), Some(40));
        let never = r#"{"type":"error","code":"invalid","retry":"no"}"#;
        let Ok(Incoming::<Record>::Error(refusal)) = serde_json::from_str(never) else {
            panic!("not a refusal")
        };
        assert_eq!(refusal.wait_ms(), None);
    }
}
