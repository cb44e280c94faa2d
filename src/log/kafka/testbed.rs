//! Brokers for tests: librdkafka's mock cluster, whose brokers can be taken down and told to fail.
//! Only tests use it; what it does not do as Kafka does is tried on a real broker.

use std::{
    io::Write,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::Duration,
};

use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

use super::{
    Entry, Offset, Partition,
    client::{KafkaOptions, Layout, Names},
    producer::{Failed, Producer},
    tail::Tails,
    topics::Topics,
};
use crate::{config::KafkaProperties, domain::RoomId, telemetry::Metrics, wire::log_record::Origin};

/// A mock cluster with a topic for rooms of two partitions.
pub(crate) struct Mock {
    pub(crate) cluster: MockCluster<'static, DefaultProducerContext>,
    pub(crate) options: KafkaOptions,
}

impl Mock {
    pub(crate) fn start() -> Self {
        let cluster = MockCluster::new(1).unwrap();
        let options = options(&cluster.bootstrap_servers());
        cluster.create_topic(&options.names.rooms, 2, 1).unwrap();
        Self { cluster, options }
    }
}

/// Runs a test on a real broker, with topics that are made, if `KLATSCH_TEST_KAFKA` names one.
pub(crate) fn on_kafka(test: impl AsyncFnOnce(KafkaOptions, Topics)) {
    let Ok(brokers) = std::env::var("KLATSCH_TEST_KAFKA") else {
        // Past the test's output, which is shown only where it fails.
        let line = "\n*** SKIPPED a test on a real broker: KLATSCH_TEST_KAFKA names none\n";
        return drop(std::io::stderr().write_all(line.as_bytes()));
    };
    wait_for(async {
        let options = options(&brokers);
        let topics = Topics::new(&options).unwrap();
        topics.create(None).await.unwrap();
        test(options, topics).await;
    });
}

/// Options for tests, with topics of their own.
pub(crate) fn options(brokers: &str) -> KafkaOptions {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    KafkaOptions {
        brokers: brokers.to_owned(),
        node: "test".to_owned(),
        names: Names::new(&format!("test-{}-{number}", std::process::id())),
        create_topics: true,
        layout: Layout { partitions: 2, replication: None, min_insync_replicas: None },
        linger: Duration::ZERO,
        append_timeout: Duration::from_secs(10),
        queue_records: 1000,
        properties: KafkaProperties::default(),
        metrics: Metrics::new(),
    }
}

/// Runs a test in a runtime like that of a node.
pub(crate) fn wait_for<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test)
}

/// A producer and the appends that it says have failed.
pub(crate) fn producer(options: &KafkaOptions) -> (Producer, mpsc::Receiver<Failed>) {
    let _ = env_logger::builder().is_test(true).try_init();
    let (fail, failed) = mpsc::channel();
    let fail = Mutex::new(fail);
    let producer = Producer::new(options, move |failed| {
        // A test that has failed listens no more, and a panic must not cross librdkafka.
        let _ = fail.lock().map(|fail| fail.send(failed));
    })
    .unwrap();
    (producer, failed)
}

/// The origin of a numbered append.
pub(crate) fn origin(append: u64) -> Origin {
    Origin { run: "test".into(), append }
}

/// Appends numbered records to a partition and waits until they are there.
pub(crate) fn append(producer: &Producer, partition: Partition, numbers: std::ops::Range<u64>) {
    let room = RoomId::new("room");
    for number in numbers {
        producer.append(partition, &room, number.to_string().as_bytes(), "message", origin(number)).unwrap();
    }
    assert!(producer.flush(Duration::from_secs(30)));
}

/// The values of a piece of a partition.
pub(crate) async fn values(
    options: &KafkaOptions,
    partition: Partition,
    from: Offset,
    until: Offset,
) -> Vec<String> {
    let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
    let keep = move |entry: Entry| keep.send(text(&entry)).unwrap();
    Tails::new(options).read(partition, from, until, keep).await.unwrap();
    let mut values = Vec::new();
    while let Ok(value) = kept.try_recv() {
        values.push(value);
    }
    values
}

/// The value of an entry.
pub(crate) fn text(entry: &Entry) -> String {
    String::from_utf8(entry.value.to_vec()).unwrap()
}
