//! The saver against real databases and a log in memory: exactly once through twins, crashes, failures and poison.
//! Brokers and consumer groups have tests of their own.

use std::{collections::BTreeMap, sync::mpsc, thread};

use bytes::Bytes;

use super::*;
use crate::{
    domain::{
        ClientId, Message, MessageBody, Outcome, Proposal, Record, RecordKind, RoomState, Seq, Timestamp,
        User, UserId,
    },
    storage::{
        self, Database, NewRecord, StorageError, partitions, records, rooms,
        testbed::{new_room, on_every_database, on_sqlite},
    },
    wire::log_record,
};

const PARTITIONS: Partition = 3;
const ROOMS: u64 = 7;
const BOUNDS: Bounds = Bounds { batch_entries: 20, snapshot_every: 9, fold_weight: 60 };

/// A generator of the same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

fn home(room: u64) -> Partition {
    (room as Partition) % PARTITIONS
}

fn room_id(room: u64) -> RoomId {
    RoomId::new(format!("room-{room}"))
}

fn proposal(who: u64, said: Option<(u64, Option<u64>)>) -> Proposal {
    let kind = match said {
        None => RecordKind::Joined,
        Some((text, client_id)) => RecordKind::Message(Message::new(
            MessageBody::stored(format!("text {text}")),
            client_id.map(|id| ClientId::new(id.to_string())),
        )),
    };
    Proposal { sender: User { id: UserId::new(who.to_string()), nickname: "Ada".into() }, kind }
}

/// The log in memory.
#[derive(Default)]
struct Log {
    partitions: BTreeMap<Partition, Vec<Entry>>,
}

impl Log {
    fn append(&mut self, partition: Partition, key: Option<&str>, value: Vec<u8>) {
        let entries = self.partitions.entry(partition).or_default();
        entries.push(Entry {
            partition,
            offset: entries.len() as Offset,
            appended_at: Timestamp::from_millis(1_000 + entries.len() as i64),
            key: key.map(|key| Bytes::copy_from_slice(key.as_bytes())),
            value: value.into(),
        });
    }

    fn propose(&mut self, room: u64, proposal: &Proposal) {
        let value = log_record::encode(proposal, None);
        self.append(home(room), Some(room_id(room).as_str()), value);
    }

    /// People who join and say things, some of them twice, and some who never joined.
    fn chat(&mut self, dice: &mut Dice, count: u64) {
        for text in 0..count {
            let (room, who) = (dice.below(ROOMS), dice.below(5));
            let client_id = (dice.below(2) == 0).then(|| dice.below(6));
            let said = (dice.below(6) != 0).then_some((text, client_id));
            self.propose(room, &proposal(who, said));
        }
    }

    fn poison(&mut self) {
        let good = log_record::encode(&proposal(1, None), None);
        for (key, value) in [
            (Some("room-0"), b"{".to_vec()),
            (Some("room-0"), Vec::new()),
            (None, good.clone()),
            (Some(""), good.clone()),
            (Some("no such room"), good.clone()),
            (Some("none"), good.clone()),
            (Some("room-1"), good),
        ] {
            self.append(0, key, value);
        }
    }

    fn poisoned() -> usize {
        7
    }

    fn ends(&self) -> Vec<(Partition, Offset)> {
        self.partitions.iter().map(|(partition, log)| (*partition, log.len() as Offset)).collect()
    }

    /// What every room is after the whole log.
    fn folded(&self) -> BTreeMap<u64, Vec<(Record, Option<Offset>)>> {
        let mut rooms = BTreeMap::new();
        for room in 0..ROOMS {
            let mut state = RoomState::default();
            let records: &mut Vec<_> = rooms.entry(room).or_default();
            for entry in self.partitions.get(&home(room)).into_iter().flatten() {
                let mine = entry.key.as_deref() == Some(room_id(room).as_str().as_bytes());
                let Some(read) = log_record::decode(&entry.value).ok().filter(|_| mine) else { continue };
                if let Outcome::Recorded(record) = state.apply(read.proposal, entry.appended_at) {
                    records.push((record, Some(entry.offset)));
                }
            }
        }
        rooms
    }
}

/// A saver with the part of the group and of the dead letters' topic.
struct Node {
    storing: Storing,
    reads: BTreeMap<Partition, (Ticket, Offset)>,
    buried: Vec<DeadLetter>,
}

impl Node {
    fn new(database: &Database) -> Self {
        let mut storing = Storing::new(Saver::new(BOUNDS), database.clone());
        storing.take(Event::Assigned((0..PARTITIONS).collect()));
        Self { storing, reads: BTreeMap::new(), buried: Vec::new() }
    }

    /// Hands over at most `count` entries of each partition; says whether there were any.
    fn fetch(&mut self, log: &Log, count: usize) -> bool {
        let mut some = false;
        for (partition, (ticket, next)) in &mut self.reads {
            let all = log.partitions.get(partition).map_or(&[][..], Vec::as_slice);
            let entries: Vec<_> = all.iter().skip(*next as usize).take(count).cloned().collect();
            *next += entries.len() as Offset;
            some |= !entries.is_empty();
            self.storing.take(Event::Fetched { partition: *partition, ticket: *ticket, entries });
        }
        some
    }

    fn work(&mut self) -> Done {
        let done = self.try_work();
        if let Done::Bury(letters) = &done {
            self.buried.extend(letters.iter().cloned());
            self.storing.buried();
        }
        done
    }

    /// Works with a topic of dead letters that takes none.
    fn try_work(&mut self) -> Done {
        let done = self.storing.work();
        if let Done::Seek(seeks) = &done {
            for Seek { partition, to, ticket } in seeks {
                self.reads.insert(*partition, (*ticket, to.unwrap_or(0)));
            }
        }
        done
    }

    /// Goes on until everything is stored.
    fn finish(&mut self, log: &Log) {
        loop {
            match self.work() {
                Done::Idle if !self.fetch(log, 50) => return,
                Done::Failed => panic!("the database failed"),
                _ => {}
            }
        }
    }
}

fn make_rooms(database: &Database) {
    for room in 0..ROOMS {
        let new = rooms::NewRoom {
            id: room_id(room),
            partition: Some(home(room)),
            ..new_room(&format!("room {room}"))
        };
        database.write(|connection| rooms::create(connection, &new)).unwrap();
    }
}

fn assert_stored(database: &Database, log: &Log) {
    let read = |room: u64| {
        database
            .read(|connection| {
                let rows = records::placed_after(connection, &room_id(room), 0, u32::MAX)?;
                let folded = storage::fold::load(connection, &room_id(room))?;
                let info = rooms::by_id(connection, &room_id(room))?.unwrap();
                Ok((rows, folded.state, info))
            })
            .unwrap()
    };
    for (room, expected) in log.folded() {
        let (rows, state, info) = read(room);
        assert_eq!(rows, expected, "room {room}");
        let members = state.members().len() as u64;
        assert_eq!((info.head.seq, info.members), (expected.len() as Seq, members), "room {room}");
    }
    assert_eq!(database.read(partitions::all).unwrap(), log.ends());
}

#[test]
fn d7_every_entry_is_stored_once_in_batches_of_any_size() {
    on_every_database(|database| {
        make_rooms(database);
        let (mut log, mut dice) = (Log::default(), Dice(7));
        let mut node = Node::new(database);
        for _ in 0..20 {
            let count = dice.below(60);
            log.chat(&mut dice, count);
            for _ in 0..dice.below(4) {
                node.fetch(&log, 7);
                node.work();
            }
        }
        node.finish(&log);
        assert_stored(database, &log);
        assert!(node.buried.is_empty());
    });
}

#[test]
fn d7_twins_and_crashes_store_everything_once() {
    on_every_database(|database| {
        make_rooms(database);
        let (mut log, mut dice) = (Log::default(), Dice(11));
        let mut nodes = [Node::new(database), Node::new(database)];
        let mut fences = 0;
        for _ in 0..300 {
            let one = dice.below(2) as usize;
            match dice.below(20) {
                0 => nodes[one] = Node::new(database),
                1..5 => log.chat(&mut dice, 20),
                5..10 => drop(nodes[one].fetch(&log, 5)),
                _ => fences += usize::from(matches!(nodes[one].work(), Done::Fenced)),
            }
        }
        nodes[1].finish(&log);
        nodes[0].finish(&log);
        assert_stored(database, &log);
        assert!(fences > 5, "{fences}");
    });
}

#[test]
fn d7_a_commit_whose_answer_was_lost_is_not_repeated() {
    on_every_database(|database| {
        make_rooms(database);
        let (mut log, mut dice) = (Log::default(), Dice(3));
        log.chat(&mut dice, 100);
        let mut node = Node::new(database);
        while !matches!(node.storing.saver.next_step(), Some(Step::Store(_))) {
            if matches!(node.work(), Done::Idle) {
                node.fetch(&log, 10);
            }
        }
        let Some(Step::Store(batch)) = node.storing.saver.next_step() else {
            panic!("it waits to be stored")
        };
        storage::batch::store(&mut database.writer().unwrap(), &batch).unwrap();
        assert!(matches!(node.work(), Done::Fenced));
        node.finish(&log);
        assert_stored(database, &log);
    });
}

#[test]
fn poison_is_put_aside_and_others_are_unaffected() {
    on_every_database(|database| {
        make_rooms(database);
        let (mut log, mut dice) = (Log::default(), Dice(5));
        log.chat(&mut dice, 50);
        log.poison();
        log.chat(&mut dice, 50);
        log.poison();
        let mut node = Node::new(database);
        node.finish(&log);
        assert_stored(database, &log);
        let errors: Vec<&str> = node.buried.iter().map(|letter| letter.error.as_str()).collect();
        assert_eq!(errors.len(), 2 * Log::poisoned());
        assert!(errors[0].starts_with("not a record: "), "{errors:?}");
        assert_eq!(
            errors[2..Log::poisoned()],
            [
                "it has no key",
                "its key is no room's id",
                "its key is no room's id",
                "its key is no room of the log",
                "its room lives in partition 1"
            ]
        );
        assert_eq!(node.buried[0].entry.value, Bytes::from_static(b"{"));
    });
}

#[test]
fn poison_is_written_before_the_offset_passes_it() {
    on_sqlite(|database| {
        make_rooms(database);
        let mut log = Log::default();
        log.poison();
        let mut node = Node::new(database);
        loop {
            match node.try_work() {
                Done::Bury(_) => break,
                _ => drop(node.fetch(&log, 10)),
            }
        }
        assert!(matches!(node.storing.work(), Done::Bury(_)), "again, until it is written");
        assert_eq!(database.read(partitions::all).unwrap(), []);
        node.finish(&log);
        assert_eq!(database.read(partitions::all).unwrap(), log.ends());
    });
}

#[test]
fn a_room_that_is_made_while_others_name_it_takes_its_records() {
    on_every_database(|database| {
        let (mut log, mut node) = (Log::default(), Node::new(database));
        log.propose(0, &proposal(1, None));
        node.finish(&log);
        assert_eq!(node.buried.len(), 1);
        make_rooms(database);
        log.propose(0, &proposal(1, None));
        node.finish(&log);
        let rows = database.read(|connection| records::placed_after(connection, &room_id(0), 0, 9)).unwrap();
        assert_eq!(
            rows.iter().map(|(record, offset)| (record.seq, *offset)).collect::<Vec<_>>(),
            [(1, Some(1))]
        );
    });
}

#[test]
fn a_room_of_the_embedded_log_goes_on_where_it_was() {
    on_every_database(|database| {
        let old = rooms::NewRoom { id: RoomId::new("old"), ..new_room("old") };
        database.write(|connection| rooms::create(connection, &old)).unwrap();
        let mut state = RoomState::default();
        let joins = proposal(1, None);
        let Outcome::Recorded(record) = state.apply(joins, Timestamp::from_millis(1)) else {
            panic!("a join")
        };
        let records = vec![NewRecord { room: old.id.clone(), record: record.clone(), log_offset: None }];
        let batch = Batch { records, ..Batch::default() };
        storage::batch::store(&mut database.writer().unwrap(), &batch).unwrap();
        database.write(|connection| rooms::place(connection, &old.id, 2)).unwrap();

        let mut log = Log::default();
        log.append(2, Some(old.id.as_str()), log_record::encode(&proposal(1, Some((1, None))), None));
        let mut node = Node::new(database);
        node.finish(&log);
        let rows = database.read(|connection| records::placed_after(connection, &old.id, 0, 9)).unwrap();
        assert_eq!(
            rows.iter().map(|(row, offset)| (row.seq, *offset)).collect::<Vec<_>>(),
            [(1, None), (2, Some(0))]
        );
    });
}

#[test]
fn a_locked_database_costs_nothing_but_time() {
    on_sqlite(|database| {
        make_rooms(database);
        let (mut log, mut dice) = (Log::default(), Dice(9));
        log.chat(&mut dice, 200);
        let mut node = Node::new(database);
        let (locked, is_locked) = mpsc::channel();
        let (free, may_free) = mpsc::channel::<()>();
        thread::scope(|scope| {
            scope.spawn(move || {
                database.write(|_| {
                    locked.send(()).unwrap();
                    may_free.recv().unwrap();
                    Ok::<_, StorageError>(())
                })
            });
            is_locked.recv().unwrap();
            let failed = (0..40).filter(|_| {
                node.fetch(&log, 10);
                matches!(node.work(), Done::Failed)
            });
            assert!(failed.count() > 2);
            free.send(()).unwrap();
        });
        node.finish(&log);
        assert_stored(database, &log);
    });
}

#[test]
fn a_number_that_somebody_else_took_is_read_and_counted_on_from() {
    on_every_database(|database| {
        make_rooms(database);
        let (mut log, mut node) = (Log::default(), Node::new(database));
        log.propose(0, &proposal(1, None));
        node.finish(&log);
        let mut state =
            database.read(|connection| storage::fold::load(connection, &room_id(0))).unwrap().state;
        let Outcome::Recorded(record) = state.apply(proposal(2, None), Timestamp::from_millis(5_000)) else {
            panic!("it joins")
        };
        let stray = NewRecord { room: room_id(0), record, log_offset: None };
        let batch = Batch { records: vec![stray], ..Batch::default() };
        storage::batch::store(&mut database.writer().unwrap(), &batch).unwrap();

        log.propose(0, &proposal(3, None));
        node.fetch(&log, 9);
        assert!(matches!(node.work(), Done::Failed));
        node.finish(&log);
        let rows = database.read(|connection| records::placed_after(connection, &room_id(0), 0, 9)).unwrap();
        let offsets: Vec<_> = rows.into_iter().map(|(_, offset)| offset).collect();
        assert_eq!(offsets, [Some(0), None, Some(1)]);
    });
}

#[test]
fn what_was_read_before_a_seek_is_not_taken_for_what_follows_it() {
    let mut saver = Saver::new(BOUNDS);
    let (mut log, mut dice) = (Log::default(), Dice(17));
    log.chat(&mut dice, 100);
    let entries = |from: usize| log.partitions[&0][from..].to_vec();
    let ticket_of = |step| match step {
        Some(Step::Seek(seeks)) => seeks[0].ticket,
        other => panic!("{other:?}"),
    };
    saver.take(Event::Assigned(vec![0]));
    saver.take(Event::Fetched { partition: 0, ticket: 0, entries: entries(0) });
    saver.offsets_read(vec![(0, Some(2))]);
    let first = ticket_of(saver.next_step());
    assert!(saver.next_step().is_none());
    saver.take(Event::Fetched { partition: 0, ticket: first, entries: entries(5) });
    let second = ticket_of(saver.next_step());
    saver.take(Event::Fetched { partition: 0, ticket: first, entries: entries(7) });
    assert!(saver.next_step().is_none());
    let given: usize = [0, 5, 7].into_iter().map(|from| weigh(&entries(from))).sum();
    assert_eq!(saver.released(), given as u64);
    saver.take(Event::Fetched { partition: 0, ticket: second, entries: entries(2) });
    assert!(matches!(saver.next_step(), Some(Step::ReadRooms(_))));
    saver.take(Event::Revoked(vec![0]));
    assert!(saver.next_step().is_none());
    assert_eq!(saver.released(), (given + weigh(&entries(2))) as u64);
}
