//! `[limits]`: what one user or one request may take.
//! Not the counting; what is in the log already is applied whatever stands here.

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of what one user or one request may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Whether it is limited how often somebody may act.
    pub enabled: bool,
    /// Connections, and requests at once, of one address, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_connections: usize,
    /// Requests of one address in a second, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_requests_per_s: u64,
    /// Requests of one address at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_requests_burst: u64,
    /// People who sign up from one address in an hour, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_sign_ups_per_h: u64,
    /// People who sign up from one address at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_sign_ups_burst: u64,
    /// Log-ins that fail from one address in an hour, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_log_ins_per_h: u64,
    /// Log-ins that fail from one address at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub address_log_ins_burst: u64,
    /// Requests of one session in a second, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub session_commands_per_s: u64,
    /// Requests of one session at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub session_commands_burst: u64,
    /// Bytes of one session in a second, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub session_bytes_per_s: u64,
    /// Bytes of one session at once, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub session_bytes_burst: u64,
    /// Requests of one session refused within ten seconds after which it is closed, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub session_refusals: u64,
    /// Requests of one user in a second, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub user_commands_per_s: u64,
    /// Requests of one user at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub user_commands_burst: u64,
    /// Bytes of one user in a second, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub user_bytes_per_s: u64,
    /// Bytes of one user at once, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub user_bytes_burst: u64,
    /// Rooms that one user makes in an hour, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub user_rooms_per_h: u64,
    /// Rooms that one user makes at once, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub user_rooms_burst: u64,
    /// Addresses or users that are counted by themselves, 1000 to 100,000,000.
    #[serde(deserialize_with = "within::<1000, 100_000_000, _, _>")]
    pub keys: usize,
    /// Longest nickname in scalar values, 1 to 128.
    #[serde(deserialize_with = "within::<1, 128, _, _>")]
    pub nickname_chars: usize,
    /// Longest name of a room in scalar values, 1 to 255.
    #[serde(deserialize_with = "within::<1, 255, _, _>")]
    pub room_name_chars: usize,
    /// Longest body of a message in bytes of UTF-8, 1 to 1 MiB.
    #[serde(deserialize_with = "within::<1, 1_048_576, _, _>")]
    pub body_bytes: usize,
    /// Longest `client_id` in scalar values, 1 to 256.
    #[serde(deserialize_with = "within::<1, 256, _, _>")]
    pub client_id_chars: usize,
    /// Most entries of one answer, 1 to 10,000.
    #[serde(deserialize_with = "within::<1, 10_000, _, _>")]
    pub history_page: usize,
}
