//! What clients and rooms say to each other, and who is meant.
//! How it gets there is not known here.

use klatsch::domain::{Act, ClientId, Code, FirstSend, MessageBody, Missing, Record, RoomId, Seq, User};

/// A connection of a client; session 0 stands for requests that need none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer {
    pub(crate) client: usize,
    pub(crate) session: u64,
}

/// What a client asks of its room.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) peer: Peer,
    pub(crate) user: User,
    pub(crate) room: RoomId,
    /// What made its user a member before it reached a node, if they are one.
    pub(crate) membership: Option<Seq>,
    /// How many records had said who may do what when it reached a node, if it was allowed by them.
    pub(crate) right: Option<u64>,
    pub(crate) ask: Ask,
}

/// The question.
#[derive(Debug, Clone)]
pub(crate) enum Ask {
    Subscribe(Start),
    Send { number: u64, client_id: Option<ClientId>, body: MessageBody },
    Leave,
    Act(Act),
    Unsubscribe,
    History { after: Seq },
}

/// Where a subscription starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Live,
    Last(Seq),
    After(Seq),
}

/// What a client hears.
#[derive(Debug, Clone)]
pub(crate) enum Frame {
    /// The subscription begins after this record.
    Joined {
        after: Seq,
        missing: Option<Missing>,
    },
    Record(Record),
    Ack {
        number: u64,
        first: FirstSend,
        repeated: bool,
    },
    Refused {
        number: Option<u64>,
        code: Code,
    },
    /// What was to be done about others is so.
    Done(Option<Record>),
    /// The subscription has ended, for its user is no member any more.
    Parted,
    Left,
    /// The connection is gone.
    Closed,
}
