//! Everything that can happen in a cluster.
//! What follows is in the files beside this one.

use klatsch::log::{
    Partition,
    kafka::{
        Entry, Offset,
        saver::{self, Step},
    },
};

use super::{faults::Fault, saving::Answer, topic::Append};
use crate::{
    node::NodeRef,
    talk::{Frame, Peer, Request},
    update::Signal,
    virtual_database::Loaded,
};

/// What happens.
#[derive(Debug)]
pub(super) enum Event {
    /// A client does something of its own accord.
    Act(usize),
    /// A client hears something.
    Hear(Peer, Box<Frame>),
    /// Something reaches a node.
    Node(NodeRef, Box<ToNode>),
    /// An append reaches the log.
    Append(Append),
    /// A node asks the database for a room.
    Load(NodeRef, u64),
    /// A node asks the log where a partition begins and ends.
    Extent(NodeRef, u64, Partition),
    /// A node reads a part of a partition.
    Tail(NodeRef, u64, Offset),
    /// A step of a saver reaches the database, or the topic of dead letters.
    Save(NodeRef, Step),
    /// A transaction of which nobody waits for the outcome any more.
    LateCommit(Step),
    /// The members of the savers' group are counted anew.
    Rebalance,
    Fault(Fault),
    /// It is looked whether everything has come to rest.
    Look,
}

/// What reaches a node.
#[derive(Debug)]
pub(super) enum ToNode {
    Request(Request),
    Loaded(u64, Option<Loaded>),
    /// Where the partition begins and ends.
    Extent(u64, Option<(Offset, Offset)>),
    Tail(u64, Option<Vec<Entry>>, Offset),
    Signal(Signal),
    GiveUp(u64),
    Poll,
    /// A room has mail.
    Run(u64),
    LookWhetherIdle(u64),
    AppendFailed(Append),
    Group(saver::Event),
    /// The savers' group goes on without it.
    PutOut,
    PollForSaver,
    Saved(Answer),
    SaveAgain,
}
