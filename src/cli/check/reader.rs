//! One client's reading of its room over all its connections: where it is, and what goes into the notes.
//! Knows no socket; talkers and streamers use it alike.

use std::rc::Rc;

use super::evidence::{Answer, Record};
use super::field::{Field, Room};
use super::notes::ReadingNumber;
use crate::cli::client::frames::Position;

/// A client as a reader.
pub(super) struct Reader {
    number: usize,
    room: Rc<Room>,
    field: Rc<Field>,
    /// The node that it reads from.
    pub(super) node: usize,
    position: Option<Position>,
    reading: Option<ReadingNumber>,
    /// Records up to here are replays; all are, while a request is not answered.
    live_after: u64,
    /// The last record that overtook the answer.
    early: u64,
}

impl Reader {
    /// A client that has read nothing. With a position it wants everything after that, without only what is new.
    pub(super) fn new(
        number: usize,
        node: usize,
        room: Rc<Room>,
        field: Rc<Field>,
        position: Option<Position>,
    ) -> Self {
        Self { number, room, field, node, position, reading: None, live_after: u64::MAX, early: 0 }
    }

    /// It asks to follow the room, after the position that it gets.
    pub(super) fn begins(&mut self) -> Option<Position> {
        let after = self.position.as_ref().map(|position| position.seq);
        (self.live_after, self.early) = (u64::MAX, 0);
        let mut notes = self.room.notes.borrow_mut();
        if let Some(refused) = self.reading.take() {
            notes.ends(refused);
        }
        self.reading = Some(notes.begins(self.number, self.node, after));
        self.position.clone()
    }

    /// The node answered.
    pub(super) fn answered(&mut self, position: Position, recovered: Option<bool>) {
        let Some(reading) = self.reading else { return };
        let Position { epoch, seq } = position.clone();
        self.live_after = seq;
        self.room.notes.borrow_mut().answered(reading, Answer { epoch, position: seq, recovered });
        if self.position.is_none() || recovered == Some(false) {
            self.position = Some(position);
        }
        self.advance(self.early);
        let (now, last) = (self.field.now(), self.last());
        self.field.update(self.number, |state| {
            (state.is_served, state.last) = (true, last);
            state.service.restored(now);
        });
    }

    /// Whether the node has answered on this connection.
    pub(super) fn is_answered(&self) -> bool {
        self.reading.is_some() && self.live_after < u64::MAX
    }

    /// A record came.
    pub(super) fn saw(&mut self, record: Record) {
        let (Some(reading), seq) = (self.reading, record.seq) else { return };
        self.count(reading, record);
        if !self.is_answered() {
            self.early = self.early.max(seq);
            return;
        }
        self.advance(seq);
        let last = self.last();
        self.field.update(self.number, |state| state.last = last);
    }

    fn count(&self, reading: ReadingNumber, record: Record) {
        let (now, seq) = (self.field.now(), record.seq);
        let mut notes = self.room.notes.borrow_mut();
        let send = notes.saw(reading, record);
        let mut figures = self.field.figures.borrow_mut();
        figures.deliveries += 1;
        if let Some(send) = send.filter(|_| seq > self.live_after) {
            let is_other = send.node != self.node;
            let latency = if is_other { &mut figures.cross_delivery } else { &mut figures.delivery };
            latency.record(now.saturating_sub(send.sent_at));
        }
    }

    fn advance(&mut self, seq: u64) {
        if let Some(position) = &mut self.position {
            position.seq = position.seq.max(seq);
        }
    }

    /// The connection is lost; the next one is to another node, if there is one.
    pub(super) fn ends(&mut self, why: String, next_node: usize) {
        if let Some(reading) = self.reading.take() {
            self.room.notes.borrow_mut().ends(reading);
        }
        self.field.figures.borrow_mut().reconnect(why);
        let now = self.field.now();
        self.field.update(self.number, |state| {
            state.is_served = false;
            state.service.lost(now);
        });
        self.node = next_node;
    }

    fn last(&self) -> u64 {
        self.position.as_ref().map_or(0, |position| position.seq)
    }
}
