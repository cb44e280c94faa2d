//! `[socket]`: the bounds of one WebSocket connection.
//! Not the socket: nothing is read or written here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of the native WebSocket.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketSettings {
    /// Seconds between two pings, 1 to 3600.
    #[serde(deserialize_with = "within::<1, 3600, _, _>")]
    pub heartbeat_s: u64,
    /// Seconds that a fresh socket has for its `connect`, 1 to 300.
    #[serde(deserialize_with = "within::<1, 300, _, _>")]
    pub connect_timeout_s: u64,
    /// Bytes that may wait for one client, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub outbox_bytes: usize,
    /// Bytes that the kernel buffers besides (SO_SNDBUF), 0 (its own choice) to 64 MiB.
    #[serde(deserialize_with = "within::<0, 67_108_864, _, _>")]
    pub send_buffer_bytes: usize,
    /// Milliseconds that sent bytes may stay unacknowledged, 0 (the kernel's choice) to 600,000.
    #[serde(deserialize_with = "within::<0, 600_000, _, _>")]
    pub user_timeout_ms: u64,
    /// Largest message of a client in bytes, 1 KiB to 16 MiB.
    #[serde(deserialize_with = "within::<1024, 16_777_216, _, _>")]
    pub frame_bytes: usize,
    /// Requests that may be unanswered, 1 to 10,000.
    #[serde(deserialize_with = "within::<1, 10_000, _, _>")]
    pub in_flight: usize,
}

impl SocketSettings {
    /// Time between two pings.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_s)
    }

    /// SO_SNDBUF, where it is not left to the kernel.
    pub fn send_buffer(&self) -> Option<usize> {
        (self.send_buffer_bytes > 0).then_some(self.send_buffer_bytes)
    }

    /// TCP_USER_TIMEOUT, where it is not left to the kernel.
    pub fn user_timeout(&self) -> Option<Duration> {
        (self.user_timeout_ms > 0).then(|| Duration::from_millis(self.user_timeout_ms))
    }
}
