//! What a session can be asked, whatever protocol the client speaks.
//! What it does about it is in `session`.

use std::sync::Arc;

use crate::{
    actors::{to_room::Start, voice::Voice},
    auth::Token,
    domain::{Message, Nickname, RoomId},
};

/// What a client asks for.
#[derive(Debug, Clone)]
pub(in crate::actors) enum Request {
    /// Say who this is.
    Connect(Connect),
    /// Show a new token in the place of one that expires.
    Renew(Token),
    /// Become a member, if not yet one, and read the room; a former subscription to it ends.
    Join {
        /// The room, by id or name.
        room: String,
        /// What of the past comes first.
        start: Start,
    },
    /// Become a member, and read nothing by that.
    Enter(RoomId),
    /// Say something in a room.
    Send(RoomId, Message),
    /// Say all of this, in order, or nothing.
    SendAll(Vec<(RoomId, Message)>),
    /// Be a member no more.
    Leave(RoomId),
    /// End the subscription that joining the room began, still a member.
    Part(RoomId),
    /// Read a room without being a member; a former subscription of this name ends.
    Subscribe {
        /// The client's own name for the subscription.
        name: SubscriptionName,
        /// The room.
        room: RoomId,
        /// What of the past comes first.
        start: Start,
        /// How it is said.
        voice: Voice,
    },
    /// End a subscription, whatever it is to.
    Unsubscribe(SubscriptionName),
    /// Get changes of the room list.
    WatchRooms(SubscriptionName, Voice),
    /// Nothing but an answer.
    Ping,
    /// Answer when everything before was answered, and end.
    End,
}

impl Request {
    /// Whether it can be done for somebody who has not said who they are, where strangers may read.
    pub(in crate::actors) fn only_reads(&self) -> bool {
        match self {
            Self::Subscribe { .. }
            | Self::Unsubscribe(_)
            | Self::WatchRooms(..)
            | Self::Part(_)
            | Self::Connect(_)
            | Self::Ping
            | Self::End => true,
            Self::Join { .. }
            | Self::Renew(_)
            | Self::Enter(_)
            | Self::Send(..)
            | Self::SendAll(_)
            | Self::Leave(_) => false,
        }
    }
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::actors) enum Connect {
    /// By a token that it was given.
    Token(String),
    /// By a token or, where it is none, as a guest of this nickname with this as secret.
    TokenOrSecret {
        /// The token or secret.
        passcode: String,
        /// The nickname.
        nickname: Nickname,
    },
    /// As a guest of this nickname, repeatable where there is a secret.
    Guest {
        /// The nickname.
        nickname: Nickname,
        /// 16 to 64 characters that the client made up.
        secret: Option<String>,
    },
}

/// A client's own name for a subscription, unique in its session.
pub(in crate::actors) type SubscriptionName = Arc<str>;
