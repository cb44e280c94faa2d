//! `[limits]`: what one user or one request may take.
//! Only `decide` asks for these; what is in the log already is applied whatever they say.

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of what one user or one request may take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    /// Whether it is limited how often somebody may act.
    pub enabled: bool,
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
