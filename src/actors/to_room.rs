//! What can be said to a room, and its answers.
//! What it does about it is in `room`.

use std::sync::Arc;

use actix::Message as ActixMessage;
use serde::Serialize;

use super::{
    reply::Reply,
    subscriber::{Greet, SubscriberId, Subscription},
};
use crate::domain::{
    Access, Act, Epoch, FirstSend, Message, Missing, Penalty, Position, PositionText, Purpose, Resume, Role,
    RoomInfo, Seq, User, Viewer,
};

/// What a room is asked.
#[derive(ActixMessage)]
#[rtype(result = "()")]
pub(super) enum ToRoom {
    /// Say something.
    Send { sender: User, message: Message, reply: Reply<Sent> },
    /// Say all of this, or nothing; or tell whether that could be done.
    SendAll(SendAll),
    /// Become a member.
    Join { sender: User, reply: Reply<RoomInfo> },
    /// Be a member no more; `through` is the subscription that needs no word of it.
    Leave { sender: User, through: Option<SubscriberId>, reply: Reply<()> },
    /// Read the room; whoever is somebody becomes a member first.
    Subscribe(Subscribe),
    /// Go on after a replay that the room did not have in memory.
    Continue { id: SubscriberId, after: Seq, reply: Reply<Subscribed> },
    /// Read the room no more.
    Unsubscribe { id: SubscriberId, reply: Reply<()> },
    /// Do something about others.
    Act { sender: User, act: Act, reply: Reply<()> },
    /// Be called otherwise from now on; no error for who is no member.
    Rename { sender: User, nickname: Arc<str>, reply: Reply<()> },
    /// Show the room to somebody who may see this of it.
    Show { viewer: Viewer, access: Access, reply: Reply<RoomInfo> },
    /// List members who joined after a record, each with what they are.
    Members { viewer: Viewer, after: Seq, limit: usize, reply: Reply<Vec<(Seq, User, Role)>> },
    /// Say what somebody is in the room.
    Standing { viewer: Viewer, user: User, reply: Reply<Standing> },
    /// List what is held against people.
    Penalties { viewer: Viewer, which: Penalties, reply: Reply<Vec<Penalty>> },
}

/// What is held against people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Penalties {
    /// That they may not speak.
    Mutes,
    /// That they are kept out.
    Bans,
}

/// What somebody is in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who, as they are called there.
    pub user: User,
    /// As what; nothing where they are neither a member nor the owner.
    pub role: Option<Role>,
    /// Whether they are a member.
    pub member: bool,
    /// Whether they are expected to join.
    pub invited: bool,
    /// What keeps them from speaking, for who may see it.
    pub mute: Option<Penalty>,
    /// What keeps them out, for who may see it.
    pub ban: Option<Penalty>,
}

/// Messages that are said together or not at all.
pub(super) struct SendAll {
    /// Who acts.
    pub sender: User,
    /// In this order, and who is told of each; they get one and the same refusal.
    pub messages: Vec<(Message, Reply<()>)>,
    /// Whether they are said, or only judged.
    pub purpose: Purpose,
}

/// A wish to read a room.
pub(super) struct Subscribe {
    /// Who becomes a member by it; nobody where the room is only read.
    pub sender: Option<User>,
    /// Through which connection.
    pub subscription: Subscription,
    /// What of the past comes first.
    pub start: Start,
    /// How the reader is greeted.
    pub greet: Greet,
    /// Told how it goes on, after the greeting is under way.
    pub reply: Reply<(Epoch, Subscribed)>,
}

/// What of the past a subscription starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing.
    Live,
    /// Everything after a position.
    After(PositionText),
    /// The newest records, this many.
    Last(Seq),
}

/// Where a subscription begins, and what its greeting says of that.
pub(super) struct Begin {
    /// The last record that the reader does not lack.
    pub after: Seq,
    /// Whether its position was honoured, where it gave one.
    pub recovered: Option<bool>,
    /// What it lacks and is not handed, where its position was not honoured.
    pub missing: Option<Missing>,
}

impl Start {
    /// The record that a position of this life of the log names, and which is there then; 0 without one.
    pub(super) fn floor(&self, epoch: &Epoch) -> Seq {
        match self {
            Self::After(asked) if asked.epoch.as_ref().is_none_or(|of| of == epoch) => asked.seq,
            Self::After(_) | Self::Live | Self::Last(_) => 0,
        }
    }

    /// Judges a start in a room with this head. `known` is the head that a position is judged by.
    pub(super) fn judge(&self, known: Seq, head: &Position) -> Begin {
        let asked = match self {
            Self::Live => return Begin { after: head.seq, recovered: None, missing: None },
            Self::Last(count) => {
                return Begin { after: head.seq.saturating_sub(*count), recovered: None, missing: None };
            }
            Self::After(asked) => asked,
        };
        match Resume::judge(asked, &Position { seq: known, epoch: head.epoch.clone() }) {
            Resume::From(after) => Begin { after, recovered: Some(true), missing: None },
            Resume::Lost(missing) => {
                Begin { after: head.seq, recovered: Some(false), missing: Some(missing) }
            }
        }
    }
}

/// How a subscription goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subscribed {
    /// Every record comes from now on.
    Live,
    /// These records are to be read from the log first. The log may have more by then, which the room
    /// has not applied and will deliver itself.
    Behind(Missing),
    /// It ended meanwhile.
    Ended,
}

/// The answer to a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    /// Number and time of the record.
    pub first: FirstSend,
    /// Whether it was there before.
    pub repeated: bool,
}

/// The directory asks whether the room may go to sleep now. It has stopped if the answer is `true`.
#[derive(Debug, ActixMessage)]
#[rtype(result = "bool")]
pub(super) struct Sleep;

/// What a room shows of itself.
#[derive(Debug, Serialize)]
pub struct RoomView {
    /// The number of its newest record.
    pub head: Seq,
    /// How many members it has.
    pub members: usize,
    /// How many connections read it.
    pub readers: usize,
    /// Appends that the log has not answered.
    pub appending: usize,
    /// Records in memory.
    pub recent: usize,
}
