//! The judge: what the log has is the truth, and all that anybody is shown, told or stores is held against it.
//! It watches all the time and takes no part in what happens.

use std::collections::{BTreeMap, BTreeSet};

use klatsch::{
    domain::{
        Code, Command, FirstSend, Foundation, Message, Outcome, Record, RecordKind, RoomId, RoomState, Seq,
        Timestamp, User, UserId,
    },
    log::{
        Partition,
        kafka::{Entry, Offset, saver::DeadLetter},
    },
    storage::Batch,
    wire::log_record,
};

use crate::{
    talk::{Ask, Request},
    truth::{Known, Truth},
    virtual_database::VirtualDatabase,
};

/// How far the clock of the brokers may be from that of the nodes, in milliseconds.
const MOST_SKEW: i64 = 3_000;

/// The judge of a run.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    rooms: BTreeMap<RoomId, Truth>,
    /// What each partition has for the rows: the offset of every record that counts, ascending.
    recorded: BTreeMap<Partition, Vec<Offset>>,
    /// Entries that change no room.
    poison: BTreeMap<(Partition, Offset), Entry>,
    buried: BTreeSet<(Partition, Offset)>,
    faults: Vec<String>,
}

impl Judge {
    /// The first promise that was broken, if one was.
    pub(crate) fn fault(&self) -> Option<&str> {
        self.faults.first().map(String::as_str)
    }

    /// Says that something is wrong.
    pub(crate) fn object(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// A room is made, with records that it had before it lived in a partition.
    pub(crate) fn created(&mut self, room: RoomId, foundation: Foundation, before: &[Record]) {
        let mut truth = Truth::new(foundation);
        for record in before {
            truth.state.apply(record.proposal(), record.at);
            truth.know(record.clone(), None);
        }
        self.rooms.insert(room, truth);
    }

    /// A room is given its partition.
    pub(crate) fn placed(&mut self, room: &RoomId, partition: Partition) {
        if let Some(truth) = self.rooms.get_mut(room) {
            truth.partition.get_or_insert(partition);
        }
    }

    /// The partition of a room.
    pub(crate) fn partition_of(&self, room: &RoomId) -> Option<Partition> {
        self.rooms.get(room)?.partition
    }

    /// The number of the newest record in the log.
    pub(crate) fn head(&self, room: &RoomId) -> Seq {
        self.rooms.get(room).map_or(0, |truth| truth.state.head())
    }

    /// Somebody is about to say something that nobody has said before.
    pub(crate) fn said(&mut self, room: &RoomId, user: &UserId, text: &str) {
        if let Some(truth) = self.rooms.get_mut(room) {
            truth.said.insert((user.clone(), text.to_owned()), None);
        }
    }

    /// The record that made a user a member, if they are one.
    pub(crate) fn membership(&self, room: &RoomId, user: &UserId) -> Option<Seq> {
        let mut members = self.rooms.get(room)?.state.members().joined_after(0);
        members.find(|(_, member)| member.id == *user).map(|(seq, _)| seq)
    }

    /// A user was told that they are no member, although the log had this record of their joining when they asked
    /// (D2): what one node answered holds on every other.
    pub(crate) fn denied(&mut self, room: &RoomId, user: &UserId, joined: Seq) {
        if self.membership(room, user) == Some(joined) {
            self.object(format!("D2: {user} is a member of {room} since {joined} and was told otherwise"));
        }
    }

    /// By how many records what is asked is allowed, if it is; also where the log's clock is behind.
    pub(crate) fn right(&self, request: &Request, now: Timestamp) -> Option<u64> {
        let truth = self.rooms.get(&request.room)?;
        let command = match &request.ask {
            Ask::Subscribe(_) => Command::Join,
            Ask::Act(act) => Command::Act(act.clone()),
            // Who would say nothing new may do the same as who says something.
            Ask::Send { body, .. } => Command::Send(Message::new(body.clone(), None)),
            Ask::Leave | Ask::Unsubscribe | Ask::History { .. } => return None,
        };
        let early = Timestamp::from_millis(now.as_millis() - MOST_SKEW);
        let allowed = truth.state.decide(&request.user, command, early).is_ok();
        allowed.then_some(truth.standings)
    }

    /// Somebody was refused for good what they were allowed to do when they asked (D2): what one node did holds on
    /// every other, and nothing but another record takes it back.
    pub(crate) fn refused(&mut self, room: &RoomId, user: &UserId, code: Code, right: u64) {
        if self.rooms.get(room).is_some_and(|truth| truth.standings == right) {
            self.object(format!("D2: {user} was refused as {code:?} in {room} what they may do"));
        }
    }

    /// Whether somebody cannot be in a room, whatever they try.
    pub(crate) fn is_barred(&self, room: &RoomId, user: &User, now: Timestamp) -> bool {
        let late = Timestamp::from_millis(now.as_millis() + MOST_SKEW);
        let join = |truth: &Truth| truth.state.decide(user, Command::Join, late).is_err();
        self.rooms.get(room).is_some_and(join)
    }

    /// The log has a new entry.
    pub(crate) fn appended(&mut self, entry: &Entry) {
        let room = entry.key.as_deref().and_then(|key| std::str::from_utf8(key).ok()).map(RoomId::new);
        let truth = room.as_ref().and_then(|room| self.rooms.get_mut(room));
        let truth = truth.filter(|truth| truth.partition == Some(entry.partition));
        let (Some(truth), Ok(record)) = (truth, log_record::decode(&entry.value)) else {
            self.poison.insert((entry.partition, entry.offset), entry.clone());
            return;
        };
        if let Outcome::Recorded(record) = truth.state.apply(record.proposal, entry.appended_at) {
            let fault = truth.know(record, Some(entry.offset));
            self.recorded.entry(entry.partition).or_default().push(entry.offset);
            self.faults.extend(fault);
        }
    }

    /// Somebody was shown a record (D1, D2): the log has it, and it is this one.
    pub(crate) fn shown(&mut self, room: &RoomId, record: &Record) {
        let known = self.known(room, record.seq).is_some_and(|known| known.record == *record);
        if !known {
            self.object(format!("D2: {room} has no such record as was shown: {record:?}"));
        }
    }

    /// Somebody was told that what they said is in the log (D1, D4), later than all that they knew then.
    pub(crate) fn acked(
        &mut self,
        room: &RoomId,
        (user, text): (&UserId, &str),
        first: FirstSend,
        floor: Seq,
    ) {
        let is_it = |known: &Known| {
            let Record { at, sender, kind, .. } = &known.record;
            let said = matches!(kind, RecordKind::Message(Message { body, .. }) if body.as_str() == text);
            said && sender.id == *user && *at == first.at
        };
        let is_so = self.known(room, first.seq).is_some_and(is_it);
        if !is_so {
            self.object(format!("D1: {user} was told that {text:?} is {first:?} of {room}"));
        }
        if first.seq <= floor {
            self.object(format!("D2: {text:?} came to stand before what {user} knew"));
        }
    }

    /// A node has brought a room up to date (D3): its state is that of the log, with all that was there when it
    /// was asked.
    pub(crate) fn opened(&mut self, room: &RoomId, state: &RoomState, asked_head: Seq) {
        let head = state.head();
        if head < asked_head {
            self.object(format!("D3: {room} was opened at {head}, not {asked_head}"));
        }
        let is_so = self.rooms.get_mut(room).is_some_and(|truth| truth.was(state));
        if !is_so {
            self.object(format!("D2: {room} was opened with a state that it never had, at {head}"));
        }
    }

    /// Somebody was given a page of history after a number (D2): an unbroken run, up to the head if it is not full.
    pub(crate) fn page(
        &mut self,
        room: &RoomId,
        after: Seq,
        page: &[Record],
        (asked_head, full): (Seq, usize),
    ) {
        for (record, expected) in page.iter().zip(after + 1..) {
            if record.seq != expected {
                self.object(format!("D2: a page of {room} lacks {expected}"));
            }
            self.shown(room, record);
        }
        let last = after + page.len() as Seq;
        let whole = page.len() == full || last >= asked_head.max(after);
        if !whole {
            self.object(format!("D2: a page of {room} ends at {last}, not {asked_head}"));
        }
    }

    /// Entries were put aside.
    pub(crate) fn buried(&mut self, letters: &[DeadLetter]) {
        for DeadLetter { entry, error } in letters {
            let place = (entry.partition, entry.offset);
            let is_poison = self.poison.get(&place) == Some(entry);
            if !is_poison {
                self.object(format!("D7: {place:?} was put aside: {error}"));
            }
            self.buried.insert(place);
        }
    }

    /// A batch was stored (D7): the rows are what the log has below the places that the database names, once.
    pub(crate) fn stored(&mut self, batch: &Batch, database: &VirtualDatabase) {
        for new in &batch.records {
            let is_so = self
                .known(&new.room, new.record.seq)
                .is_some_and(|known| known.record == new.record && known.offset == new.log_offset);
            if !is_so {
                self.object(format!("D7: {} has no such record as was stored: {new:?}", new.room));
            }
        }
        for (room, seq, _) in &batch.snapshots {
            let stored = database.room(room).and_then(|row| row.snapshot.as_ref());
            let was =
                |truth: &mut Truth| stored.is_some_and(|(_, state)| state.head() == *seq && truth.was(state));
            let is_so = self.rooms.get_mut(room).is_some_and(was);
            if !is_so {
                self.object(format!("D7: the snapshot of {room} at {seq} is not its state"));
            }
        }
        for advance in &batch.advances {
            self.rows(advance.partition, database);
        }
    }

    /// Holds all rows of a partition against the log.
    pub(crate) fn rows(&mut self, partition: Partition, database: &VirtualDatabase) {
        let next = database.next_offset(partition).unwrap_or(0);
        let unburied = self.poison.range((partition, 0)..(partition, next));
        let unburied: Vec<_> =
            unburied.map(|(place, _)| *place).filter(|place| !self.buried.contains(place)).collect();
        if !unburied.is_empty() {
            self.object(format!("D7: {unburied:?} were skipped and are nowhere"));
        }
        let wanted =
            self.recorded.get(&partition).map_or(0, |all| all.partition_point(|offset| *offset < next));
        let mut stored = 0;
        let mut faults = Vec::new();
        for (room, row) in database.rooms().filter(|(_, row)| row.partition == Some(partition)) {
            stored += row.records.values().filter(|(_, offset)| offset.is_some()).count();
            faults.extend(self.rooms.get(room).and_then(|truth| truth.differs(room, row)));
        }
        self.faults.extend(faults);
        if stored != wanted {
            self.object(format!(
                "D7: below {next} partition {partition} has {wanted} records, and {stored} rows"
            ));
        }
    }

    fn known(&self, room: &RoomId, seq: Seq) -> Option<&Known> {
        self.rooms.get(room)?.records.get(seq.checked_sub(1)? as usize)
    }
}
