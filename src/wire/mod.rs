//! Codecs: domain values to bytes and back, and an event encoded at most once per dialect.
//! No sockets and no clocks; whoever holds a connection decides when bytes move.

mod broadcast;
mod greeting;
pub mod json;
pub mod log_record;
pub mod native;
pub mod problem;
pub mod signal;
pub mod sockjs;
pub mod sse;
pub mod stomp;

pub use broadcast::{Broadcast, Dialect, replay, room_changed, size};
pub use greeting::Greeting;
