//! What one saver has of one partition: how far it is stored, from where it is read, and what waits to be stored.
//! Pure, and no judge of the entries; whose rooms they are is the saver's business.

use std::collections::VecDeque;

use super::Ticket;
use crate::{
    log::kafka::{Entry, Offset, Partition, ring::size},
    storage::Advance,
};

/// A partition that is stored here; at first it is not known how far it is stored.
#[derive(Default)]
pub(super) struct Intake {
    reading: Option<Reading>,
    waiting: VecDeque<Entry>,
    bytes: usize,
}

/// Entries are missing that may be there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap;

struct Reading {
    ticket: Ticket,
    /// Whether it must still be told to read under this ticket.
    is_due: bool,
    /// Where the database has the partition once the batch under way is stored.
    stored: Option<Offset>,
    /// The entry that comes next; none if it is the first that there is.
    next: Option<Offset>,
    /// Offsets that were missing when they were read before: from the first up to the second, which was there.
    missing: Option<(Offset, Offset)>,
}

impl Intake {
    /// Whether it is still to be found out how far the partition is stored.
    pub(super) fn is_unread(&self) -> bool {
        self.reading.is_none()
    }

    /// Whether entries that come under this ticket are wanted.
    pub(super) fn reads(&self, ticket: Ticket) -> bool {
        self.reading.as_ref().is_some_and(|reading| reading.ticket == ticket)
    }

    /// Starts behind what is stored.
    pub(super) fn start(&mut self, stored: Option<Offset>, ticket: Ticket) {
        self.reading = Some(Reading { ticket, is_due: true, stored, next: stored, missing: None });
    }

    /// Where to read from under which ticket, if that must be told; once.
    pub(super) fn due(&mut self) -> Option<(Option<Offset>, Ticket)> {
        let reading = self.reading.as_mut().filter(|reading| reading.is_due)?;
        reading.is_due = false;
        Some((reading.next, reading.ticket))
    }

    /// Takes entries in order. If there is a gap before one of them, that one and the rest are left, and the
    /// partition must be read again. A gap that is still there then, and no larger, is believed: a
    /// transaction leaves such, or an operator who deletes records.
    pub(super) fn take(&mut self, entries: Vec<Entry>) -> Option<Gap> {
        let reading = self.reading.as_mut()?;
        for entry in entries {
            let next = reading.next.unwrap_or(entry.offset);
            if entry.offset < next {
                continue;
            }
            if entry.offset > next {
                let seen = reading.missing.filter(|(from, _)| *from == next).map(|(_, until)| until);
                if seen.is_none_or(|until| entry.offset > until) {
                    reading.missing = Some((next, seen.unwrap_or(entry.offset)));
                    return Some(Gap);
                }
            }
            reading.next = Some(entry.offset + 1);
            self.bytes += size(&entry);
            self.waiting.push_back(entry);
        }
        None
    }

    /// Has the partition read again from the entry on that comes next.
    pub(super) fn read_again(&mut self, ticket: Ticket) {
        if let Some(reading) = &mut self.reading {
            reading.ticket = ticket;
            reading.is_due = true;
        }
    }

    /// The offset that comes next, where entries are read and none waits here.
    pub(super) fn awaits(&self) -> Option<Offset> {
        let reading = self.reading.as_ref().filter(|_| self.waiting.is_empty())?;
        Some(reading.next.unwrap_or_default())
    }

    /// The entries that wait, in order.
    pub(super) fn waiting(&self) -> &VecDeque<Entry> {
        &self.waiting
    }

    /// How much waits.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes out the first `count` entries, and says how far the partition is stored with them.
    pub(super) fn draw(&mut self, partition: Partition, count: usize) -> Option<(Advance, Vec<Entry>)> {
        let reading = self.reading.as_mut()?;
        let entries: Vec<Entry> = self.waiting.drain(..count.min(self.waiting.len())).collect();
        let to = entries.last()?.offset + 1;
        let advance = Advance { partition, from: reading.stored, to };
        reading.stored = Some(to);
        self.bytes -= entries.iter().map(size).sum::<usize>();
        Some((advance, entries))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::domain::Timestamp;

    fn entries(offsets: &[Offset]) -> Vec<Entry> {
        let entry = |offset: &Offset| Entry {
            partition: 1,
            offset: *offset,
            appended_at: Timestamp::default(),
            key: None,
            value: Bytes::from_static(b"value"),
        };
        offsets.iter().map(entry).collect()
    }

    fn waiting(intake: &Intake) -> Vec<Offset> {
        intake.waiting().iter().map(|entry| entry.offset).collect()
    }

    #[test]
    fn it_reads_on_from_what_is_stored_and_says_so_once() {
        for (stored, first) in [(None, 37), (Some(5), 5)] {
            let mut intake = Intake::default();
            assert!(intake.is_unread() && !intake.reads(0) && intake.due().is_none());
            intake.start(stored, 7);
            assert_eq!((intake.due(), intake.due()), (Some((stored, 7)), None));
            assert_eq!(intake.take(entries(&[first, first + 1])), None);
            assert_eq!(intake.take(entries(&[first, first + 1, first + 2])), None);
            assert_eq!(waiting(&intake), [first, first + 1, first + 2]);
        }
    }

    #[test]
    fn what_is_drawn_makes_one_advance_after_the_other() {
        let mut intake = Intake::default();
        intake.start(Some(5), 1);
        intake.take(entries(&[5, 6, 7]));
        let mut draw = |count| intake.draw(1, count).map(|(advance, entries)| (advance, entries.len()));
        let advance = |from, to| Advance { partition: 1, from: Some(from), to };
        assert_eq!(draw(2), Some((advance(5, 7), 2)));
        assert_eq!(draw(9), Some((advance(7, 8), 1)));
        assert_eq!(draw(9), None);
        assert_eq!(intake.bytes(), 0);
    }

    #[test]
    fn a_gap_is_believed_when_it_is_seen_twice() {
        let mut intake = Intake::default();
        intake.start(Some(5), 1);
        intake.due();
        assert_eq!(intake.take(entries(&[5, 8, 9])), Some(Gap));
        intake.read_again(2);
        assert!(intake.reads(2) && !intake.reads(1));
        assert_eq!(intake.due(), Some((Some(6), 2)));
        assert_eq!(intake.take(entries(&[8, 9, 11])), Some(Gap));
        assert_eq!(waiting(&intake), [5, 8, 9]);
        intake.read_again(3);
        assert_eq!(intake.take(entries(&[10, 11])), None);
        assert_eq!(waiting(&intake), [5, 8, 9, 10, 11]);
    }

    #[test]
    fn a_gap_that_has_grown_is_not_believed() {
        let mut intake = Intake::default();
        intake.start(Some(25), 1);
        assert_eq!(intake.take(entries(&[26, 27])), Some(Gap));
        intake.read_again(2);
        assert_eq!(intake.take(entries(&[27])), Some(Gap));
        intake.read_again(3);
        assert_eq!(intake.take(entries(&[26, 27])), None);
        assert_eq!(waiting(&intake), [26, 27]);
    }
}
