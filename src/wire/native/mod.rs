//! The native WebSocket's JSON: requests in, replies and pushes out, one object a text message.
//! What a request does is decided by the session and the room.

mod frames;
mod request;

pub use frames::{
    Change, acked, closing, connected, joined, left, parted, pong, record, records, refresh, refreshed,
    refused, room_changed, unwatched, watching,
};
pub use request::{Backlog, Connect, Envelope, Request, RequestId, RoomRef};
