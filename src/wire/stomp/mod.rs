//! STOMP 1.0, 1.1 and 1.2: bytes to requests, and events to the text of frames.
//! No connection, no room and no time: whoever holds those asks here what bytes mean.

mod ack;
mod broken;
mod connect;
mod decoder;
mod encoder;
mod escape;
mod frame;
mod head;
mod heartbeat;
mod message;
mod notice;
mod payload;
mod request;
mod routes;
mod template;
#[cfg(test)]
mod testbed;
#[cfg(test)]
mod tests;
mod version;

pub use ack::{AckMode, Delivery};
pub use broken::{Broken, Cause};
pub use connect::{Bearer, Connect, Identity};
pub use decoder::{Bounds, Decoder, Item};
pub use encoder::{HEARTBEAT, Welcome, broken, connected, ended, receipt, refused};
pub use frame::{Command, Frame};
pub use heartbeat::{Agreed, Heartbeat};
pub use message::{Head, Style};
pub use notice::{problem, room_changed};
pub use payload::Said;
pub use request::{Action, NAMED_HEADERS, Rejected, Request, Send, Subscribe, Subscription};
pub use routes::{Route, Routes, Spoken, Topic, Types};
pub use template::Template;
pub use version::Version;
