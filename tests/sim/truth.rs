//! What one room is: the fold of its part of the log, and who said what in it.
//! It is told what the log has, and asked what can be true then.

use std::collections::BTreeMap;

use klatsch::{
    domain::{Belonging, Foundation, Message, Record, RecordKind, RoomId, RoomState, Seq, UserId},
    log::{Partition, kafka::Offset},
};

use crate::virtual_database::RoomRow;

/// What a room is.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) partition: Option<Partition>,
    pub(crate) state: RoomState,
    /// A state that it had, so that later ones need not be folded from the first record.
    former: RoomState,
    /// How many records said who may do what.
    pub(crate) standings: u64,
    pub(crate) records: Vec<Known>,
    /// What people said, each text once, and where that was recorded.
    pub(crate) said: BTreeMap<(UserId, String), Option<Seq>>,
}

/// A record of it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) record: Record,
    pub(crate) offset: Option<Offset>,
    pub(crate) members: u64,
    pub(crate) belongings: Vec<(UserId, Belonging)>,
    pub(crate) closed: bool,
}

impl Truth {
    /// A room of which nothing is in the log.
    pub(crate) fn new(foundation: Foundation) -> Self {
        let (state, former) = (RoomState::new(foundation.clone()), RoomState::new(foundation));
        Self { state, former, ..Self::default() }
    }

    /// Takes note of a record. Gives what is wrong if it was invented, or is there for the second time.
    pub(crate) fn know(&mut self, record: Record, offset: Option<Offset>) -> Option<String> {
        let members = self.state.members().len() as u64;
        let mut fault = None;
        if let (RecordKind::Message(Message { body, .. }), Some(_)) = (&record.kind, offset) {
            let key = (record.sender.id.clone(), body.as_str().to_owned());
            fault = match self.said.insert(key, Some(record.seq)) {
                Some(None) => None,
                Some(Some(first)) => Some(format!("D4: {body:?} is record {first} and {}", record.seq)),
                None => Some(format!("D6: nobody said {body:?}")),
            };
        }
        self.standings += u64::from(record.kind.message().is_none());
        let belongings = belongings(&self.state);
        let closed = self.state.is_closed();
        self.records.push(Known { record, offset, members, belongings, closed });
        fault
    }

    /// Whether this is the room after some number of its records.
    pub(crate) fn was(&mut self, state: &RoomState) -> bool {
        let head = state.head();
        if head == self.state.head() {
            return *state == self.state;
        }
        if head < self.former.head() {
            self.former = RoomState::new(self.state.foundation().clone());
        }
        let known = self.records.iter().take(head as usize).skip(self.former.head() as usize);
        for Known { record, .. } in known {
            self.former.apply(record.proposal(), record.at);
        }
        *state == self.former
    }

    /// How the rows are not an unbroken run of its records with a head that fits.
    pub(crate) fn differs(&self, room: &RoomId, row: &RoomRow) -> Option<String> {
        let rows = row.records.len() as Seq;
        let members = match rows.checked_sub(1) {
            Some(last) => self.records.get(last as usize)?.members,
            None => 0,
        };
        let (belongings, closed) = match rows.checked_sub(1) {
            Some(last) => {
                self.records.get(last as usize).map(|known| (known.belongings.clone(), known.closed))?
            }
            None => Default::default(),
        };
        let stored: Vec<_> = row.memberships.iter().map(|(user, how)| (user.clone(), *how)).collect();
        if stored != belongings || row.closed != closed {
            return Some(format!("D7: {room} has memberships {stored:?}, its records make {belongings:?}"));
        }
        let is_so = (row.head, row.members) == (rows, members);
        (!is_so).then(|| {
            let (head, count) = (row.head, row.members);
            format!("D7: {room} has {rows} rows and {members} members, its head says {head} and {count}")
        })
    }
}

/// How people belong to a room, in the order of their ids.
pub(crate) fn belongings(state: &RoomState) -> Vec<(UserId, Belonging)> {
    let mut all: Vec<_> = state.belongings().map(|(user, how)| (user.clone(), how)).collect();
    all.sort();
    all
}
