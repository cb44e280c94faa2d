//! What clients of a room did and saw, and what each node says its history is: all that a judge gets to see.
//! Only data; who gathers it may be real clients or a simulation, and what it means `judge` decides.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

/// Somebody, as records show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct User {
    /// The server's id.
    pub id: String,
    /// The name.
    pub nickname: String,
}

/// One record of a room, as a client gets it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
pub struct Record {
    /// Its place.
    pub seq: u64,
    /// `message`, `joined`, `left`.
    pub kind: String,
    /// Whose it is.
    pub sender: User,
    /// The log's time, in RFC 3339 with milliseconds and `Z`, which sorts as text.
    pub at: String,
    /// What the sender named it, of a message.
    #[serde(default)]
    pub client_id: Option<String>,
    /// The text, of a message.
    #[serde(default)]
    pub body: Option<String>,
}

/// An acknowledgement that a sender got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// Where the message is said to stand.
    pub seq: u64,
    /// When it is said to have got there.
    pub at: String,
    /// When the sender heard it, since the start of the run.
    pub heard_at: Duration,
}

/// One message that somebody tried to send, however often.
#[derive(Clone, Debug)]
pub struct Send {
    /// The id of who sent it.
    pub sender: String,
    /// Its name, unique for its sender.
    pub client_id: String,
    /// Its text.
    pub body: String,
    /// The node that it was first sent to.
    pub node: usize,
    /// When it was first sent, since the start of the run.
    pub sent_at: Duration,
    /// Every acknowledgement; none if its fate is unknown.
    pub acks: Vec<Ack>,
    /// It was tried once only and refused in a way that says it never will be there.
    pub is_refused: bool,
}

/// How a server began a subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Which log this is.
    pub epoch: String,
    /// The head then: what follows is live.
    pub position: u64,
    /// Whether the reader's position was honoured; `None` if it gave none.
    pub recovered: Option<bool>,
}

/// One subscription: from a request to follow the room to the loss of that connection.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Who reads, over all its subscriptions.
    pub reader: usize,
    /// The node that it reads from.
    pub node: usize,
    /// The last place that the reader knew.
    pub after: Option<u64>,
    /// What the server answered; `None` if the connection was lost before.
    pub answer: Option<Answer>,
    /// Everything that came, in the order it came.
    pub records: Vec<Arc<Record>>,
    /// It lasted to the end of the run, when there was nothing more to come.
    pub is_open: bool,
}

/// The whole history of the room as one node gives it, after everything has settled.
#[derive(Clone, Debug)]
pub struct History {
    /// The node.
    pub node: usize,
    /// Which log this is.
    pub epoch: String,
    /// Where the node says the room ends.
    pub head: u64,
    /// Its records, in the order they were given.
    pub records: Vec<Arc<Record>>,
}

/// Everything known about one room.
#[derive(Clone, Debug, Default)]
pub struct RoomEvidence {
    /// Its name, for examples.
    pub name: String,
    /// The ids that nodes gave for that name.
    pub ids: BTreeSet<String>,
    /// Users who may be seen in it.
    pub users: Vec<String>,
    /// What was sent.
    pub sends: Vec<Send>,
    /// What was read live.
    pub readings: Vec<Reading>,
    /// What stands in it. Without any, nothing is judged that needs one.
    pub histories: Vec<History>,
}
