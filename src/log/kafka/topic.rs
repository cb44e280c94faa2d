//! The rooms' topic as a node sees it: how far its partitions reach, where a new room goes, what was written there.
//! How brokers are asked is the business of `cluster` and `tail`.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use futures_util::future::try_join_all;

use super::{
    Entry, Offset,
    cluster::{Bounds, Cluster},
    tail::Tails,
};
use crate::{
    domain::RoomId,
    log::{LogError, Partition},
};

/// The rooms' topic. A clone is the same.
#[derive(Clone)]
pub struct Topic {
    cluster: Cluster,
    tails: Tails,
    placed: Arc<AtomicU32>,
}

impl Topic {
    /// The topic behind these. New rooms take partitions in turn, from `first` on.
    pub fn new(cluster: Cluster, tails: Tails, first: u32) -> Self {
        Self { cluster, tails, placed: Arc::new(AtomicU32::new(first)) }
    }

    /// Where a partition begins and ends, as its leader says after this was called: whatever was acknowledged
    /// anywhere before is below the end.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn bounds(&self, partition: Partition) -> Result<Bounds, LogError> {
        self.cluster.bounds(partition).await.map_err(LogError::from)
    }

    /// The ends of these partitions.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn ends_of(&self, partitions: Vec<Partition>) -> Result<Vec<(Partition, Offset)>, LogError> {
        let ends = partitions
            .into_iter()
            .map(async |partition| self.bounds(partition).await.map(|bounds| (partition, bounds.end)));
        try_join_all(ends).await
    }

    /// The ends of all partitions.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn ends(&self) -> Result<Vec<(Partition, Offset)>, LogError> {
        let partitions = self.cluster.partitions().await?;
        self.ends_of((0..partitions).collect()).await
    }

    /// The partition for a new room: all take their turn, those that were added lately too.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn choose_partition(&self) -> Result<Partition, LogError> {
        let partitions = self.cluster.partitions().await?.unsigned_abs().max(1);
        let turn = self.placed.fetch_add(1, Ordering::Relaxed) % partitions;
        Ok(Partition::try_from(turn).unwrap_or_default())
    }

    /// What a partition has of one room in `[from, until)`.
    ///
    /// # Errors
    /// [`LogError::Unavailable`].
    pub async fn tail(
        &self,
        partition: Partition,
        (from, until): (Offset, Offset),
        room: &RoomId,
    ) -> Result<Vec<Entry>, LogError> {
        let found = Arc::new(Mutex::new(Vec::new()));
        let (room, kept) = (room.clone(), Arc::clone(&found));
        let keep = move |entry: Entry| {
            if entry.room() == Some(room.as_str()) {
                kept.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
            }
        };
        self.tails.read(partition, from, until, keep).await?;
        Ok(std::mem::take(&mut *found.lock().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Why the topic cannot serve, if it cannot.
    pub fn complaint(&self) -> Option<&'static str> {
        match self.cluster.health() {
            Err(_) => Some("the brokers of the log do not answer"),
            Ok(view) if view.leaderless > 0 => Some("partitions of the log have no leader"),
            Ok(_) => None,
        }
    }
}
