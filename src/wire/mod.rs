//! Codecs: domain values to bytes and back, and an event encoded at most once per dialect.
//! No sockets and no clocks; whoever holds a connection decides when bytes move.

mod broadcast;
pub mod json;
pub mod native;
pub mod sse;

pub use broadcast::{Broadcast, Dialect};
