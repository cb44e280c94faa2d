//! Savers against brokers and databases: exactly once while savers come, go, overlap, and what they need fails.
//! What the state machine decides in between has tests of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use actix::{Actor, Addr};
use tokio::time;

use super::*;
use crate::{
    domain::{
        Message, MessageBody, Outcome, Proposal, Record, RecordKind, RoomId, RoomState, Timestamp, User,
        UserId,
    },
    log::{
        Answer, LogError,
        kafka::{
            Partition,
            group::testbed::{Broker, PARTITIONS},
            saver::{self as pure, Bounds, DeadLetter},
            tail::Tails,
            verify::Verifier,
        },
    },
    storage::{
        Advance, Batch, Database, NewRecord, StorageError, Store, batch, partitions, records,
        rooms::{self, NewRoom},
        testbed::{new_room, on_postgres, on_sqlite},
    },
    wire::log_record,
};

const ROOMS: u64 = 9;

/// A topic of dead letters in memory, which takes nothing the first times.
#[derive(Default)]
struct Letters {
    refusals: Mutex<u32>,
    taken: Mutex<Vec<String>>,
}

impl DeadLetterSink for Letters {
    fn write(&self, letters: Arc<[DeadLetter]>) -> Answer<'_, ()> {
        Box::pin(async move {
            let mut refusals = self.refusals.lock().unwrap();
            if *refusals > 0 {
                *refusals -= 1;
                return Err(LogError::Unavailable);
            }
            self.taken.lock().unwrap().extend(letters.iter().map(|letter| letter.error.clone()));
            Ok(())
        })
    }
}

/// Rooms, a broker and a database, and what should come of them.
struct Scene<'a> {
    broker: &'a Broker,
    database: &'a Database,
    letters: Arc<Letters>,
    rooms: BTreeMap<u64, (RoomState, Vec<Record>)>,
    ends: BTreeMap<Partition, i64>,
}

fn room_id(room: u64) -> RoomId {
    RoomId::new(format!("room-{room}"))
}

fn home(room: u64) -> Partition {
    (room % u64::from(PARTITIONS.unsigned_abs())) as Partition
}

impl<'a> Scene<'a> {
    fn new(broker: &'a Broker, database: &'a Database) -> Self {
        for room in 0..ROOMS {
            let id = room_id(room);
            let new = NewRoom { id, partition: Some(home(room)), ..new_room(&format!("room {room}")) };
            database.write(|connection| rooms::create(connection, &new)).unwrap();
        }
        let letters = Arc::default();
        Self { broker, database, letters, rooms: BTreeMap::new(), ends: BTreeMap::new() }
    }

    /// A saver of a group; each believes that it alone has what its group gives it.
    fn saver(&self, group: &str) -> Addr<Saver> {
        let mut options = self.broker.options.clone();
        options.names.saver_group = format!("{}-{group}", options.names.rooms);
        // Members notice those who come and go when they tell that they are there.
        for (property, value) in [("heartbeat.interval.ms", "200"), ("session.timeout.ms", "6000")] {
            options.properties.insert(property, value.to_owned());
        }
        let bounds = Bounds { batch_entries: 100, snapshot_every: 20, fold_weight: 10_000 };
        let storing = Storing::new(pure::Saver::new(bounds), self.database.clone());
        let cluster = Cluster::new(&options).unwrap();
        Saver::new(options, cluster, storing, self.letters.clone()).start()
    }

    fn append(&mut self, partition: Partition, room: &RoomId, value: &[u8]) {
        self.broker.append(partition, room, value);
        *self.ends.entry(partition).or_default() += 1;
    }

    /// Says something in every room, some of it twice.
    fn chat(&mut self, rounds: u64) {
        for text in 0..rounds {
            for room in 0..ROOMS {
                let kind = match text % 5 {
                    0 => RecordKind::Joined,
                    _ => RecordKind::Message(Message::new(MessageBody::stored(text.to_string()), None)),
                };
                let sender = User { id: UserId::new((text % 7).to_string()), nickname: "Ada".into() };
                let proposal = Proposal { sender, kind };
                self.append(home(room), &room_id(room), &log_record::encode(&proposal, None));
                let (state, records) = self.rooms.entry(room).or_default();
                if let Outcome::Recorded(record) = state.apply(proposal, Timestamp::default()) {
                    records.push(record);
                }
            }
        }
        self.broker.flush();
    }

    fn verifier(&self) -> Verifier {
        let options = &self.broker.options;
        let store = Store::new(self.database.clone(), 1);
        Verifier::new(store, Cluster::new(options).unwrap(), Tails::new(options))
    }

    /// Has the log and the database compared; gives the differences.
    async fn verify(&self) -> Vec<String> {
        let verdict = self.verifier().verify().await.unwrap();
        let all: i64 = self.ends.values().sum();
        assert_eq!((verdict.entries, verdict.lag), (all.unsigned_abs(), 0));
        verdict.differences.iter().map(ToString::to_string).collect()
    }

    async fn until_stored(&self) {
        let ends: Vec<_> = self.ends.iter().map(|(partition, end)| (*partition, *end)).collect();
        // A member that another one must make room for waits for it to notice, seconds at worst.
        for _ in 0..600 {
            if self.database.read(partitions::all).is_ok_and(|stored| stored == ends) {
                return self.assert_stored();
            }
            time::sleep(Duration::from_millis(50)).await;
        }
        panic!("stored are {:?} of {ends:?}", self.database.read(partitions::all));
    }

    fn assert_stored(&self) {
        for (room, (state, expected)) in &self.rooms {
            let read = |connection: &mut _| records::placed_after(connection, &room_id(*room), 0, u32::MAX);
            let rows = self.database.read(read).unwrap();
            assert!(rows.is_sorted_by_key(|(_, offset)| offset.unwrap()), "room {room}");
            let rows: Vec<Record> =
                rows.into_iter().map(|(row, _)| Record { at: Timestamp::default(), ..row }).collect();
            assert_eq!(rows, *expected, "room {room}");
            let info = self.database.read(|connection| rooms::by_id(connection, &room_id(*room)));
            assert_eq!(info.unwrap().unwrap().head.seq, state.head());
        }
    }
}

/// Runs a test with the mock cluster, and with a real broker, each with a fresh SQLite file.
fn on_files(test: impl AsyncFn(&Broker, &Database)) {
    for broker in [Some(Broker::mock()), Broker::real()].into_iter().flatten() {
        on_sqlite(|database| actix_rt::System::new().block_on(test(&broker, database)));
    }
}

/// As [`on_files`], and with a real broker and a server, too.
fn everywhere(test: impl AsyncFn(&Broker, &Database)) {
    on_files(&test);
    on_postgres(|database| {
        if let Some(broker) = Broker::real() {
            actix_rt::System::new().block_on(test(&broker, database));
        }
    });
}

async fn stop(saver: &Addr<Saver>) {
    saver.send(StopSaving).await.unwrap();
}

async fn observe(saver: &Addr<Saver>) -> SaverState {
    saver.send(Observe::default()).await.unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it did not happen that {what}");
}

#[test]
fn d7_savers_that_come_and_go_store_everything_once() {
    everywhere(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        scene.chat(20);
        let first = scene.saver("group");
        scene.until_stored().await;
        let second = scene.saver("group");
        scene.chat(20);
        until("they share the partitions", async || {
            scene.chat(1);
            let shares = [observe(&first).await.partitions, observe(&second).await.partitions];
            shares == [PARTITIONS as usize / 2; 2]
        })
        .await;
        scene.until_stored().await;
        scene.chat(20);
        stop(&first).await;
        scene.chat(20);
        scene.until_stored().await;
        stop(&second).await;
        scene.chat(20);
        let third = scene.saver("group");
        scene.until_stored().await;
        stop(&third).await;
        assert!(scene.letters.taken.lock().unwrap().is_empty());
        assert_eq!(scene.verify().await, [""; 0]);
    });
}

#[test]
fn d7_a_twin_that_believes_to_have_the_same_partitions_stores_nothing_twice() {
    everywhere(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        let twins = [scene.saver("one"), scene.saver("other")];
        for _ in 0..10 {
            scene.chat(10);
            time::sleep(Duration::from_millis(20)).await;
        }
        scene.until_stored().await;
        until("both are up to date", async || {
            scene.chat(1);
            !observe(&twins[0]).await.failing && !observe(&twins[1]).await.failing
        })
        .await;
        scene.until_stored().await;
        for twin in &twins {
            stop(twin).await;
        }
        assert_eq!(scene.verify().await, [""; 0]);
    });
}

#[test]
fn poison_goes_to_the_dead_letters_and_others_are_stored() {
    on_files(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        *scene.letters.refusals.lock().unwrap() = 2;
        scene.chat(5);
        scene.append(0, &room_id(0), b"{");
        scene.append(1, &RoomId::new("none"), b"null");
        scene.append(2, &room_id(3), br#"{"v":1,"kind":"joined","sender":{"id":"u","nickname":"n"}}"#);
        scene.chat(5);
        let saver = scene.saver("group");
        scene.until_stored().await;
        stop(&saver).await;
        let mut taken = scene.letters.taken.lock().unwrap().clone();
        taken.sort();
        assert_eq!(taken.len(), 3, "{taken:?}");
        assert_eq!(taken[0], "its room lives in partition 3");
        assert_eq!(observe(&saver).await.dead_letters, 3);
        assert_eq!(scene.verify().await, [""; 0]);
    });
}

#[test]
fn a_database_that_is_away_is_waited_for() {
    on_files(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        let saver = scene.saver("group");
        scene.chat(5);
        scene.until_stored().await;
        let (locked, is_locked) = mpsc::channel();
        let (free, may_free) = mpsc::channel::<()>();
        let held = database.clone();
        let holder = thread::spawn(move || {
            held.write(|_| {
                locked.send(()).unwrap();
                may_free.recv().unwrap();
                Ok::<_, StorageError>(())
            })
        });
        is_locked.recv().unwrap();
        scene.chat(50);
        until("it fails", async || observe(&saver).await.failing).await;
        free.send(()).unwrap();
        holder.join().unwrap().unwrap();
        scene.until_stored().await;
        until("it is well", async || !observe(&saver).await.failing).await;
        stop(&saver).await;
    });
}

#[test]
fn brokers_that_are_away_are_waited_for() {
    on_files(async |broker, database| {
        let Some(mock) = &broker.mock else { return };
        let mut scene = Scene::new(broker, database);
        mock.cluster.broker_down(1).unwrap();
        let saver = scene.saver("group");
        time::sleep(Duration::from_millis(300)).await;
        mock.cluster.broker_up(1).unwrap();
        scene.chat(5);
        scene.until_stored().await;
        mock.cluster.broker_down(1).unwrap();
        time::sleep(Duration::from_millis(300)).await;
        mock.cluster.broker_up(1).unwrap();
        scene.chat(5);
        scene.until_stored().await;
        stop(&saver).await;
    });
}

#[test]
fn a_partition_without_the_wanted_offset_does_not_stop_the_others() {
    on_files(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        let lost = Advance { partition: 1, from: None, to: 1_000_000 };
        let batch = Batch { advances: vec![lost], ..Batch::default() };
        batch::store(&mut database.writer().unwrap(), &batch).unwrap();
        scene.chat(10);
        scene.rooms.retain(|room, _| home(*room) != 1);
        scene.ends.insert(1, 1_000_000);
        let saver = scene.saver("group");
        scene.until_stored().await;
        stop(&saver).await;
    });
}

#[test]
fn d7_verify_finds_what_the_log_did_not_make() {
    on_files(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        scene.chat(10);
        let saver = scene.saver("group");
        scene.until_stored().await;
        stop(&saver).await;
        assert_eq!(scene.verify().await, [""; 0]);

        let (state, records) = &scene.rooms[&4];
        let (seq, at) = (state.head() + 1, Timestamp::from_millis(i64::MAX / 2));
        let stray = Record { seq, at, kind: RecordKind::Left, ..records[0].clone() };
        let row = NewRecord { room: room_id(4), record: stray, log_offset: None };
        let heads = vec![(room_id(6), 1, 1)];
        let batch = Batch { records: vec![row], heads, ..Batch::default() };
        batch::store(&mut database.writer().unwrap(), &batch).unwrap();
        let found = scene.verify().await;
        let head = state.head();
        let starts = [
            format!("partition 0, room room-4: record {} is in the database and not in the log", head + 1),
            format!("partition 0, room room-4: its row says head {head}"),
            "partition 0, room room-4: its memberships are not those".to_owned(),
            "partition 2, room room-6: its row says head 1 and 1 members".to_owned(),
        ];
        assert_eq!(found.len(), starts.len(), "{found:?}");
        assert!(found.iter().zip(&starts).all(|(found, start)| found.starts_with(start)), "{found:?}");
    });
}

#[test]
fn verify_counts_what_is_not_stored_yet() {
    on_files(async |broker, database| {
        let mut scene = Scene::new(broker, database);
        scene.chat(3);
        let verifier = scene.verifier();
        let ends = verifier.ends().await.unwrap();
        assert!(!verifier.is_stored(&ends).await.unwrap());
        let verdict = verifier.verify().await.unwrap();
        assert_eq!((verdict.entries, verdict.lag), (0, 3 * ROOMS));
        assert_eq!(verdict.differences, []);
        let saver = scene.saver("group");
        scene.until_stored().await;
        assert!(verifier.is_stored(&ends).await.unwrap());
        stop(&saver).await;
    });
}
