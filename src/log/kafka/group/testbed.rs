//! What tests of savers write to a rooms' topic: on the mock cluster, and on a real broker where one is named.
//! The tests do not know on which of them they run, unless they take the mock cluster's brokers down.

use std::{env, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::{
    domain::RoomId,
    log::kafka::{KafkaOptions, Partition, testbed, tuning::Purpose},
};

/// Partitions of the topic.
pub(crate) const PARTITIONS: Partition = 4;

/// A topic of a test's own.
pub(crate) struct Broker {
    pub(crate) options: KafkaOptions,
    /// The cluster, where it can be taken down.
    pub(crate) mock: Option<testbed::Mock>,
    producer: BaseProducer,
}

const SAVED: &str = "saved.rooms";

fn make_topic(options: &KafkaOptions) {
    let admin: AdminClient<DefaultClientContext> = options.config(Purpose::Admin).create().unwrap();
    let topic = NewTopic::new(&options.names.rooms, PARTITIONS, TopicReplication::Fixed(1));
    let made = futures_util::future::join_all([admin.create_topics([&topic], &AdminOptions::new())]);
    actix_rt::System::new().block_on(made).remove(0).unwrap().remove(0).unwrap();
}

impl Broker {
    /// The mock cluster.
    pub(crate) fn mock() -> Self {
        let mock = testbed::Mock::start();
        mock.cluster.create_topic(SAVED, PARTITIONS, 1).unwrap();
        let mut options = mock.options.clone();
        options.names.rooms = SAVED.to_owned();
        Self::new(options, Some(mock))
    }

    /// The broker of `KLATSCH_TEST_KAFKA`, if one is named.
    pub(crate) fn real() -> Option<Self> {
        let Ok(address) = env::var("KLATSCH_TEST_KAFKA") else {
            eprintln!("*** SKIPPED on a real broker: KLATSCH_TEST_KAFKA names none");
            return None;
        };
        let options = testbed::options(&address);
        make_topic(&options);
        Some(Self::new(options, None))
    }

    fn new(options: KafkaOptions, mock: Option<testbed::Mock>) -> Self {
        let producer = options.config(Purpose::Producer).create().unwrap();
        Self { options, mock, producer }
    }

    /// Appends a value for a room, in the order of the calls.
    pub(crate) fn append(&self, partition: Partition, room: &RoomId, value: &[u8]) {
        let topic = &self.options.names.rooms;
        let record = BaseRecord::to(topic).partition(partition).key(room.as_str()).payload(value);
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    /// Waits until everything is in the log.
    pub(crate) fn flush(&self) {
        self.producer.flush(Duration::from_secs(30)).unwrap();
    }
}
