//! A client of a running server, over HTTP and the native socket: what `klatsch bench` and `klatsch check` share.
//! Nothing here uses the server's own code, so that a fault in that cannot hide itself.

pub mod api;
pub mod frames;
pub mod guests;
pub mod http;
pub mod outgoing;
pub mod socket;
pub mod stream;
