//! `[writer]`: how much the DB-writer takes at once and how much may wait for it.
//! No timer stands here: a group commit takes what is there and never waits for more.

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of the DB-writer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriterSettings {
    /// Most records in one transaction, 1 to 100,000.
    #[serde(deserialize_with = "within::<1, 100_000, _, _>")]
    pub batch_records: usize,
    /// Records that may wait, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub queue_records: usize,
}
