//! The database of a run: rooms, rows, snapshots and how far partitions are stored, with the semantics of `storage`.
//! A transaction happens at one instant; that it comes late, fails or seems to fail is for the cluster to say.

use std::{collections::BTreeMap, fmt};

use klatsch::{
    domain::{Belonging, Foundation, Outcome, Record, RoomId, RoomState, Seq, UserId},
    log::{Partition, kafka::Offset},
    storage::{Advance, Batch, Membership, NewRecord, fold::Folded},
};

use crate::truth::belongings;

/// The rows.
#[derive(Debug, Default)]
pub(crate) struct VirtualDatabase {
    rooms: BTreeMap<RoomId, RoomRow>,
    partitions: BTreeMap<Partition, Offset>,
}

/// All rows of one room.
#[derive(Debug, Default, Clone)]
pub(crate) struct RoomRow {
    pub(crate) partition: Option<Partition>,
    pub(crate) head: Seq,
    pub(crate) members: u64,
    pub(crate) records: BTreeMap<Seq, (Record, Option<Offset>)>,
    /// As it will be read again.
    pub(crate) snapshot: Option<(Seq, RoomState)>,
    pub(crate) memberships: BTreeMap<UserId, Belonging>,
    pub(crate) closed: bool,
    foundation: Foundation,
}

/// A room as of one instant.
#[derive(Clone)]
pub(crate) struct Loaded {
    pub(crate) partition: Partition,
    pub(crate) next_offset: Option<Offset>,
    pub(crate) folded: Folded,
    pub(crate) rows: Vec<Record>,
}

/// The state is shown by its head: what is in it has no order.
impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, rows) = (self.folded.state.head(), self.rows.len());
        let Self { partition, next_offset, .. } = self;
        write!(f, "head {head}, {rows} rows, partition {partition} stored up to {next_offset:?}")
    }
}

/// Why a batch is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotStored {
    /// A partition is not where the batch starts.
    Fenced,
    /// A row is there already.
    Conflict,
}

/// How strict it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fence {
    /// As databases are.
    Kept,
    /// It takes a batch wherever its partitions are.
    Broken,
}

impl VirtualDatabase {
    /// Makes a room; with records that it had before it lived in a partition.
    pub(crate) fn create(
        &mut self,
        (room, foundation): (RoomId, Foundation),
        partition: Option<Partition>,
        before: &[Record],
    ) {
        let mut state = RoomState::new(foundation.clone());
        for record in before {
            state.apply(record.proposal(), record.at);
        }
        let records = before.iter().map(|record| (record.seq, (record.clone(), None))).collect();
        let (head, members) = (state.head(), state.members().len() as u64);
        let memberships = belongings(&state).into_iter().collect();
        let row =
            RoomRow { partition, head, members, records, memberships, foundation, ..RoomRow::default() };
        self.rooms.insert(room, row);
    }

    /// Gives a room its partition, unless it has one.
    pub(crate) fn place(&mut self, room: &RoomId, partition: Partition) {
        if let Some(row) = self.rooms.get_mut(room) {
            row.partition.get_or_insert(partition);
        }
    }

    /// Reads a room that has a partition, and rows after a number.
    pub(crate) fn load(&self, room: &RoomId, after: Seq, limit: usize) -> Option<Loaded> {
        let row = self.rooms.get(room)?;
        let partition = row.partition?;
        let rows = row.records.range(after + 1..).take(limit).map(|(_, (record, _))| record.clone());
        Some(Loaded {
            partition,
            next_offset: self.next_offset(partition),
            folded: row.fold(),
            rows: rows.collect(),
        })
    }

    /// How far a partition is stored.
    pub(crate) fn next_offset(&self, partition: Partition) -> Option<Offset> {
        self.partitions.get(&partition).copied()
    }

    /// All rooms.
    pub(crate) fn rooms(&self) -> impl Iterator<Item = (&RoomId, &RoomRow)> {
        self.rooms.iter()
    }

    /// A room's rows.
    pub(crate) fn room(&self, room: &RoomId) -> Option<&RoomRow> {
        self.rooms.get(room)
    }

    /// Stores a batch whole or not at all.
    pub(crate) fn store(&mut self, batch: &Batch, fence: Fence) -> Result<(), NotStored> {
        let stands = |advance: &Advance| self.next_offset(advance.partition) == advance.from;
        if fence == Fence::Kept && !batch.advances.iter().all(stands) {
            return Err(NotStored::Fenced);
        }
        let is_taken = |new: &NewRecord| {
            self.room(&new.room).is_none_or(|row| row.records.contains_key(&new.record.seq))
        };
        if fence == Fence::Kept && batch.records.iter().any(is_taken) {
            return Err(NotStored::Conflict);
        }
        self.partitions.extend(batch.advances.iter().map(|advance| (advance.partition, advance.to)));
        for NewRecord { room, record, log_offset } in &batch.records {
            let Some(row) = self.rooms.get_mut(room) else { continue };
            row.records.insert(record.seq, (record.clone(), *log_offset));
        }
        for (room, head, members) in &batch.heads {
            let Some(row) = self.rooms.get_mut(room) else { continue };
            (row.head, row.members) = (*head, *members);
        }
        for Membership { user, room, belonging, .. } in &batch.memberships {
            let Some(row) = self.rooms.get_mut(room) else { continue };
            match belonging {
                Some(belonging) => row.memberships.insert(user.clone(), *belonging),
                None => row.memberships.remove(user),
            };
        }
        for room in &batch.closed {
            let Some(row) = self.rooms.get_mut(room) else { continue };
            row.closed = true;
        }
        for (room, seq, state) in &batch.snapshots {
            let Some(row) = self.rooms.get_mut(room) else { continue };
            let state: RoomState = serde_json::from_str(state).unwrap_or_default();
            row.snapshot = Some((*seq, state.founded(row.foundation.clone())));
        }
        Ok(())
    }
}

impl RoomRow {
    /// The state of all rows, from the snapshot on.
    fn fold(&self) -> Folded {
        let empty = || (0, RoomState::new(self.foundation.clone()));
        let (snapshot_at, mut state) = self.snapshot.clone().unwrap_or_else(empty);
        for (record, _) in self.records.range(snapshot_at + 1..).map(|(_, row)| row) {
            let outcome = state.apply(record.proposal(), record.at);
            assert_eq!(outcome, Outcome::Recorded(record.clone()), "a stored record does not fold");
        }
        Folded { state, snapshot_at }
    }
}
