//! What a reader of a room is told before the first record, in whatever dialect.
//! Whether a position is honoured is judged by the room.

use crate::domain::{Missing, RoomInfo};

/// A greeting, to be said in the reader's dialect.
#[derive(Debug, Clone, Copy)]
pub struct Greeting<'a> {
    /// The room, its head being the position above which every record comes.
    pub room: &'a RoomInfo,
    /// Whether the given position was honoured; absent where none was given.
    pub recovered: Option<bool>,
    /// What a position that was not honoured missed.
    pub missing: Option<Missing>,
}
