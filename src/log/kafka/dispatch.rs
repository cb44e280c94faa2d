//! Dispatch: which entries of which partitions go to which rooms of this node, and when a waking room is up to date.
//! Pure: what is to be read is its answer, entries are its input, and brokers, threads and clocks are not known.

use std::collections::BTreeMap;

use super::{
    Entry, Offset, Partition,
    reading::{Opening, Reading},
};
use crate::{
    domain::{Record, RoomId, RoomState},
    log::{Delivery, LogError, Sink},
    wire::log_record::Origin,
};

/// A room's state as of an offset of its partition, to be brought up to a later one.
pub struct Attach {
    /// The room.
    pub room: RoomId,
    /// Where its records are.
    pub partition: Partition,
    /// Everything below is in `state`.
    pub from: Offset,
    /// The room is up to date once everything below this is in its state; at least the high watermark when
    /// the room was asked for, so that whatever was acknowledged by then is in it.
    pub until: Offset,
    /// The fold of everything below `from`.
    pub state: RoomState,
    /// What for.
    pub purpose: Purpose,
}

/// What a room is brought up to date for.
pub enum Purpose {
    /// To be awake on this node: later records go to `sink`.
    Open {
        /// Names this opening in the origin of its appends.
        run: Box<str>,
        /// Where its deliveries go.
        sink: Sink,
        /// Given its state.
        opened: Told<RoomState>,
    },
    /// To be read once.
    Read {
        /// Given its state, and the records that were not in the one it began with, ascending.
        done: Told<(RoomState, Vec<Record>)>,
    },
}

/// Told how it went, where the dispatch runs, so it must not block. It says whether anybody still waited.
pub type Told<T> = Box<dyn FnOnce(Result<T, AttachError>) -> bool + Send>;

/// Why a room cannot be brought up to date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachError {
    /// Its state is older than what is in memory here. What lies between must be read from the topic, up to
    /// this offset at least.
    TooOld(Offset),
    /// The partition cannot be read from there on.
    Lost,
}

/// What the consumer is to do, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Read the partition from here on.
    Assign(Partition, Offset),
    /// Read it no more.
    Unassign(Partition),
}

/// What came of a batch of entries, to be counted.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Entries of rooms that are awake here.
    pub delivered: u64,
    /// Entries of rooms that sleep here, skipped by their key.
    pub skipped: u64,
    /// Entries of awake rooms that are no records; they change no room, on any node.
    pub undecodable: u64,
}

/// The dispatch of one node.
pub struct Dispatch {
    readings: BTreeMap<Partition, Reading>,
    ring_bytes: usize,
    changes: Vec<Change>,
}

impl Dispatch {
    /// A dispatch that reads nothing; it will keep so many bytes of recent entries for each partition.
    pub fn new(ring_bytes: usize) -> Self {
        Self { readings: BTreeMap::new(), ring_bytes, changes: Vec::new() }
    }

    /// What the consumer is to do since this was last asked.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// The partitions that are read, and the offset that comes next in each.
    pub fn positions(&self) -> impl Iterator<Item = (Partition, Offset)> {
        self.readings.iter().map(|(partition, reading)| (*partition, reading.ring.next()))
    }

    /// How many rooms are awake.
    pub fn rooms(&self) -> usize {
        self.readings.values().map(|reading| reading.open.len()).sum()
    }

    /// Begins to bring a room up to date. A room that was open stays so until the new opening takes its place.
    pub fn attach(&mut self, attach: Attach) {
        let Attach { room, partition, from, until, state, purpose } = attach;
        let reading = self.readings.entry(partition).or_insert_with(|| {
            self.changes.push(Change::Assign(partition, from));
            Reading::new(from, self.ring_bytes)
        });
        let until = until.max(from);
        let mut opening = Opening { room, state, from, until, records: Vec::new(), purpose };
        let entries = reading.ring.since(from).map(|entries| entries.for_each(|entry| opening.take(entry)));
        if entries.is_some() {
            reading.opening.push(opening);
            reading.settle();
        } else {
            opening.fail(AttachError::TooOld(reading.ring.next()));
        }
        self.release(partition);
    }

    /// Closes an opening; nothing more goes to its sink.
    pub fn close(&mut self, room: &RoomId, partition: Partition, run: &str) {
        if let Some(reading) = self.readings.get_mut(&partition) {
            if reading.open.get(room).is_some_and(|open| &*open.run == run) {
                reading.open.remove(room);
            }
            self.release(partition);
        }
    }

    /// Says when everything below an offset was handed to its room; at once if the partition is not read here.
    pub fn settle(&mut self, partition: Partition, until: Offset, settled: Box<dyn FnOnce() + Send>) {
        match self.readings.get_mut(&partition) {
            Some(reading) => {
                reading.barriers.push((until, settled));
                reading.settle();
            }
            None => settled(),
        }
    }

    /// Takes the next entries of any partitions. Those that were taken before, and those of partitions that
    /// are not read any more, change nothing.
    pub fn entries(&mut self, entries: Vec<Entry>) -> Tally {
        let mut tally = Tally::default();
        let mut touched = Vec::new();
        for entry in entries {
            let Some(reading) = self.readings.get_mut(&entry.partition) else { continue };
            if entry.offset < reading.ring.next() {
                continue;
            }
            if !touched.contains(&entry.partition) {
                touched.push(entry.partition);
            }
            reading.take(entry, &mut tally);
        }
        for partition in touched {
            if let Some(reading) = self.readings.get_mut(&partition) {
                reading.hand_over();
                reading.settle();
            }
            self.release(partition);
        }
        tally
    }

    /// An append failed: its room is told, if it is still the same opening. If the entry comes nevertheless,
    /// it is delivered with its token all the same, and the first answer counts.
    pub fn failed(&mut self, room: &RoomId, partition: Partition, origin: &Origin, error: LogError) {
        let open = self.readings.get(&partition).and_then(|reading| reading.open.get(room));
        if let Some(open) = open.filter(|open| open.run == origin.run) {
            (open.sink)(vec![Delivery::Failed { token: origin.append, error }]);
        }
    }

    /// A partition cannot be read on from where it stands: its rooms lose their sinks, and must be opened anew.
    pub fn lost(&mut self, partition: Partition) {
        if let Some(reading) = self.readings.remove(&partition) {
            reading.opening.into_iter().for_each(|opening| opening.fail(AttachError::Lost));
            reading.barriers.into_iter().for_each(|(_, settled)| settled());
            self.changes.push(Change::Unassign(partition));
        }
    }

    /// Stops reading a partition that nobody needs.
    fn release(&mut self, partition: Partition) {
        if self.readings.get(&partition).is_some_and(Reading::is_unneeded) {
            self.readings.remove(&partition);
            self.changes.push(Change::Unassign(partition));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use bytes::Bytes;

    use super::*;
    use crate::{
        domain::{Proposal, Timestamp},
        log::{
            Token,
            contract::{joins, says},
        },
        wire::log_record,
    };

    fn entry(offset: Offset, room: &str, proposal: &Proposal, origin: Option<(&str, u64)>) -> Entry {
        let origin = origin.map(|(run, append)| Origin { run: run.into(), append });
        let value = log_record::encode(proposal, origin.as_ref()).into();
        let key = Some(Bytes::copy_from_slice(room.as_bytes()));
        Entry { partition: 0, offset, appended_at: Timestamp::from_millis(offset), key, value }
    }

    /// Ada joins at 0 and says something at every further offset.
    fn entries(room: &str, offsets: std::ops::Range<Offset>) -> Vec<Entry> {
        let said = |offset: Offset| match offset {
            0 => entry(0, room, &joins("ada"), None),
            _ => entry(offset, room, &says("ada", None, &offset.to_string()), None),
        };
        offsets.map(said).collect()
    }

    /// A room as the dispatch sees it: told when it is up to date, and what comes then.
    #[derive(Default, Clone)]
    struct Player {
        opened: Arc<Mutex<Option<Result<RoomState, AttachError>>>>,
        delivered: Arc<Mutex<Vec<Delivery>>>,
    }

    impl Player {
        fn attach(room: &str, from: Offset, until: Offset, state: RoomState) -> (Self, Attach) {
            let player = Self::default();
            let (opened, delivered) = (Arc::clone(&player.opened), Arc::clone(&player.delivered));
            let purpose = Purpose::Open {
                run: "here".into(),
                sink: Arc::new(move |batch| delivered.lock().unwrap().extend(batch)),
                opened: Box::new(move |state| {
                    *opened.lock().unwrap() = Some(state);
                    true
                }),
            };
            (player, Attach { room: RoomId::new(room), partition: 0, from, until, state, purpose })
        }

        fn head(&self) -> Option<Result<u64, AttachError>> {
            let opened = self.opened.lock().unwrap();
            opened.as_ref().map(|state| state.as_ref().map(RoomState::head).map_err(|error| *error))
        }

        /// Token and time of what was committed since this was last asked; a failure has no time.
        fn took(&self) -> Vec<(Option<Token>, Option<i64>)> {
            let delivered = std::mem::take(&mut *self.delivered.lock().unwrap());
            let took = delivered.into_iter().map(|delivery| match delivery {
                Delivery::Committed(committed) => (committed.token, Some(committed.appended_at.as_millis())),
                Delivery::Failed { token, .. } => (Some(token), None),
            });
            took.collect()
        }
    }

    fn live(offsets: std::ops::Range<Offset>) -> Vec<(Option<Token>, Option<i64>)> {
        offsets.map(|offset| (None, Some(offset))).collect()
    }

    #[test]
    fn d3_a_waking_room_gets_every_entry_once_in_its_state_or_through_its_sink() {
        let mut dispatch = Dispatch::new(1 << 20);
        let (first, attach) = Player::attach("a", 0, 3, RoomState::default());
        dispatch.attach(attach);
        assert_eq!(dispatch.changes(), [Change::Assign(0, 0)]);
        dispatch.entries(entries("a", 0..2));
        assert_eq!(first.head(), None, "not everything that was there is in its state yet");
        dispatch.entries(entries("a", 2..5));
        assert_eq!((first.head(), first.took()), (Some(Ok(5)), vec![]));
        // A consumer that begins anew gives some entries twice.
        dispatch.entries(entries("a", 3..7));
        assert_eq!(first.took(), live(5..7));

        // Another room of the partition wakes with a stored state, and is given the rest from memory.
        let (second, attach) = Player::attach("b", 4, 7, RoomState::default());
        dispatch.attach(attach);
        assert_eq!(second.head(), Some(Ok(0)));
        assert_eq!(dispatch.changes(), [], "the partition is read already");
        let tally = dispatch.entries(vec![
            entry(7, "b", &joins("bob"), None),
            entry(8, "c", &joins("eve"), None),
            entry(9, "b", &says("bob", None, "x"), None),
        ]);
        assert_eq!(tally, Tally { delivered: 2, skipped: 1, undecodable: 0 });
        assert_eq!((first.took(), second.took()), (vec![], vec![(None, Some(7)), (None, Some(9))]));
    }

    #[test]
    fn d3_a_state_older_than_memory_is_refused_and_never_leaves_a_gap() {
        let mut dispatch = Dispatch::new(600);
        let (_, attach) = Player::attach("a", 0, 0, RoomState::default());
        dispatch.attach(attach);
        dispatch.entries(entries("a", 0..40));
        let (late, attach) = Player::attach("b", 2, 40, RoomState::default());
        dispatch.attach(attach);
        assert_eq!(late.head(), Some(Err(AttachError::TooOld(40))));

        // The database can be ahead of what this node has read.
        let (ahead, attach) = Player::attach("a", 42, 41, RoomState::default());
        dispatch.attach(attach);
        dispatch.entries(entries("a", 40..42));
        assert_eq!((ahead.head(), ahead.took()), (Some(Ok(0)), vec![]));
        dispatch.entries(entries("a", 42..43));
        assert_eq!(ahead.took(), live(42..43));
    }

    #[test]
    fn d1_an_append_is_answered_by_its_entry_and_only_in_the_opening_it_came_from() {
        let mut dispatch = Dispatch::new(1 << 20);
        let (room, attach) = Player::attach("a", 0, 0, RoomState::default());
        dispatch.attach(attach);
        let other = [(Some("here"), 7), (Some("there"), 8), (None, 0), (Some("here"), 9)];
        let appended = other
            .into_iter()
            .zip(0..)
            .map(|((run, append), offset)| entry(offset, "a", &joins("ada"), run.map(|run| (run, append))));
        dispatch.entries(appended.collect());
        for (run, append) in [("here", 10), ("there", 11)] {
            let origin = Origin { run: run.into(), append };
            dispatch.failed(&RoomId::new("a"), 0, &origin, LogError::Unavailable);
        }
        let expected =
            [(Some(7), Some(0)), (None, Some(1)), (None, Some(2)), (Some(9), Some(3)), (Some(10), None)];
        assert_eq!(room.took(), expected);
    }

    #[test]
    fn a_partition_is_read_as_long_as_somebody_needs_it() {
        let mut dispatch = Dispatch::new(1 << 20);
        let (_, attach) = Player::attach("a", 5, 5, RoomState::default());
        dispatch.attach(attach);
        let (_, attach) = Player::attach("b", 5, 9, RoomState::default());
        dispatch.attach(attach);
        dispatch.close(&RoomId::new("a"), 0, "here");
        assert_eq!(dispatch.changes(), [Change::Assign(0, 5)], "a room is still waking");
        dispatch.entries(entries("a", 5..9));
        dispatch.close(&RoomId::new("b"), 0, "another run");
        assert_eq!(dispatch.changes(), [], "that was not the present opening");
        dispatch.close(&RoomId::new("b"), 0, "here");
        assert_eq!((dispatch.changes(), dispatch.positions().count()), (vec![Change::Unassign(0)], 0));
        dispatch.entries(entries("a", 9..10));
    }

    #[test]
    fn a_second_opening_takes_the_place_of_the_first_when_it_is_up_to_date() {
        let mut dispatch = Dispatch::new(1 << 20);
        let (first, attach) = Player::attach("a", 0, 0, RoomState::default());
        dispatch.attach(attach);
        let (second, attach) = Player::attach("a", 0, 2, RoomState::default());
        dispatch.attach(attach);
        dispatch.entries(entries("a", 0..2));
        dispatch.entries(entries("a", 2..3));
        assert_eq!((first.took(), second.took()), (live(0..2), live(2..3)));
        assert_eq!(second.head(), Some(Ok(2)));
        assert_eq!(Arc::strong_count(&first.delivered), 1, "its sink is dropped");
    }

    #[test]
    fn d7_what_is_no_record_changes_no_room_and_stops_nobody() {
        let mut dispatch = Dispatch::new(1 << 20);
        let (room, attach) = Player::attach("a", 0, 0, RoomState::default());
        dispatch.attach(attach);
        let poison = Entry { value: Bytes::from_static(b"\xff{"), ..entry(0, "a", &joins("ada"), None) };
        let keyless = Entry { key: None, ..entry(1, "a", &joins("ada"), None) };
        let tally = dispatch.entries(vec![poison, keyless, entry(2, "a", &joins("ada"), None)]);
        assert_eq!(tally, Tally { delivered: 1, skipped: 1, undecodable: 1 });
        assert_eq!(room.took(), live(2..3));
    }

    #[test]
    fn barriers_pass_when_everything_before_them_was_handed_over() {
        let mut dispatch = Dispatch::new(1 << 20);
        let passed = Arc::new(Mutex::new(Vec::new()));
        let barrier = |name: &'static str| {
            let passed = Arc::clone(&passed);
            Box::new(move || passed.lock().unwrap().push(name))
        };
        dispatch.settle(0, 100, barrier("nobody reads"));
        let (room, attach) = Player::attach("a", 0, 0, RoomState::default());
        dispatch.attach(attach);
        dispatch.settle(0, 2, barrier("two"));
        dispatch.entries(entries("a", 0..1));
        assert_eq!(*passed.lock().unwrap(), ["nobody reads"]);
        dispatch.entries(entries("a", 1..2));
        dispatch.settle(0, 9, barrier("lost"));
        assert_eq!(*passed.lock().unwrap(), ["nobody reads", "two"]);
        dispatch.lost(0);
        assert_eq!(*passed.lock().unwrap(), ["nobody reads", "two", "lost"]);
        assert_eq!(Arc::strong_count(&room.delivered), 1, "its sink is dropped");
    }
}
