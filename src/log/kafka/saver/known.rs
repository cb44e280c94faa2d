//! The rooms of which a saver knows what they are: folds of those that it stores, and why others take no records.
//! Pure; what is not known is named, and read by others.

use std::collections::BTreeMap;

use super::{DeadLetter, RoomRead};
use crate::{
    domain::{Proposal, RoomId},
    log::{
        folds::{Folds, Staged},
        kafka::{Entry, Partition},
    },
    storage::Batch,
    wire::log_record,
};

pub(super) struct Known {
    folds: Folds,
    /// Rooms that waiting entries name and that take some or all of them not.
    strangers: BTreeMap<RoomId, Stranger>,
}

enum Stranger {
    Elsewhere(Partition),
    Nowhere(String),
}

impl Known {
    pub(super) fn new(snapshot_every: u64) -> Self {
        Self { folds: Folds::new(snapshot_every), strangers: BTreeMap::new() }
    }

    /// Takes what the database says of a room. Only while its partition is stored here, from a place that is
    /// known, is it known what the state has in it; then it may be folded on.
    pub(super) fn insert(&mut self, room: RoomId, read: RoomRead, stored_here: impl Fn(Partition) -> bool) {
        match read {
            Ok((partition, folded)) if stored_here(partition) => {
                self.folds.insert(room, folded, Some(partition));
            }
            Ok((partition, _)) => drop(self.strangers.insert(room, Stranger::Elsewhere(partition))),
            Err(reason) => drop(self.strangers.insert(room, Stranger::Nowhere(reason))),
        }
    }

    /// The room that must be read before this entry can be folded.
    pub(super) fn lacks_for(&self, entry: &Entry) -> Option<RoomId> {
        let room = room_of(entry).ok()?;
        self.home_of(&room, entry.partition).is_none().then_some(room)
    }

    /// Folds an entry into its room, if it is a record of one that lives in this partition.
    pub(super) fn fold(&mut self, staged: &mut Staged, entry: Entry) -> Option<DeadLetter> {
        match self.judge(&entry) {
            Ok((room, proposal)) => {
                self.folds.fold(staged, &room, (proposal, entry.appended_at), Some(entry.offset));
                None
            }
            Err(error) => Some(DeadLetter { entry, error }),
        }
    }

    /// Ends a batch. Strangers may be none any more when they are named next.
    pub(super) fn finish(&mut self, mut staged: Staged) -> Batch {
        self.forget_strangers();
        self.folds.finish(&mut staged);
        staged.batch
    }

    /// Takes note that the batch is stored, and keeps folds of this weight at most.
    pub(super) fn stored(&mut self, batch: &Batch, most_weight: usize) {
        self.folds.stored(batch);
        self.folds.shrink_to(most_weight);
    }

    pub(super) fn forget_partition(&mut self, partition: Partition) {
        self.folds.forget_partition(partition);
    }

    pub(super) fn forget_strangers(&mut self) {
        self.strangers.clear();
    }

    fn judge(&self, entry: &Entry) -> Result<(RoomId, Proposal), String> {
        let (room, proposal) = decode(entry)?;
        self.home_of(&room, entry.partition).unwrap_or_else(|| Err("its room is not known".to_owned()))?;
        Ok((room, proposal))
    }

    /// Whether a room takes entries of a partition; none if that must be read first.
    fn home_of(&self, room: &RoomId, partition: Partition) -> Option<Result<(), String>> {
        let elsewhere = |home: Partition| Err(format!("its room lives in partition {home}"));
        if let Some(home) = self.folds.partition_of(room) {
            return Some(if home == partition { Ok(()) } else { elsewhere(home) });
        }
        match self.strangers.get(room)? {
            Stranger::Nowhere(reason) => Some(Err(reason.clone())),
            Stranger::Elsewhere(home) => (*home != partition).then(|| elsewhere(*home)),
        }
    }
}

/// What an entry proposes, and to which room; or why it proposes nothing to any.
pub(in crate::log::kafka) fn decode(entry: &Entry) -> Result<(RoomId, Proposal), String> {
    let room = room_of(entry)?;
    let record = log_record::decode(&entry.value).map_err(|error| error.to_string())?;
    Ok((room, record.proposal))
}

fn room_of(entry: &Entry) -> Result<RoomId, String> {
    let key = entry.key.as_deref().ok_or("it has no key")?;
    let room = str::from_utf8(key).ok().filter(|key| !key.is_empty()).and_then(RoomId::parse);
    room.ok_or_else(|| "its key is no room's id".to_owned())
}
