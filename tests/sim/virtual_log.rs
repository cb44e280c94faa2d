//! The topic of rooms as the brokers of a run have it: partitions of entries that only grow at their end.
//! What becomes of an append on its way here, and who reads when, is for the cluster to say.

use bytes::Bytes;
use klatsch::{
    domain::Timestamp,
    log::{
        Partition,
        kafka::{Entry, Offset},
    },
};

/// A topic.
#[derive(Debug)]
pub(crate) struct VirtualLog {
    partitions: Vec<Stored>,
}

#[derive(Debug, Default)]
struct Stored {
    entries: Vec<Entry>,
    start: Offset,
    end: Offset,
}

/// What was asked for is not kept any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfRange;

impl VirtualLog {
    /// An empty topic.
    pub(crate) fn new(partitions: Partition) -> Self {
        Self { partitions: (0..partitions).map(|_| Stored::default()).collect() }
    }

    /// The numbers of the partitions.
    pub(crate) fn partitions(&self) -> std::ops::Range<Partition> {
        0..self.partitions.len() as Partition
    }

    /// Appends an entry and gives it as readers will see it.
    pub(crate) fn append(
        &mut self,
        partition: Partition,
        appended_at: Timestamp,
        key: Option<Bytes>,
        value: Bytes,
    ) -> &Entry {
        let stored = self.stored_mut(partition);
        let entry = Entry { partition, offset: stored.end, appended_at, key, value };
        stored.end += 1;
        stored.entries.push(entry);
        stored.entries.last().expect("it was just added")
    }

    /// Leaves an offset out, as brokers may.
    pub(crate) fn leave_out(&mut self, partition: Partition) {
        self.stored_mut(partition).end += 1;
    }

    /// The first offset that is kept.
    pub(crate) fn start(&self, partition: Partition) -> Offset {
        self.stored(partition).start
    }

    /// The offset that the next entry will have.
    pub(crate) fn end(&self, partition: Partition) -> Offset {
        self.stored(partition).end
    }

    /// Forgets what lies before an offset.
    pub(crate) fn forget_before(&mut self, partition: Partition, offset: Offset) {
        let stored = self.stored_mut(partition);
        stored.start = stored.start.max(offset.min(stored.end));
    }

    /// At most so many entries from an offset on.
    pub(crate) fn read(
        &self,
        partition: Partition,
        from: Offset,
        most: usize,
    ) -> Result<Vec<Entry>, OutOfRange> {
        let stored = self.stored(partition);
        if from < stored.start || from > stored.end {
            return Err(OutOfRange);
        }
        let first = stored.entries.partition_point(|entry| entry.offset < from);
        Ok(stored.entries[first..].iter().take(most).cloned().collect())
    }

    fn stored(&self, partition: Partition) -> &Stored {
        &self.partitions[partition as usize]
    }

    fn stored_mut(&mut self, partition: Partition) -> &mut Stored {
        &mut self.partitions[partition as usize]
    }
}
