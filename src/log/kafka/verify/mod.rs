//! Proves that the database holds what the log makes, record by record (promise D7).
//! It changes nothing, and a cluster may go on meanwhile: only what is stored when it begins is compared.

mod comparison;
mod replay;

use std::{collections::BTreeMap, fmt};

use thiserror::Error;
use tokio::sync::mpsc;

use self::comparison::Comparison;
use super::{BrokerError, Offset, Partition, cluster::Cluster, tail::Tails};
use crate::{
    domain::RoomId,
    storage::{StorageError, Store, partitions},
};

/// Entries that are folded before their rows are read.
const CHUNK: usize = 5000;

/// What was compared and what was found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Partitions that were read.
    pub partitions: usize,
    /// Rooms that live in them.
    pub rooms: usize,
    /// Entries that were folded again.
    pub entries: u64,
    /// Entries among them that change no room, as dead letters do not.
    pub dead: u64,
    /// Entries that are in the log and not stored yet.
    pub lag: u64,
    /// Where the database is not what the log makes of it.
    pub differences: Vec<Difference>,
}

/// A place where the database is not what the log makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The partition of the log.
    pub partition: Partition,
    /// The room, if it concerns one.
    pub room: Option<RoomId>,
    /// What differs.
    pub fault: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "partition {}", self.partition)?;
        if let Some(room) = &self.room {
            write!(f, ", room {room}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

/// Why nothing could be compared.
#[derive(Debug, Error)]
pub enum VerifyError {
    /// The brokers.
    #[error(transparent)]
    Broker(#[from] BrokerError),
    /// The database.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Compares the whole log with the whole database.
pub struct Verifier {
    store: Store,
    cluster: Cluster,
    tails: Tails,
}

impl Verifier {
    /// A comparison of these.
    pub fn new(store: Store, cluster: Cluster, tails: Tails) -> Self {
        Self { store, cluster, tails }
    }

    /// Reads everything that is stored from the log again, and compares.
    ///
    /// # Errors
    /// Whatever reading meets.
    pub async fn verify(&self) -> Result<Verdict, VerifyError> {
        let stored: BTreeMap<_, _> = self.store.read(partitions::all).await?.into_iter().collect();
        let mut verdict = Verdict::default();
        for partition in 0..self.cluster.partitions().await? {
            self.partition(partition, stored.get(&partition).copied(), &mut verdict).await?;
            verdict.partitions += 1;
        }
        for (partition, _) in stored.range(verdict.partitions as Partition..) {
            verdict.differ(*partition, None, ["it is stored, but the log has no such partition".to_owned()]);
        }
        Ok(verdict)
    }

    /// Where the partitions end now.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn ends(&self) -> Result<Vec<(Partition, Offset)>, VerifyError> {
        let mut ends = Vec::new();
        for partition in 0..self.cluster.partitions().await? {
            ends.push((partition, self.cluster.bounds(partition).await?.end));
        }
        Ok(ends)
    }

    /// Whether everything below these ends is stored.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn is_stored(&self, ends: &[(Partition, Offset)]) -> Result<bool, VerifyError> {
        let stored: BTreeMap<_, _> = self.store.read(partitions::all).await?.into_iter().collect();
        Ok(ends.iter().all(|(partition, end)| stored.get(partition).copied().unwrap_or(0) >= *end))
    }

    async fn partition(
        &self,
        partition: Partition,
        stored: Option<Offset>,
        verdict: &mut Verdict,
    ) -> Result<(), VerifyError> {
        let bounds = self.cluster.bounds(partition).await?;
        let until = stored.unwrap_or(bounds.start);
        if until > bounds.end || until < bounds.start {
            let fault =
                format!("it is stored up to {until}, but the log has {}..{}", bounds.start, bounds.end);
            verdict.differ(partition, None, [fault]);
        }
        verdict.lag += distance(until, bounds.end);
        let (from, until) = (bounds.start, until.min(bounds.end));
        let mut comparison = Comparison::new(self.store.clone(), partition, from, until);
        let (give, mut given) = mpsc::channel(CHUNK);
        let reading = self.tails.read(partition, from, until, move |entry| {
            // Nobody takes it when the comparison has failed; then the reading ends, too.
            drop(give.blocking_send(entry));
        });
        let comparing = async {
            let mut chunk = Vec::new();
            while given.recv_many(&mut chunk, CHUNK).await > 0 {
                comparison.take(std::mem::take(&mut chunk), verdict).await?;
            }
            comparison.end(verdict).await
        };
        let (read, compared) = tokio::join!(reading, comparing);
        read?;
        compared
    }
}

impl Verdict {
    fn differ(
        &mut self,
        partition: Partition,
        room: Option<&RoomId>,
        faults: impl IntoIterator<Item = String>,
    ) {
        let differences =
            faults.into_iter().map(|fault| Difference { partition, room: room.cloned(), fault });
        self.differences.extend(differences);
    }
}

fn distance(from: Offset, to: Offset) -> u64 {
    u64::try_from(to - from).unwrap_or(0)
}
