//! Brokers that are killed, stopped and restarted.
//! That tests can do this to a Kafka is tested too.

use std::time::Duration;

use rdkafka::Message;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Offset, TopicPartitionList};

use crate::support::kafka;

#[actix_web::test]
async fn a_kafka_of_the_tests_keeps_its_records_over_kills_and_restarts() {
    for brokers in [1, 3] {
        let Some(kafka) = kafka::of_my_own("a Kafka of its own", brokers) else {
            return;
        };
        let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
        let topic = NewTopic::new("t", 1, TopicReplication::Fixed(i32::from(brokers)));
        let made = admin.create_topics([&topic], &AdminOptions::new()).await.unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        let producer: FutureProducer = kafka.client().set("acks", "all").create().unwrap();
        let mut said = Vec::new();
        for n in 0..3 {
            let body = n.to_string();
            let record = FutureRecord::to("t").partition(0).key("k").payload(&body);
            producer.send(record, Duration::from_secs(60)).await.unwrap();
            said.push(body);
            let leader = kafka.leader("t", 0);
            match n {
                0 => kafka.kill(leader),
                1 => kafka.stop(leader),
                _ => {
                    kafka.freeze(leader);
                    kafka.thaw(leader);
                    continue;
                }
            }
            kafka.restart(leader);
        }
        let consumer: BaseConsumer = kafka.client().set("group.id", "none").create().unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset("t", 0, Offset::Beginning).unwrap();
        consumer.assign(&list).unwrap();
        let heard: Vec<String> = consumer
            .iter()
            .filter_map(Result::ok)
            .take(3)
            .map(|record| String::from_utf8_lossy(record.payload().unwrap()).into_owned())
            .collect();
        assert_eq!(heard, said);
    }
}
