//! The notes that clients take of one room while they use it: they become the evidence.
//! Takes down and looks up; judges nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::entry::Entry;
use super::evidence::{Ack, Answer, History, Reading, Record, RoomEvidence, Send};
use crate::cli::client::frames::Position;

/// Notes of one room, shared by all its clients.
#[derive(Debug, Default)]
pub(super) struct Notes {
    evidence: RoomEvidence,
    /// Where in the evidence a send is, by its sender and its name.
    sends: HashMap<(String, String), usize>,
    /// Every record that anybody saw, once.
    shelf: HashSet<Arc<Record>>,
    head: u64,
    epoch: String,
}

/// A subscription in the notes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadingNumber(usize);

/// A send in the notes.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendNumber(usize);

impl Notes {
    /// Notes of a room with this name.
    pub(super) fn of(name: String) -> Self {
        Self { evidence: RoomEvidence { name, ..RoomEvidence::default() }, ..Self::default() }
    }

    /// A user may be seen in the room from now on, who was told its id and the epoch of its log.
    pub(super) fn entered(&mut self, entry: &Entry) {
        self.evidence.users.push(entry.user.clone());
        self.evidence.ids.insert(entry.room.clone());
        self.epoch.clone_from(&entry.epoch);
    }

    /// The room's id and where it begins, once anybody knows.
    pub(super) fn beginning(&self) -> Option<(String, Position)> {
        let id = self.evidence.ids.first()?.clone();
        Some((id, Position { epoch: self.epoch.clone(), seq: 0 }))
    }

    /// Somebody sends a message for the first time.
    pub(super) fn sends(&mut self, send: Send) -> SendNumber {
        let number = self.evidence.sends.len();
        self.sends.insert((send.sender.clone(), send.client_id.clone()), number);
        self.evidence.sends.push(send);
        SendNumber(number)
    }

    /// A send was acknowledged. Gives what was sent if it was the first time.
    pub(super) fn acked(&mut self, SendNumber(number): SendNumber, ack: Ack) -> Option<&Send> {
        self.head = self.head.max(ack.seq);
        let send = self.evidence.sends.get_mut(number)?;
        send.acks.push(ack);
        (send.acks.len() == 1).then_some(send)
    }

    /// A send was refused for good at its first attempt.
    pub(super) fn refused(&mut self, SendNumber(number): SendNumber) {
        if let Some(send) = self.evidence.sends.get_mut(number) {
            send.is_refused = true;
        }
    }

    /// A client asks to follow the room.
    pub(super) fn begins(&mut self, reader: usize, node: usize, after: Option<u64>) -> ReadingNumber {
        let reading = Reading { reader, node, after, answer: None, records: Vec::new(), is_open: true };
        self.evidence.readings.push(reading);
        ReadingNumber(self.evidence.readings.len() - 1)
    }

    /// The server answered that request.
    pub(super) fn answered(&mut self, ReadingNumber(number): ReadingNumber, answer: Answer) {
        self.head = self.head.max(answer.position);
        if let Some(reading) = self.evidence.readings.get_mut(number) {
            reading.answer = Some(answer);
        }
    }

    /// A record came. Gives what was sent if it is a message that a client of this run sent.
    pub(super) fn saw(&mut self, ReadingNumber(number): ReadingNumber, record: Record) -> Option<&Send> {
        self.head = self.head.max(record.seq);
        let record = self.shelved(record);
        let name = record.client_id.clone().map(|client_id| (record.sender.id.clone(), client_id));
        self.evidence.readings.get_mut(number)?.records.push(record);
        self.sends.get(&name?).and_then(|number| self.evidence.sends.get(*number))
    }

    /// The connection was lost.
    pub(super) fn ends(&mut self, ReadingNumber(number): ReadingNumber) {
        if let Some(reading) = self.evidence.readings.get_mut(number) {
            reading.is_open = false;
        }
    }

    /// A node gave the whole history.
    pub(super) fn history(&mut self, node: usize, epoch: String, head: u64, records: Vec<Record>) {
        let last = records.last().map_or(0, |record| record.seq);
        self.head = self.head.max(head).max(last);
        let records = records.into_iter().map(|record| self.shelved(record)).collect();
        self.evidence.histories.push(History { node, epoch, head, records });
    }

    /// The highest place that anybody was told of.
    pub(super) fn head(&self) -> u64 {
        self.head
    }

    /// The notes as they are to be judged.
    pub(super) fn evidence(&self) -> &RoomEvidence {
        &self.evidence
    }

    fn shelved(&mut self, record: Record) -> Arc<Record> {
        if let Some(known) = self.shelf.get(&record) {
            return Arc::clone(known);
        }
        let record = Arc::new(record);
        self.shelf.insert(Arc::clone(&record));
        record
    }
}
