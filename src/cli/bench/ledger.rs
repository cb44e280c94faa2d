//! Judges what readers saw: was a record lost, seen twice, or seen out of order?
//! Pure, and fed with sequence numbers only; it knows no socket and no clock.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

/// What went wrong; all zero on a correct server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Faults {
    /// Records that a reader should have seen and never did.
    pub lost: u64,
    /// Records seen more than once, and messages that became two records.
    pub duplicated: u64,
    /// Records seen after a later one, and places at which two readers saw different records.
    pub reordered: u64,
}

impl Faults {
    /// Whether nothing went wrong.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl std::ops::AddAssign for Faults {
    fn add_assign(&mut self, other: Self) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
    }
}

/// What one reader saw of one room.
#[derive(Debug, Default)]
pub struct ReaderLedger {
    /// The next record in order; `None` until the first join is answered.
    next: Option<u64>,
    /// Records that came before that answer.
    early: Vec<u64>,
    missing: BTreeSet<u64>,
    faults: Faults,
}

impl ReaderLedger {
    /// A join was answered. Only the first sets where reading begins; later ones resume.
    pub fn joined(&mut self, position: u64) {
        if self.next.is_some() {
            return;
        }
        self.next = Some(position + 1);
        for seq in std::mem::take(&mut self.early) {
            if seq > position {
                self.saw(seq);
            }
        }
    }

    /// The server said that it cannot give what lies between the reader's position and this one.
    pub fn skipped_to(&mut self, position: u64) {
        if let Some(next) = self.next.filter(|next| *next <= position) {
            self.missing.extend(next..=position);
            self.next = Some(position + 1);
        }
    }

    /// A record came.
    pub fn saw(&mut self, seq: u64) {
        let Some(next) = self.next else {
            self.early.push(seq);
            return;
        };
        if seq >= next {
            self.missing.extend(next..seq);
            self.next = Some(seq + 1);
        } else if self.missing.remove(&seq) {
            self.faults.reordered += 1;
        } else {
            self.faults.duplicated += 1;
        }
    }

    /// The last record seen, to resume after; `None` before the first join.
    pub fn last(&self) -> Option<u64> {
        self.next.map(|next| next - 1)
    }

    /// Whether the reader has come up to `head`.
    pub fn has_reached(&self, head: u64) -> bool {
        self.next.is_some_and(|next| next > head)
    }

    /// The verdict for a room that ends at `head`.
    pub fn verdict(&self, head: u64) -> Faults {
        let unseen = self.next.map_or(0, |next| (head + 1).saturating_sub(next));
        let lost = self.missing.len() as u64 + unseen;
        Faults { lost, ..self.faults }
    }
}

/// What all readers and senders of one room must agree on: which message stands where.
#[derive(Debug, Default)]
pub struct RoomLedger {
    message_at: HashMap<u64, u64>,
    place_of: HashMap<u64, u64>,
    head: u64,
    faults: Faults,
}

impl RoomLedger {
    /// Somebody was told, by an ack or by a record, that `message` stands at `seq`.
    pub fn stands(&mut self, message: u64, seq: u64) {
        self.head = self.head.max(seq);
        if *self.message_at.entry(seq).or_insert(message) != message {
            self.faults.reordered += 1;
        }
        if *self.place_of.entry(message).or_insert(seq) != seq {
            self.faults.duplicated += 1;
        }
    }

    /// A record that is no message was seen at `seq`.
    pub fn extends_to(&mut self, seq: u64) {
        self.head = self.head.max(seq);
    }

    /// The highest place that anybody was told of.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// What the room's readers and senders disagreed on.
    pub fn verdict(&self) -> Faults {
        self.faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(position: u64, seen: &[u64]) -> ReaderLedger {
        let mut ledger = ReaderLedger::default();
        ledger.joined(position);
        seen.iter().for_each(|seq| ledger.saw(*seq));
        ledger
    }

    #[test]
    fn a_dense_sequence_is_clean() {
        assert!(reader(3, &[4, 5, 6]).verdict(6).is_clean());
    }

    #[test]
    fn what_never_came_is_lost() {
        assert_eq!(reader(3, &[4, 6]).verdict(8), Faults { lost: 3, ..Faults::default() });
    }

    #[test]
    fn what_came_twice_is_duplicated() {
        assert_eq!(reader(3, &[4, 5, 4]).verdict(5), Faults { duplicated: 1, ..Faults::default() });
        assert_eq!(reader(3, &[3, 4]).verdict(4), Faults { duplicated: 1, ..Faults::default() });
    }

    #[test]
    fn what_came_late_is_reordered_and_not_lost() {
        assert_eq!(reader(3, &[5, 4]).verdict(5), Faults { reordered: 1, ..Faults::default() });
    }

    #[test]
    fn records_that_overtake_the_first_answer_count() {
        let mut ledger = ReaderLedger::default();
        ledger.saw(3);
        ledger.saw(4);
        ledger.joined(3);
        assert_eq!(ledger.last(), Some(4));
        assert!(ledger.verdict(4).is_clean());
    }

    #[test]
    fn a_resume_continues_and_an_unhonoured_one_loses() {
        let mut ledger = reader(3, &[4]);
        ledger.joined(9);
        ledger.saw(5);
        assert!(ledger.verdict(5).is_clean());
        ledger.skipped_to(8);
        ledger.saw(9);
        assert_eq!(ledger.verdict(9).lost, 3);
    }

    #[test]
    fn a_room_has_one_message_a_place_and_one_place_a_message() {
        let mut room = RoomLedger::default();
        room.stands(1, 5);
        room.stands(1, 5);
        assert!(room.verdict().is_clean());
        room.stands(2, 5);
        assert_eq!(room.verdict().reordered, 1);
        room.stands(1, 6);
        assert_eq!(room.verdict().duplicated, 1);
    }
}
