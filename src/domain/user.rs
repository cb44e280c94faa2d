//! Who people are to a room, and what a room says of itself.
//! Credentials are not known here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Foundation, Position, RoomId, Timestamp, UserId, Visibility};

/// A user as everybody sees them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct User {
    /// Names the user for ever.
    pub id: UserId,
    /// The nickname at the time of the record or answer it stands in.
    pub nickname: Arc<str>,
}

/// A room as lists and answers show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomInfo {
    /// Names the room for ever.
    pub id: RoomId,
    /// The name that people see; that of a direct room is different for each of the two, see [`Self::seen_by`].
    pub name: Arc<str>,
    /// For whose eyes it is.
    pub visibility: Visibility,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; not a member until they join.
    pub created_by: User,
    /// The other one of a direct room.
    pub peer: Option<User>,
    /// Whether it is closed for ever.
    pub closed: bool,
    /// How many members it has.
    pub members: u64,
    /// The position of its newest record; sequence 0 when there is none.
    pub head: Position,
}

impl RoomInfo {
    /// What the room was made as.
    pub fn foundation(&self) -> Foundation {
        Foundation {
            creator: self.created_by.id.clone(),
            visibility: self.visibility,
            peer: self.peer.as_ref().map(|peer| peer.id.clone()),
        }
    }

    /// The room as one of its people sees it: who is one of two sees the other one, and their name for the room's.
    #[must_use]
    pub fn seen_by(mut self, user: Option<&UserId>) -> Self {
        if user.is_some_and(|user| self.peer.as_ref().is_some_and(|peer| peer.id == *user)) {
            self.peer = Some(self.created_by.clone());
        }
        if let Some(peer) = &self.peer {
            self.name = Arc::clone(&peer.nickname);
        }
        self
    }
}
