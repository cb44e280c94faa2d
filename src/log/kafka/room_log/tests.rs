//! The contract of logs on a mock broker and on a real one, and what is only true of a log that is shared.
//! Nothing is saved here, so everything beyond the database's rows is folded from the topic.

use std::sync::atomic::AtomicU32;

use super::*;
use crate::{
    domain::{User, UserId},
    log::{
        Committed, Delivery,
        contract::{self, Subject, joins, says},
        kafka::{
            Bridge, KafkaOptions,
            client::Layout,
            cluster::Cluster,
            consumer::Reader,
            producer::Failed,
            tail::Tails,
            testbed::{Mock, on_kafka, wait_for},
        },
    },
    storage::{
        Database, rooms,
        testbed::{new_room, on_sqlite},
    },
    telemetry::Metrics,
};

/// A node as far as its log goes: without rooms, and without a saver.
fn node(database: &Database, options: &KafkaOptions, ring_bytes: usize) -> Arc<KafkaLog> {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = format!("run-{}", RUNS.fetch_add(1, Ordering::Relaxed));
    let (tell, jobs) = mpsc::unbounded_channel();
    let failures = tell.clone();
    let failed = move |Failed { room, partition, origin }| {
        let error = LogError::Unavailable;
        drop(failures.send(Job::Failed { room, partition, origin, error }));
    };
    let producer = Producer::new(options, failed).unwrap();
    let cluster = Cluster::new(options).unwrap();
    let topic = Topic::new(cluster.clone(), Tails::new(options), 0);
    let reader = Reader::new(options, cluster).unwrap();
    let mut bridge = Bridge::new(reader, jobs, ring_bytes, Metrics::new());
    tokio::spawn(async move { while bridge.step().await {} });
    Arc::new(KafkaLog::new(Store::new(database.clone(), 2), producer, topic, tell, run))
}

fn make_room(database: &Database) -> RoomId {
    static ROOMS: AtomicU32 = AtomicU32::new(0);
    let new = new_room(&format!("room {}", ROOMS.fetch_add(1, Ordering::Relaxed)));
    database.write(|conn| rooms::create(conn, &new)).unwrap();
    new.id
}

async fn keeps_the_contract(database: &Database, options: &KafkaOptions) {
    let log = node(database, options, 1 << 20);
    contract::holds(|| {
        let (log, room) = (Arc::clone(&log), make_room(database));
        async move { Subject { log, room } }
    })
    .await;
}

#[test]
fn it_keeps_the_contract_of_logs_on_a_mock_broker() {
    on_sqlite(|database| {
        let mock = Mock::start();
        wait_for(keeps_the_contract(database, &mock.options));
    });
}

#[test]
fn it_keeps_the_contract_of_logs_on_a_real_broker() {
    on_sqlite(|database| on_kafka(async |options, _| keeps_the_contract(database, &options).await));
}

#[test]
fn d1_appends_that_no_broker_takes_are_refused_and_taken_again_later() {
    on_sqlite(|database| {
        let mut mock = Mock::start();
        mock.options.append_timeout = Duration::from_secs(2);
        wait_for(async {
            let log = node(database, &mock.options, 1 << 20);
            let subject = Subject { log, room: make_room(database) };
            let breaks = || mock.cluster.broker_down(1).unwrap();
            let mends = || mock.cluster.broker_up(1).unwrap();
            contract::refuses(&subject, breaks, LogError::Unavailable, mends).await;
        });
    });
}

/// Opens a room and folds what comes until it has a number of records.
async fn fold_until(log: &KafkaLog, room: &RoomId, head: Seq) -> RoomState {
    let (sender, mut deliveries) = mpsc::unbounded_channel();
    let sink = Arc::new(move |batch| drop(sender.send(batch)));
    let mut state = log.open(room, sink).await.unwrap();
    while state.head() < head {
        for delivery in timeout(PATIENCE, deliveries.recv()).await.unwrap().unwrap() {
            let Delivery::Committed(Committed { proposal, appended_at, .. }) = delivery else { continue };
            state.apply(proposal, appended_at);
        }
    }
    state
}

async fn two_nodes_share_a_room(database: &Database, options: &KafkaOptions, ring_bytes: usize) {
    let (one, other) = (node(database, options, ring_bytes), node(database, options, ring_bytes));
    let room = make_room(database);
    fold_until(&one, &room, 0).await;
    one.append(&room, 0, joins("ada")).unwrap();
    for token in 1..100 {
        one.append(&room, token, says("ada", None, &token.to_string())).unwrap();
    }
    one.flush().await.unwrap();
    // Whatever was acknowledged is in the state of a room that is opened now, wherever.
    let state = other.open(&room, Arc::new(drop)).await.unwrap();
    assert_eq!(state.head(), 100);
    assert!(state.members().contains(&UserId::new("ada")));
    // A waking room whose partition was read on is brought up to date from memory, or from the topic.
    one.close(&room);
    let ahead = make_room(database);
    let state = fold_until(&other, &ahead, 0).await;
    let foundation = new_room("any").foundation();
    assert_eq!(state, RoomState::new(foundation));
    assert_eq!(fold_until(&one, &room, 100).await.head(), 100);
    let page = other.read(&room, Page::Before(Seq::MAX), 3).await.unwrap();
    assert_eq!(page.iter().map(|record| record.seq).collect::<Vec<_>>(), [98, 99, 100]);
    let info = database.read(|conn| rooms::by_id(conn, &room)).unwrap().unwrap();
    let now = other.stand(info).await.unwrap();
    assert_eq!((now.members, now.head.seq), (1, 100));
}

#[test]
fn d2_two_nodes_share_a_room_on_a_mock_broker() {
    for ring_bytes in [1 << 20, 0] {
        on_sqlite(|database| {
            let mut mock = Mock::start();
            // Every room is in the same partition.
            mock.options.layout = Layout { partitions: 1, ..mock.options.layout.clone() };
            wait_for(two_nodes_share_a_room(database, &mock.options, ring_bytes));
        });
    }
}

#[test]
fn d2_two_nodes_share_a_room_on_a_real_broker() {
    on_sqlite(|database| {
        on_kafka(async |options, _| two_nodes_share_a_room(database, &options, 1 << 20).await);
    });
}

#[test]
fn a_page_is_cut_the_same_way_wherever_its_records_come_from() {
    let sender = User { id: UserId::new("u"), nickname: "n".into() };
    let record = |seq| Record {
        seq,
        at: crate::domain::Timestamp::default(),
        sender: sender.clone(),
        kind: crate::domain::RecordKind::Joined,
    };
    let seqs = |page, limit| -> Vec<Seq> {
        cut((1..=9).map(record), page, limit).into_iter().map(|record| record.seq).collect()
    };
    assert_eq!(seqs(Page::After(7), 5), [8, 9]);
    assert_eq!(seqs(Page::After(0), 2), [1, 2]);
    assert_eq!(seqs(Page::Before(4), 2), [2, 3]);
    assert_eq!(seqs(Page::Before(Seq::MAX), 3), [7, 8, 9]);
    assert_eq!(seqs(Page::Before(1), 3), [0; 0]);
}

#[test]
fn a_log_that_is_shorter_than_what_is_stored_is_refused() {
    let bounds = Bounds { start: 10, end: 20 };
    assert_eq!(begin(0, None, bounds), Ok(10));
    assert_eq!(begin(0, Some(10), bounds), Ok(10));
    assert_eq!(begin(0, Some(20), bounds), Ok(20));
    assert_eq!(begin(0, Some(9), bounds), Err(LogError::Unavailable), "records between are lost");
    assert_eq!(begin(0, Some(21), bounds), Err(LogError::Unavailable), "the log was replaced");
}
