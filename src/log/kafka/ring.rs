//! The recent entries of one partition, bounded in bytes, so that most rooms that wake need no second reading.
//! It holds an unbroken run up to the next entry; what is older is in the topic.

use std::collections::VecDeque;

use super::{Entry, Offset};

/// What an entry costs besides its key and value.
const OVERHEAD: usize = 96;

/// The newest entries of a partition.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    most_bytes: usize,
    start: Offset,
    next: Offset,
}

impl Ring {
    /// An empty ring of a partition that is read from `start` on.
    pub(super) fn new(start: Offset, most_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, most_bytes, start, next: start }
    }

    /// The offset that the next entry will have, or a higher one.
    pub(super) fn next(&self) -> Offset {
        self.next
    }

    /// Adds the partition's next entry and forgets the oldest ones beyond the bound.
    pub(super) fn push(&mut self, entry: Entry) {
        self.next = entry.offset + 1;
        self.bytes += size(&entry);
        self.entries.push_back(entry);
        while self.bytes > self.most_bytes {
            let Some(oldest) = self.entries.pop_front() else { return };
            self.bytes -= size(&oldest);
            self.start = oldest.offset + 1;
        }
    }

    /// The entries from `from` up to the next one, if the ring has them all; none if they are yet to come.
    pub(super) fn since(&self, from: Offset) -> Option<impl Iterator<Item = &Entry>> {
        (from >= self.start).then(|| self.entries.iter().skip_while(move |entry| entry.offset < from))
    }
}

pub(super) fn size(entry: &Entry) -> usize {
    OVERHEAD + entry.value.len() + entry.key.as_ref().map_or(0, |key| key.len())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::Timestamp;

    fn entry(offset: Offset) -> Entry {
        let value = Bytes::from(vec![b'x'; 100 - OVERHEAD]);
        Entry { partition: 0, offset, appended_at: Timestamp::default(), key: None, value }
    }

    fn offsets(ring: &Ring, from: Offset) -> Option<Vec<Offset>> {
        Some(ring.since(from)?.map(|entry| entry.offset).collect())
    }

    #[test]
    fn d3_a_ring_gives_all_that_followed_or_nothing() {
        let mut ring = Ring::new(10, 300);
        assert_eq!(offsets(&ring, 10), Some(vec![]));
        assert_eq!(offsets(&ring, 9), None);
        // Offsets may have gaps; they are nobody's entries.
        for offset in [10, 12, 13, 14] {
            ring.push(entry(offset));
        }
        assert_eq!(ring.next(), 15);
        assert_eq!(offsets(&ring, 10), None, "the first was forgotten");
        assert_eq!(offsets(&ring, 11), Some(vec![12, 13, 14]));
        assert_eq!(offsets(&ring, 14), Some(vec![14]));
        assert_eq!(offsets(&ring, 15), Some(vec![]));
        assert_eq!(offsets(&ring, 16), Some(vec![]));
    }
}
