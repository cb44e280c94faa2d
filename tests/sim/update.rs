//! A room that a node brings up to date, for what, and what the dispatch says of it.
//! How that is done is for the cluster to say.

use std::{fmt, sync::Arc};

use klatsch::{
    domain::{Record, RoomId, RoomState, Seq},
    log::{
        Partition,
        kafka::{Offset, dispatch::AttachError},
    },
};

use crate::talk::Peer;

/// A room that is being brought up to date.
pub(crate) struct Update {
    pub(crate) room: RoomId,
    pub(crate) why: Why,
    pub(crate) partition: Partition,
    pub(crate) from: Offset,
    pub(crate) until: Offset,
    pub(crate) state: RoomState,
    pub(crate) records: Vec<Record>,
    pub(crate) tries: u32,
    /// Whether the savers were given a moment to store what is wanted.
    pub(crate) waited: bool,
    /// The head that everybody may rely on since this was asked.
    pub(crate) asked_head: Seq,
    /// Dropped when nobody waits for it any more.
    pub(crate) wanted: Arc<()>,
}

/// What for.
#[derive(Debug, Clone)]
pub(crate) enum Why {
    Open {
        run: Box<str>,
    },
    /// A reader of this opening of the room lacks the records up to a number.
    CatchUp {
        peer: Peer,
        opening: u64,
        after: Seq,
        to: Seq,
    },
    /// Somebody asked for history.
    History {
        after: Seq,
    },
}

/// What the dispatch said.
pub(crate) enum Signal {
    Opened(u64, Result<RoomState, AttachError>),
    Read(u64, Result<(RoomState, Vec<Record>), AttachError>),
    Settled(u64),
}

/// States are shown by their heads: what is in them has no order.
impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Opened(number, Ok(state)) => write!(f, "Opened({number}, head {})", state.head()),
            Self::Read(number, Ok((state, more))) => {
                write!(f, "Read({number}, head {}, {} records)", state.head(), more.len())
            }
            Self::Opened(number, Err(error)) | Self::Read(number, Err(error)) => {
                write!(f, "NotAttached({number}, {error:?})")
            }
            Self::Settled(number) => write!(f, "Settled({number})"),
        }
    }
}

impl Update {
    /// An update of which only the room and the reason are known.
    pub(crate) fn new(room: RoomId, why: Why, asked_head: Seq) -> Self {
        let (partition, from, until, state, records, tries, waited, wanted) = Default::default();
        Self { room, why, partition, from, until, state, records, tries, waited, asked_head, wanted }
    }
}
