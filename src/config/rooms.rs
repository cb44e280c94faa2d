//! `[rooms]`: how long a room stays awake and how much of it is kept in memory.
//! Not what a room may hold; that is `[limits]`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bounds::{threads_or_cores, within};

/// Settings of rooms that are awake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomSettings {
    /// Seconds of silence before a room sleeps, 1 to 86,400.
    #[serde(deserialize_with = "within::<1, 86_400, _, _>")]
    pub idle_s: u64,
    /// Latest records kept for those who resume, 0 to 1,000,000.
    #[serde(deserialize_with = "within::<0, 1_000_000, _, _>")]
    pub ring_records: usize,
    /// Bytes that those may take, 0 to 1 GiB.
    #[serde(deserialize_with = "within::<0, 1_073_741_824, _, _>")]
    pub ring_bytes: usize,
    /// Milliseconds between two deliveries of a crowded room, 0 to 1,000.
    #[serde(deserialize_with = "within::<0, 1000, _, _>")]
    pub pace_ms: u64,
    /// Records between two snapshots, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub snapshot_every: u64,
    /// Threads that rooms run on, 0 for one a core; [`Self::room_threads`] resolves it.
    #[serde(deserialize_with = "within::<0, 1024, _, _>")]
    pub threads: usize,
}

impl RoomSettings {
    /// How long a room is silent before it sleeps.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_s)
    }

    /// Time between two deliveries of a crowded room.
    pub fn pace(&self) -> Duration {
        Duration::from_millis(self.pace_ms)
    }

    /// Threads that rooms run on, at least 1.
    pub fn room_threads(&self) -> usize {
        threads_or_cores(self.threads)
    }
}
