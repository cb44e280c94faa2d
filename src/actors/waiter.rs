//! Who waits for what the log makes of a command, and how they are refused.
//! What they get when it is done is the room's to say.

use super::{
    reply::Reply,
    subscriber::SubscriberId,
    to_room::{Sent, Subscribe},
};
use crate::domain::{Epoch, Refusal, RoomInfo, Seq};

/// Who waits for a command's outcome, and what they get then.
pub(super) enum Waiter {
    /// The number of a message.
    Send(Reply<Sent>),
    /// Nothing but that it is so: one message of several, or something done about others.
    Said(Reply<()>),
    /// The room after joining it.
    Join(Reply<RoomInfo>),
    /// Nothing but that it is so; the subscription needs no word of it.
    Leave(Option<SubscriberId>, Reply<()>),
    /// A subscription, which begins after joining.
    Subscribe(Box<Subscribe>),
}

impl Waiter {
    /// Tells them that it was not done.
    pub(super) fn refuse(self, refusal: Refusal) {
        match self {
            Self::Send(reply) => reply.give(Err(refusal)),
            Self::Join(reply) => reply.give(Err(refusal)),
            Self::Said(reply) | Self::Leave(_, reply) => reply.give(Err(refusal)),
            Self::Subscribe(subscribe) => subscribe.reply.give(Err(refusal)),
        }
    }

    /// The record that must be there before anything can be said.
    pub(super) fn floor(&self, epoch: &Epoch) -> Seq {
        match self {
            Self::Subscribe(subscribe) => subscribe.start.floor(epoch),
            Self::Send(_) | Self::Said(_) | Self::Join(_) | Self::Leave(..) => 0,
        }
    }

    /// The subscription through which somebody leaves.
    pub(super) fn through(&self) -> Option<SubscriberId> {
        match self {
            Self::Leave(through, _) => *through,
            Self::Send(_) | Self::Said(_) | Self::Join(_) | Self::Subscribe(_) => None,
        }
    }
}
