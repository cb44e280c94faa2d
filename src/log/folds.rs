//! The folds of rooms that are being stored: they number what was proposed, and stage rows, heads and due snapshots.
//! Where proposals come from, and when a batch is stored, is for the embedded committer and for the saver to say.

use std::collections::HashMap;

use crate::{
    domain::{Deed, Outcome, Proposal, RoomId, RoomState, Seq, Timestamp},
    storage::{Batch, Membership, NewRecord, fold::Folded, snapshots},
};

/// A room's snapshots write so many members and remembered sends for each of its records at most: those of a busy
/// room grow with what it says in five minutes, and must not be written again and again.
const WEIGHT_A_RECORD: u64 = 4;

/// The folds at hand.
pub(super) struct Folds {
    rooms: HashMap<RoomId, Fold>,
    snapshot_every: u64,
    /// Counts batches, which tells what was used when.
    batches: u64,
    /// What all of them weigh.
    weight: usize,
}

struct Fold {
    state: RoomState,
    /// The head of the latest stored snapshot.
    snapshot_at: Seq,
    /// The partition that the room lives in, on a log that has some.
    partition: Option<i32>,
    /// The latest batch with something of the room.
    used: u64,
    weight: usize,
}

/// A batch in the making, or under way to the database.
#[derive(Debug, Default)]
pub(super) struct Staged {
    /// What is to be stored.
    pub(super) batch: Batch,
    /// Whose folds may have changed.
    touched: Vec<RoomId>,
}

impl Folds {
    /// No folds; a room's state is staged as a snapshot each time it grew by `snapshot_every` records, or
    /// by more where it is large.
    pub(super) fn new(snapshot_every: u64) -> Self {
        Self { rooms: HashMap::new(), snapshot_every, batches: 1, weight: 0 }
    }

    /// Takes a room as the database has it.
    pub(super) fn insert(&mut self, room: RoomId, folded: Folded, partition: Option<i32>) {
        self.forget(&room);
        let Folded { state, snapshot_at } = folded;
        let weight = state.weight();
        self.weight += weight;
        let used = self.batches - 1;
        self.rooms.insert(room, Fold { state, snapshot_at, partition, used, weight });
    }

    /// A room's state with everything that was folded so far.
    pub(super) fn state(&self, room: &RoomId) -> Option<&RoomState> {
        self.rooms.get(room).map(|fold| &fold.state)
    }

    /// The partition of a room that is at hand.
    pub(super) fn partition_of(&self, room: &RoomId) -> Option<i32> {
        self.rooms.get(room)?.partition
    }

    /// Folds a proposal into its room and stages what became of it. A room that is not at hand stays as it is.
    pub(super) fn fold(
        &mut self,
        staged: &mut Staged,
        room: &RoomId,
        (proposal, appended_at): (Proposal, Timestamp),
        log_offset: Option<i64>,
    ) {
        let Some(fold) = self.rooms.get_mut(room) else { return };
        if fold.used != self.batches {
            fold.used = self.batches;
            staged.touched.push(room.clone());
        }
        let former = fold.state.owner().cloned();
        if let Outcome::Recorded(record) = fold.state.apply(proposal, appended_at) {
            let belonging = fold.state.belongings_after(&record, former.as_ref());
            staged.batch.memberships.extend(belonging.into_iter().map(|(user, belonging)| Membership {
                user,
                room: room.clone(),
                belonging,
                seq: record.seq,
            }));
            if let Some(Deed::Close(_)) = record.kind.deed() {
                staged.batch.closed.push(room.clone());
            }
            staged.batch.records.push(NewRecord { room: room.clone(), record, log_offset });
        }
    }

    /// Ends a batch: adds the rooms' new heads and the snapshots that are due.
    pub(super) fn finish(&mut self, staged: &mut Staged) {
        for room in &staged.touched {
            let Some(Fold { state, snapshot_at, .. }) = self.rooms.get(room) else { continue };
            staged.batch.heads.push((room.clone(), state.head(), state.members().len() as u64));
            let due = self.snapshot_every.max(state.weight() as u64 / WEIGHT_A_RECORD);
            if state.head() - snapshot_at >= due {
                staged.batch.snapshots.push((room.clone(), state.head(), snapshots::encode(state)));
            }
        }
        self.batches += 1;
    }

    /// Takes note that a batch is stored.
    pub(super) fn stored(&mut self, batch: &Batch) {
        for (room, head, _) in &batch.snapshots {
            if let Some(fold) = self.rooms.get_mut(room) {
                fold.snapshot_at = *head;
            }
        }
        for (room, ..) in &batch.heads {
            let Some(fold) = self.rooms.get_mut(room) else { continue };
            let weight = fold.state.weight();
            self.weight = self.weight - fold.weight + weight;
            fold.weight = weight;
        }
    }

    /// Forgets the rooms of a batch that may not be stored; the database knows what they are.
    pub(super) fn discard(&mut self, staged: &Staged) {
        for room in &staged.touched {
            self.forget(room);
        }
    }

    /// Forgets a room.
    pub(super) fn forget(&mut self, room: &RoomId) {
        if let Some(fold) = self.rooms.remove(room) {
            self.weight -= fold.weight;
        }
    }

    /// Forgets the rooms of a partition.
    pub(super) fn forget_partition(&mut self, partition: i32) {
        self.retain(|fold| fold.partition != Some(partition));
    }

    /// Forgets those that were not used for longest, if all together weigh more than this. None of them may be
    /// in a batch that is not stored yet.
    pub(super) fn shrink_to(&mut self, most: usize) {
        if self.weight <= most {
            return;
        }
        let mut by_use: Vec<(u64, usize)> =
            self.rooms.values().map(|fold| (fold.used, fold.weight)).collect();
        by_use.sort_unstable_by(|one, other| other.cmp(one));
        // To a half, so that this is not done again for every batch.
        let mut kept = 0;
        let fits = by_use.into_iter().take_while(|(_, weight)| {
            kept += weight;
            kept <= most / 2
        });
        let oldest = fits.last().map_or(self.batches, |(used, _)| used);
        self.retain(|fold| fold.used >= oldest);
    }

    fn retain(&mut self, keeps: impl Fn(&Fold) -> bool) {
        self.rooms.retain(|_, fold| keeps(fold));
        self.weight = self.rooms.values().map(|fold| fold.weight).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{RecordKind, User, UserId};

    fn room(name: &str) -> RoomId {
        RoomId::new(name)
    }

    fn joins(name: &str) -> (Proposal, Timestamp) {
        let sender = User { id: UserId::new(name), nickname: name.into() };
        (Proposal { sender, kind: RecordKind::Joined }, Timestamp::from_millis(1))
    }

    fn empty() -> Folded {
        Folded { state: RoomState::default(), snapshot_at: 0 }
    }

    fn folds(names: &[&str]) -> Folds {
        let mut folds = Folds::new(2);
        for (name, partition) in names.iter().zip(0..) {
            folds.insert(room(name), empty(), Some(partition));
        }
        folds
    }

    fn store(folds: &mut Folds, proposals: &[(&str, &str)]) -> Staged {
        let mut staged = Staged::default();
        for ((name, who), offset) in proposals.iter().zip(0..) {
            folds.fold(&mut staged, &room(name), joins(who), Some(offset));
        }
        folds.finish(&mut staged);
        folds.stored(&staged.batch);
        staged
    }

    fn at_hand(folds: &Folds) -> Vec<&str> {
        ["a", "b", "c"].into_iter().filter(|name| folds.state(&room(name)).is_some()).collect()
    }

    #[test]
    fn rows_heads_and_due_snapshots_are_staged_once() {
        let mut folds = folds(&["a", "b"]);
        let Batch { records, heads, snapshots, .. } =
            store(&mut folds, &[("a", "x"), ("b", "x"), ("a", "x"), ("a", "y"), ("none", "x")]).batch;
        let rows: Vec<_> =
            records.iter().map(|new| (new.room.as_str(), new.record.seq, new.log_offset)).collect();
        assert_eq!(rows, [("a", 1, Some(0)), ("b", 1, Some(1)), ("a", 2, Some(3))]);
        assert_eq!(heads, [(room("a"), 2, 2), (room("b"), 1, 1)]);
        assert_eq!(snapshots.iter().map(|(id, head, _)| (id, *head)).collect::<Vec<_>>(), [(&room("a"), 2)]);

        let again = store(&mut folds, &[("a", "z"), ("b", "y")]).batch;
        assert_eq!(again.heads, [(room("a"), 3, 3), (room("b"), 2, 2)]);
        assert_eq!(again.snapshots.len(), 1, "the other one is not due again yet");
    }

    #[test]
    fn a_discarded_batch_leaves_no_fold_of_its_rooms() {
        let mut folds = folds(&["a", "b"]);
        let mut staged = Staged::default();
        folds.fold(&mut staged, &room("a"), joins("x"), None);
        folds.finish(&mut staged);
        folds.discard(&staged);
        assert_eq!(at_hand(&folds), ["b"]);
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let mut folds = folds(&["a", "b", "c"]);
        store(&mut folds, &[("c", "x")]);
        store(&mut folds, &[("a", "x")]);
        let most = folds.weight;
        folds.shrink_to(most);
        assert_eq!(at_hand(&folds), ["a", "b", "c"]);
        folds.shrink_to(most - 1);
        assert_eq!(at_hand(&folds), ["a"]);
        folds.shrink_to(0);
        assert_eq!((at_hand(&folds).len(), folds.weight), (0, 0));
    }

    #[test]
    fn a_partition_is_forgotten_alone() {
        let mut folds = folds(&["a", "b", "c"]);
        folds.forget_partition(1);
        assert_eq!(at_hand(&folds), ["a", "c"]);
        assert_eq!(folds.partition_of(&room("c")), Some(2));
    }
}
