//! Proves that the database holds what the log makes, record by record (promise D7).
//! It changes nothing, and a cluster may go on meanwhile: only what is stored when it begins is compared.

mod replay;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use thiserror::Error;
use tokio::sync::mpsc;

use self::replay::{Replay, Row};
use super::{BrokerError, Entry, Offset, Partition, cluster::Cluster, saver::decode, tail::Tails};
use crate::{
    domain::RoomId,
    storage::{Connection, StorageError, Store, fold, partitions, records, rooms},
};

/// Entries that are folded before their rows are read.
const CHUNK: usize = 5000;

/// Rows and rooms that are read at once.
const PAGE: u32 = 1000;

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

/// One partition while it is compared.
struct Comparison {
    store: Store,
    partition: Partition,
    /// The log's first offset, and the first that is not stored.
    from: Offset,
    until: Offset,
    rooms: BTreeMap<RoomId, Replay>,
    /// Rooms that entries name and that do not live here.
    strangers: BTreeSet<RoomId>,
}

impl Comparison {
    fn new(store: Store, partition: Partition, from: Offset, until: Offset) -> Self {
        Self { store, partition, from, until, rooms: BTreeMap::new(), strangers: BTreeSet::new() }
    }

    /// Folds entries and compares the rooms that they name.
    async fn take(&mut self, entries: Vec<Entry>, verdict: &mut Verdict) -> Result<(), VerifyError> {
        let mut touched = BTreeSet::new();
        for entry in entries {
            verdict.entries += 1;
            let Ok((room, proposal)) = decode(&entry) else {
                verdict.dead += 1;
                continue;
            };
            self.meet(&room, verdict).await?;
            match self.rooms.get_mut(&room) {
                Some(replay) => {
                    replay.fold(proposal, entry.appended_at, entry.offset);
                    touched.insert(room);
                }
                None => verdict.dead += 1,
            }
        }
        for room in touched {
            let Some(replay) = self.rooms.get_mut(&room) else { continue };
            let ((after, count), id) = (replay.due(), room.clone());
            let rows = self.store.read(move |conn| records::placed_after(conn, &id, after, count)).await?;
            verdict.differ(self.partition, Some(&room), replay.compare(rows));
        }
        Ok(())
    }

    /// Judges every room of the partition at its end.
    async fn end(mut self, verdict: &mut Verdict) -> Result<(), VerifyError> {
        let (mut after, partition, until) = (0, self.partition, self.until);
        loop {
            let page = self.store.read(move |conn| rooms::placed_in(conn, partition, after, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, room) in page {
                self.meet(&room, verdict).await?;
                let replay = self.rooms.remove(&room).unwrap_or_default();
                let ((compared, _), id) = (replay.due(), room.clone());
                let read = self.store.read(move |conn| ending(conn, &id, compared)).await;
                let faults = match read {
                    Ok((next, Some(placed))) => replay.end(next, until, &placed),
                    Ok((_, None)) => continue,
                    Err(StorageError::Corrupt(cause)) => vec![cause],
                    Err(error) => return Err(error.into()),
                };
                verdict.rooms += 1;
                verdict.differ(partition, Some(&room), faults);
            }
        }
    }

    /// Makes a room known: what its rows were before the log's first entry.
    async fn meet(&mut self, room: &RoomId, verdict: &mut Verdict) -> Result<(), VerifyError> {
        if self.rooms.contains_key(room) || self.strangers.contains(room) {
            return Ok(());
        }
        let (id, partition, from) = (room.clone(), self.partition, self.from);
        let base = self.store.read(move |conn| base_of(conn, &id, partition, from)).await?;
        match base {
            Some(rows) => {
                let replay = self.rooms.entry(room.clone()).or_default();
                verdict.differ(self.partition, Some(room), replay.build_on(rows));
            }
            None => drop(self.strangers.insert(room.clone())),
        }
        Ok(())
    }
}

/// The rows of a room that are older than the log; none if it does not live in this partition.
fn base_of(
    connection: &mut Connection,
    room: &RoomId,
    partition: Partition,
    from: Offset,
) -> Result<Option<Vec<Row>>, StorageError> {
    if rooms::partition_of(connection, room)? != Some(partition) {
        return Ok(None);
    }
    let mut base: Vec<Row> = Vec::new();
    loop {
        let after = base.last().map_or(0, |(record, _)| record.seq);
        let page = records::placed_after(connection, room, after, PAGE)?;
        let length = page.len();
        base.extend(page.into_iter().take_while(|(_, offset)| offset.is_none_or(|offset| offset < from)));
        let all_taken = base.last().map_or(0, |(record, _)| record.seq) >= after + length as u64;
        if length < PAGE as usize || !all_taken {
            return Ok(Some(base));
        }
    }
}

/// The row after those that were compared, and then the room as of one instant.
fn ending(
    connection: &mut Connection,
    room: &RoomId,
    compared: u64,
) -> Result<(Option<Row>, Option<fold::Placed>), StorageError> {
    let next = records::placed_after(connection, room, compared, 1)?.pop();
    Ok((next, fold::load_placed(connection, room)?))
}
