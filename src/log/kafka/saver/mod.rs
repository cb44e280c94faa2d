//! The saver: turns the entries of its partitions into batches for the database, exactly once each.
//! Pure: it says what is to be done next and is told how that went; brokers, databases and clocks are not known.

mod intake;
mod known;
mod step;
mod storing;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
    sync::Arc,
};

pub(super) use known::decode;
pub use step::{Bounds, DeadLetter, DeadLetterSink, Event, RoomRead, Seek, Step, Ticket};
pub use storing::{Done, Storing};

use self::{intake::Intake, known::Known};
use super::{Entry, Offset, Partition, ring::size};
use crate::{domain::RoomId, log::folds::Staged, storage::Batch};

/// One saver of the group. Every batch takes its partitions from where the database has them to a later offset
/// (compare-and-swap), so of two savers that believe to own a partition only one goes on, and the other is fenced.
pub struct Saver {
    partitions: BTreeMap<Partition, Intake>,
    rooms: Known,
    saving: Option<Saving>,
    tickets: Ticket,
    released: u64,
    bounds: Bounds,
}

/// A batch under way.
struct Saving {
    letters: Option<Arc<[DeadLetter]>>,
    batch: Arc<Batch>,
    bytes: usize,
}

impl Saver {
    /// A saver that owns nothing yet.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            partitions: BTreeMap::new(),
            rooms: Known::new(bounds.snapshot_every),
            saving: None,
            tickets: 0,
            released: 0,
            bounds,
        }
    }

    /// Takes what the group says.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Assigned(partitions) => partitions.into_iter().for_each(|one| self.assigned(one)),
            Event::Revoked(partitions) => partitions.into_iter().for_each(|one| self.revoked(one)),
            Event::Fetched { partition, ticket, entries } => self.fetched(partition, ticket, entries),
        }
    }

    fn assigned(&mut self, partition: Partition) {
        self.revoked(partition);
        self.partitions.insert(partition, Intake::default());
    }

    fn revoked(&mut self, partition: Partition) {
        if let Some(intake) = self.partitions.remove(&partition) {
            self.let_go(intake.bytes());
        }
        self.rooms.forget_partition(partition);
    }

    fn fetched(&mut self, partition: Partition, ticket: Ticket, entries: Vec<Entry>) {
        let all = weigh(&entries);
        let Some(intake) = self.partitions.get_mut(&partition).filter(|intake| intake.reads(ticket)) else {
            self.let_go(all);
            return;
        };
        let before = intake.bytes();
        if intake.take(entries).is_some() {
            self.tickets += 1;
            intake.read_again(self.tickets);
        }
        let kept = intake.bytes() - before;
        self.let_go(all - kept);
    }

    /// Takes how far partitions are stored; none where nothing ever was.
    pub fn offsets_read(&mut self, offsets: Vec<(Partition, Option<Offset>)>) {
        self.rooms.forget_strangers();
        for (partition, stored) in offsets {
            if let Some(intake) = self.partitions.get_mut(&partition).filter(|intake| intake.is_unread()) {
                self.tickets += 1;
                intake.start(stored, self.tickets);
            }
        }
    }

    /// Takes what the database says of rooms.
    pub fn rooms_read(&mut self, rooms: Vec<(RoomId, RoomRead)>) {
        let Self { partitions, rooms: known, .. } = self;
        let stored_here = |one: Partition| partitions.get(&one).is_some_and(|intake| !intake.is_unread());
        for (room, read) in rooms {
            known.insert(room, read, stored_here);
        }
    }

    /// The dead letters are written.
    pub fn buried(&mut self) {
        if let Some(saving) = &mut self.saving {
            saving.letters = None;
        }
    }

    /// The batch is stored. Gives how far its partitions are now, for those who watch the group.
    pub fn stored(&mut self) -> Vec<(Partition, Offset)> {
        let Some(saving) = self.saving.take() else { return Vec::new() };
        self.let_go(saving.bytes);
        self.rooms.stored(&saving.batch, self.bounds.fold_weight);
        let places = saving.batch.advances.iter().map(|advance| (advance.partition, advance.to));
        places.collect()
    }

    /// The batch cannot be stored, for the database is not as this saver left it: somebody else stores one of its
    /// partitions, or an earlier try succeeded. Everything that led to the batch is read again.
    pub fn fenced(&mut self) {
        let Some(saving) = self.saving.take() else { return };
        self.let_go(saving.bytes);
        for advance in &saving.batch.advances {
            self.rooms.forget_partition(advance.partition);
            if let Some(intake) = self.partitions.get_mut(&advance.partition) {
                let unread = mem::take(intake);
                self.let_go(unread.bytes());
            }
        }
    }

    /// This saver is in no group any more.
    pub fn left(&mut self) {
        for partition in self.partitions.keys().copied().collect::<Vec<_>>() {
            self.revoked(partition);
        }
    }

    /// Partitions whose entries are stored as far as they came, and the offset that each awaits.
    pub fn awaits(&self) -> Vec<(Partition, Offset)> {
        let awaits = self.partitions.iter().filter_map(|(one, intake)| Some((*one, intake.awaits()?)));
        awaits.collect()
    }

    /// How many partitions are stored here.
    pub fn owned(&self) -> usize {
        self.partitions.len()
    }

    /// How much of all the entries given to it was let go again, in bytes, ever.
    pub fn released(&self) -> u64 {
        self.released
    }

    /// What is to be done next, if anything.
    pub fn next_step(&mut self) -> Option<Step> {
        if self.saving.is_some() {
            return self.save();
        }
        let unread = self.partitions.iter().filter(|(_, intake)| intake.is_unread());
        let unread: Vec<Partition> = unread.map(|(partition, _)| *partition).collect();
        if !unread.is_empty() {
            return Some(Step::ReadOffsets(unread));
        }
        let seeks = self.partitions.iter_mut().filter_map(|(partition, intake)| {
            let (to, ticket) = intake.due()?;
            Some(Seek { partition: *partition, to, ticket })
        });
        let seeks: Vec<Seek> = seeks.collect();
        if !seeks.is_empty() {
            return Some(Step::Seek(seeks));
        }
        let draft = self.draft();
        let unknown = self.unknown(&draft);
        if !unknown.is_empty() {
            return Some(Step::ReadRooms(unknown.into_iter().collect()));
        }
        self.stage(draft);
        self.save()
    }

    fn let_go(&mut self, bytes: usize) {
        self.released += bytes as u64;
    }

    fn save(&self) -> Option<Step> {
        let saving = self.saving.as_ref()?;
        Some(match &saving.letters {
            Some(letters) => Step::Bury(Arc::clone(letters)),
            None => Step::Store(Arc::clone(&saving.batch)),
        })
    }

    /// How many entries of which partitions make the next batch: a fair share of each.
    fn draft(&self) -> Vec<(Partition, usize)> {
        let lengths = self.partitions.iter().map(|(partition, intake)| (*partition, intake.waiting().len()));
        let mut draft: Vec<_> = lengths.filter(|(_, length)| *length > 0).collect();
        let share = (self.bounds.batch_entries / draft.len().max(1)).max(1);
        draft.iter_mut().for_each(|(_, count)| *count = share.min(*count));
        draft
    }

    /// Rooms of the next batch of which nothing is known here.
    fn unknown(&self, draft: &[(Partition, usize)]) -> BTreeSet<RoomId> {
        let entries = draft
            .iter()
            .filter_map(|(partition, count)| Some(self.partitions.get(partition)?.waiting().range(..*count)));
        entries.flatten().filter_map(|entry| self.rooms.lacks_for(entry)).collect()
    }

    fn stage(&mut self, draft: Vec<(Partition, usize)>) {
        let (mut staged, mut letters, mut bytes) = (Staged::default(), Vec::new(), 0);
        for (partition, count) in draft {
            let intake = self.partitions.get_mut(&partition);
            let Some((advance, entries)) = intake.and_then(|intake| intake.draw(partition, count)) else {
                continue;
            };
            staged.batch.advances.push(advance);
            for entry in entries {
                bytes += size(&entry);
                letters.extend(self.rooms.fold(&mut staged, entry));
            }
        }
        if staged.batch.advances.is_empty() {
            return;
        }
        let batch = Arc::new(self.rooms.finish(staged));
        let letters = (!letters.is_empty()).then(|| letters.into());
        self.saving = Some(Saving { letters, batch, bytes });
    }
}

fn weigh(entries: &[Entry]) -> usize {
    entries.iter().map(size).sum()
}
