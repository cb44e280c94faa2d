//! The records of a room's log: what is proposed to it, and what the fold made of a proposal.
//! Their bytes are the business of `wire`, their rows that of `storage`.

use std::sync::Arc;

use super::{Act, Deed, Message, Seq, Timestamp, User, UserId};

/// What a record says happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordKind {
    /// A member said something.
    Message(Message),
    /// The sender became a member.
    Joined,
    /// The sender is not a member any more.
    Left,
    /// The sender is called this from now on.
    Renamed(Arc<str>),
    /// The sender did something about others, or about the room.
    Act(Act),
}

impl RecordKind {
    /// What was said, where something was.
    pub fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) => Some(message),
            Self::Joined | Self::Left | Self::Renamed(_) | Self::Act(_) => None,
        }
    }

    /// What was done about others, where something was.
    pub const fn deed(&self) -> Option<&Deed> {
        match self {
            Self::Act(act) => Some(&act.deed),
            Self::Message(_) | Self::Joined | Self::Left | Self::Renamed(_) => None,
        }
    }

    /// The kind's name on the wire and in rows.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Message(_) => "message",
            Self::Joined => "joined",
            Self::Left => "left",
            Self::Renamed(_) => "renamed",
            Self::Act(act) => act.deed.name(),
        }
    }
}

/// What is appended to a room's log: a record that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Who acts; comes from the authenticated session, never from a payload (promise D6).
    pub sender: User,
    /// What they do.
    pub kind: RecordKind,
}

/// A record that every member sees, as the fold numbered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its number in the room.
    pub seq: Seq,
    /// The log's time of it; never before that of an earlier record of the room.
    pub at: Timestamp,
    /// Who acted.
    pub sender: User,
    /// What they did.
    pub kind: RecordKind,
}

impl Record {
    /// Who is a member no more by this record.
    pub const fn parted(&self) -> Option<&UserId> {
        match &self.kind {
            RecordKind::Left => Some(&self.sender.id),
            RecordKind::Act(Act { deed: Deed::Kick(user, _), .. }) => Some(&user.id),
            RecordKind::Act(Act { deed: Deed::Ban(ban), .. }) => Some(&ban.user.id),
            _ => None,
        }
    }

    /// The proposal that this record came from; folding it again gives this record.
    pub fn proposal(&self) -> Proposal {
        Proposal { sender: self.sender.clone(), kind: self.kind.clone() }
    }
}
