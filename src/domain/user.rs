//! Who people are to a room, and what a room says of itself.
//! Credentials are not known here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Position, RoomId, Timestamp, UserId};

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
    /// The name that people see.
    pub name: Arc<str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it; not a member until they join.
    pub created_by: User,
    /// How many members it has.
    pub members: u64,
    /// The position of its newest record; sequence 0 when there is none.
    pub head: Position,
}
