//! A client's frame as it was read: command, headers, body.
//! What its headers mean, and which of them it must have, is judged in `request`.

use std::fmt;

/// What a client can ask for. Names are case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// CONNECT, or STOMP, which is the same.
    Connect,
    /// SEND.
    Send,
    /// SUBSCRIBE.
    Subscribe,
    /// UNSUBSCRIBE.
    Unsubscribe,
    /// ACK.
    Ack,
    /// NACK, from 1.1 on.
    Nack,
    /// BEGIN.
    Begin,
    /// COMMIT.
    Commit,
    /// ABORT.
    Abort,
    /// DISCONNECT.
    Disconnect,
    /// Anything else that looks like a command; kept so that the ERROR can name the frame's receipt.
    Unknown(Box<str>),
}

impl Command {
    /// The command of a frame's first line; nothing where it cannot be one: 1 to 32 capital letters.
    pub(super) fn parse(line: &[u8]) -> Option<Self> {
        Some(match line {
            b"CONNECT" | b"STOMP" => Self::Connect,
            b"SEND" => Self::Send,
            b"SUBSCRIBE" => Self::Subscribe,
            b"UNSUBSCRIBE" => Self::Unsubscribe,
            b"ACK" => Self::Ack,
            b"NACK" => Self::Nack,
            b"BEGIN" => Self::Begin,
            b"COMMIT" => Self::Commit,
            b"ABORT" => Self::Abort,
            b"DISCONNECT" => Self::Disconnect,
            _ if (1..=32).contains(&line.len()) && line.iter().all(u8::is_ascii_uppercase) => {
                Self::Unknown(str::from_utf8(line).ok()?.into())
            }
            _ => return None,
        })
    }

    /// Its name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Connect => "CONNECT",
            Self::Send => "SEND",
            Self::Subscribe => "SUBSCRIBE",
            Self::Unsubscribe => "UNSUBSCRIBE",
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::Begin => "BEGIN",
            Self::Commit => "COMMIT",
            Self::Abort => "ABORT",
            Self::Disconnect => "DISCONNECT",
            Self::Unknown(name) => name,
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A whole frame. Of headers that repeat only the first is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The command.
    pub command: Command,
    /// Names and values without escapes, in their order; no name is there twice.
    pub headers: Vec<(String, String)>,
    /// The body, which may be any bytes.
    pub body: Vec<u8>,
}

impl Frame {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// A header's value among others.
pub(super) fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}
