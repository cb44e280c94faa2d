//! A room's recent records, bounded in number and bytes, so that most who come back need no database.
//! It holds an unbroken run up to the room's head; older records are in the log.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    domain::Seq,
    wire::{Broadcast, Dialect},
};

/// The newest records of a room.
#[derive(Debug)]
pub(super) struct Ring {
    records: VecDeque<Arc<Broadcast>>,
    bytes: usize,
    most_records: usize,
    most_bytes: usize,
}

impl Ring {
    /// An empty ring for at most so many records and bytes.
    pub(super) fn new(most_records: usize, most_bytes: usize) -> Self {
        Self { records: VecDeque::new(), bytes: 0, most_records, most_bytes }
    }

    /// Adds the room's next record and forgets the oldest ones beyond the bounds.
    pub(super) fn push(&mut self, record: Arc<Broadcast>) {
        self.bytes += record.size();
        self.records.push_back(record);
        while self.records.len() > self.most_records || self.bytes > self.most_bytes {
            let Some(oldest) = self.records.pop_front() else { return };
            self.bytes -= oldest.size();
        }
    }

    /// The records after `after` up to the head, if the ring has them all and they fit into `budget` bytes.
    pub(super) fn after(
        &self,
        after: Seq,
        head: Seq,
        dialect: &Dialect,
        budget: usize,
    ) -> Option<Vec<Arc<Broadcast>>> {
        let wanted = usize::try_from(head - after.min(head)).ok()?;
        let skipped = self.records.len().checked_sub(wanted)?;
        let mut bytes = 0;
        let mut found = Vec::with_capacity(wanted);
        for record in self.records.iter().skip(skipped) {
            bytes += record.encoded(dialect).len();
            if bytes > budget {
                return None;
            }
            found.push(Arc::clone(record));
        }
        Some(found)
    }

    /// How many records it holds.
    pub(super) fn len(&self) -> usize {
        self.records.len()
    }
}
