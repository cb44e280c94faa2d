//! A client: one user in one room through one connection at a time, who repeats what was not answered.
//! It knows only what it was told; what it does when is for the cluster to say.

use std::collections::BTreeMap;

use klatsch::domain::{RoomId, Seq, User};

use crate::{
    node::NodeRef,
    schedule::{Line, Millis},
    talk::Peer,
};

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) user: User,
    pub(crate) room: RoomId,
    pub(crate) link: Option<Link>,
    /// The last record that it has, once it has begun to read.
    pub(crate) position: Option<Seq>,
    /// What it said and has no answer to, by number.
    pub(crate) pending: BTreeMap<u64, Pending>,
    pub(crate) sent: u64,
    /// The node of the last connection.
    pub(crate) former: Option<NodeRef>,
    sessions: u64,
}

/// A connection to a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Link {
    pub(crate) session: u64,
    pub(crate) node: NodeRef,
    pub(crate) joined: bool,
    pub(crate) since: Millis,
    pub(crate) up: Line,
    pub(crate) down: Line,
}

/// A message without an answer.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) text: String,
    pub(crate) asked_at: Millis,
    /// What the client knew when it said this first: it must come to stand after that.
    pub(crate) floor: Seq,
}

impl Client {
    /// A client that is not connected.
    pub(crate) fn new(user: User, room: RoomId) -> Self {
        Self {
            user,
            room,
            link: None,
            position: None,
            pending: BTreeMap::new(),
            sent: 0,
            former: None,
            sessions: 0,
        }
    }

    /// Begins a connection.
    pub(crate) fn connect(&mut self, node: NodeRef, since: Millis) -> u64 {
        self.sessions += 1;
        self.former = Some(node);
        let (session, up, down) = (self.sessions, Line::default(), Line::default());
        self.link = Some(Link { session, node, joined: false, since, up, down });
        session
    }

    /// Whether what a session says is heard; what has none always is.
    pub(crate) fn hears(&self, peer: Peer) -> bool {
        peer.session == 0 || self.link.is_some_and(|link| link.session == peer.session)
    }

    /// Whether it reads its room.
    pub(crate) fn is_joined(&self) -> bool {
        self.link.is_some_and(|link| link.joined)
    }
}
