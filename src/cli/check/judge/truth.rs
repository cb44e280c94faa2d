//! What stands where in a room, by the longest of its histories, and who sent what: look-ups for the judge.
//! Judges nothing itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::cli::check::evidence::{History, Record, RoomEvidence, Send};

/// Who sent a message and what they called it.
pub(super) type Name<'a> = (&'a str, &'a str);

/// A room in a form that answers questions.
pub(super) struct Truth<'a> {
    /// The history that the others are compared with.
    pub(super) reference: Option<&'a History>,
    /// Its records by their place.
    pub(super) records: BTreeMap<u64, &'a Record>,
    /// The places of each message in it.
    pub(super) places: HashMap<Name<'a>, Vec<u64>>,
    by_node: HashMap<usize, HashMap<u64, &'a Record>>,
    sends: HashMap<Name<'a>, &'a Send>,
    users: HashSet<&'a str>,
}

impl<'a> Truth<'a> {
    pub(super) fn of(room: &'a RoomEvidence) -> Self {
        let reference = longest(&room.histories);
        let mut truth = Self {
            reference,
            records: BTreeMap::new(),
            places: HashMap::new(),
            by_node: HashMap::new(),
            sends: room.sends.iter().map(|send| (name_of_send(send), send)).collect(),
            users: room.users.iter().map(String::as_str).collect(),
        };
        for record in reference.iter().flat_map(|history| &history.records) {
            truth.records.entry(record.seq).or_insert(record);
        }
        for record in truth.records.values() {
            if let Some(name) = name_of(record) {
                truth.places.entry(name).or_default().push(record.seq);
            }
        }
        for history in &room.histories {
            let records = history.records.iter().map(|record| (record.seq, record.as_ref())).collect();
            truth.by_node.insert(history.node, records);
        }
        truth
    }

    /// Where the room ends, if anybody knows.
    pub(super) fn head(&self) -> Option<u64> {
        let last = self.records.keys().next_back().copied().unwrap_or(0);
        self.reference.map(|history| history.head.max(last))
    }

    /// What a node's own history has at a place; another node's where it gave none.
    pub(super) fn stored(&self, node: usize, seq: u64) -> Option<&'a Record> {
        match self.by_node.get(&node) {
            Some(records) => records.get(&seq).copied(),
            None => self.records.get(&seq).copied(),
        }
    }

    /// Why nobody can have made this record; `None` if somebody may have.
    pub(super) fn invention(&self, record: &Record) -> Option<&'static str> {
        if !self.users.contains(record.sender.id.as_str()) {
            return Some("is of somebody unknown");
        }
        if record.kind != "message" {
            return None;
        }
        let Some(send) = name_of(record).and_then(|name| self.sends.get(&name)) else {
            return Some("was sent by nobody");
        };
        if record.body.as_deref() != Some(send.body.as_str()) {
            return Some("has a text that nobody sent");
        }
        send.is_refused.then_some("was refused for good")
    }
}

/// The name of a message; other records have none.
pub(super) fn name_of(record: &Record) -> Option<Name<'_>> {
    record.client_id.as_deref().map(|client_id| (record.sender.id.as_str(), client_id))
}

/// The name of what was sent.
pub(super) fn name_of_send(send: &Send) -> Name<'_> {
    (&send.sender, &send.client_id)
}

/// The first one of those that go furthest.
fn longest(histories: &[History]) -> Option<&History> {
    let last = |history: &History| history.records.iter().map(|record| record.seq).max().unwrap_or(0);
    histories.iter().rev().max_by_key(|history| last(history))
}
