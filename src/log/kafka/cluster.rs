//! What is asked of the brokers now and then: ends of partitions, how many there are, whether anybody answers.
//! Records are not read here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use log::{debug, info, warn};
use rdkafka::metadata::MetadataTopic;
use tokio::{
    sync::{Semaphore, oneshot, watch},
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use super::{Offset, Partition, asker::Asker, client::KafkaOptions, error::BrokerError};

/// Where a partition begins and ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The first offset that is still there.
    pub start: Offset,
    /// The offset after the last record.
    pub end: Offset,
}

/// What is known of the rooms' topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicView {
    /// Its partitions.
    pub partitions: Partition,
    /// Partitions that nobody leads now; nothing can be appended to them or read from them.
    pub leaderless: usize,
}

/// Time between two looks at the topic.
const PERIOD: Duration = Duration::from_secs(3);

/// Time between two looks while nothing is seen.
const RETRY: Duration = Duration::from_millis(500);

/// Looks after which partitions that were added are known to every client.
const SETTLED: u32 = 2;

/// Questions that may be open at once, each of which holds a thread.
const AT_ONCE: usize = 16;

/// Asks the brokers. A clone is the same.
#[derive(Clone)]
pub struct Cluster(Arc<Inner>);

struct Inner {
    asker: Arc<Asker>,
    topic: String,
    seen: watch::Receiver<Option<Result<TopicView, BrokerError>>>,
    asked: Arc<Mutex<Asked>>,
    permits: Arc<Semaphore>,
    looking: JoinHandle<()>,
}

/// Who waits for the next question about a partition; a partition without an entry is not asked about now.
type Asked = HashMap<Partition, Vec<oneshot::Sender<Result<Bounds, BrokerError>>>>;

impl Cluster {
    /// Begins to look at the rooms' topic. It must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(options: &KafkaOptions) -> Result<Self, BrokerError> {
        let asker = Arc::new(Asker::new(options)?);
        let topic = options.names.rooms.clone();
        let (see, seen) = watch::channel(None);
        let looking = tokio::spawn(look(asker.clone(), topic.clone(), see));
        let (asked, permits) = (Arc::default(), Arc::new(Semaphore::new(AT_ONCE)));
        Ok(Self(Arc::new(Inner { asker, topic, seen, asked, permits, looking })))
    }

    /// How many partitions the rooms' topic has, at most some seconds ago.
    ///
    /// # Errors
    /// If that is not known, because nobody answers or the topic is not there.
    pub async fn partitions(&self) -> Result<Partition, BrokerError> {
        let mut seen = self.0.seen.clone();
        let view = seen.wait_for(Option::is_some).await;
        match view.ok().as_deref() {
            Some(Some(view)) => view.as_ref().map(|view| view.partitions).map_err(Clone::clone),
            _ => Err(BrokerError::Unavailable("the node stops".to_owned())),
        }
    }

    /// What the last look at the topic saw, some seconds ago at most.
    ///
    /// # Errors
    /// If nobody answered or the topic is not there.
    pub fn health(&self) -> Result<TopicView, BrokerError> {
        let not_yet = || Err(BrokerError::Unavailable("they were not reached yet".to_owned()));
        self.0.seen.borrow().clone().unwrap_or_else(not_yet)
    }

    /// Where a partition begins and ends, as its leader says after this was called.
    ///
    /// # Errors
    /// If the leader does not answer in time.
    pub async fn bounds(&self, partition: Partition) -> Result<Bounds, BrokerError> {
        let (answer, answered) = oneshot::channel();
        let is_asked = {
            let mut asked = lock(&self.0.asked);
            let is_asked = asked.contains_key(&partition);
            asked.entry(partition).or_default().push(answer);
            is_asked
        };
        // While a question is open, those who come wait for the next one: its answer may be older than they are.
        if !is_asked {
            tokio::spawn(ask(self.clone(), partition));
        }
        answered.await.unwrap_or_else(|_| Err(BrokerError::Unavailable("nobody asked them".to_owned())))
    }

    /// The offset after the last record of a partition; [`Self::bounds`] has the rest.
    ///
    /// # Errors
    /// If the leader does not answer in time.
    pub async fn watermark(&self, partition: Partition) -> Result<Offset, BrokerError> {
        Ok(self.bounds(partition).await?.end)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks about a partition until nobody waits for an answer.
async fn ask(cluster: Cluster, partition: Partition) {
    loop {
        let _permit = cluster.0.permits.acquire().await;
        let waiting = {
            let mut asked = lock(&cluster.0.asked);
            match asked.get_mut(&partition).map(std::mem::take) {
                Some(waiting) if !waiting.is_empty() => waiting,
                _ => {
                    asked.remove(&partition);
                    return;
                }
            }
        };
        let asking = cluster.0.clone();
        let question = move || asking.asker.bounds(&asking.topic, partition);
        let bounds = match spawn_blocking(question).await {
            Ok(Ok((start, end))) => Ok(Bounds { start, end }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(BrokerError::Unavailable("the node stops".to_owned())),
        };
        for answer in waiting {
            let _ = answer.send(bounds.clone());
        }
    }
}

/// Looks at the topic again and again, and says in the log when what it sees begins or ceases to be well.
async fn look(asker: Arc<Asker>, topic: String, see: watch::Sender<Option<Result<TopicView, BrokerError>>>) {
    let mut growth = Growth::default();
    loop {
        let (asking, name) = (asker.clone(), topic.clone());
        let Ok(view) = spawn_blocking(move || view(&asking, &name)).await else { return };
        let view = view.map(|view| TopicView { partitions: growth.usable(view.partitions), ..view });
        let before = see.borrow().clone();
        match (&before, &view) {
            (Some(Ok(_)), Err(error)) => warn!("topic {topic}: {error}"),
            // Whoever prepares the topics says so if it stays away.
            (None, Err(BrokerError::Missing(_))) => debug!("topic {topic} is not there yet"),
            (None, Err(error)) => warn!("topic {topic}: {error}; it is tried again"),
            (Some(Err(_)) | None, Ok(view)) => info!("topic {topic} has {} partitions", view.partitions),
            _ => debug!("topic {topic}: {view:?}"),
        }
        let pause = if view.is_ok() { PERIOD } else { RETRY };
        see.send_replace(Some(view));
        sleep(pause).await;
    }
}

/// Partitions that were added are used some looks after they were seen, when every client of every node knows them.
#[derive(Default)]
struct Growth {
    usable: Partition,
    more: Partition,
    looks: u32,
}

impl Growth {
    fn usable(&mut self, seen: Partition) -> Partition {
        if seen != self.more {
            (self.more, self.looks) = (seen, 0);
        }
        self.looks += 1;
        if self.usable == 0 || seen < self.usable || self.looks > SETTLED {
            self.usable = seen;
        }
        self.usable
    }
}

fn view(asker: &Asker, topic: &str) -> Result<TopicView, BrokerError> {
    asker.listen();
    asker.topic(topic, topic_view)
}

fn topic_view(topic: &MetadataTopic) -> TopicView {
    let leaderless = topic.partitions().iter().filter(|partition| partition.leader() < 0).count();
    TopicView {
        partitions: Partition::try_from(topic.partitions().len()).unwrap_or(Partition::MAX),
        leaderless,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::log::kafka::testbed::{Mock, append, on_kafka, options, producer, wait_for};

    #[test]
    fn bounds_have_everything_that_was_there_when_they_were_asked_for() {
        wait_for(async {
            let mock = Mock::start();
            let (producer, _failed) = producer(&mock.options);
            let cluster = Cluster::new(&mock.options).unwrap();
            for number in 0..20 {
                append(&producer, 0, number..number + 1);
                let end = Offset::try_from(number).unwrap() + 1;
                let all = join_all((0..5).map(|_| cluster.bounds(0))).await;
                assert!(all.iter().all(|bounds| *bounds == Ok(Bounds { start: 0, end })), "{all:?}");
            }
            assert_eq!(cluster.watermark(1).await, Ok(0));
            assert_eq!(cluster.partitions().await, Ok(2));
            assert_eq!(cluster.health(), Ok(TopicView { partitions: 2, leaderless: 0 }));
        });
    }

    #[test]
    fn a_partition_that_is_not_there_and_a_broker_that_refuses_are_errors() {
        wait_for(async {
            let mock = Mock::start();
            let cluster = Cluster::new(&mock.options).unwrap();
            assert!(cluster.bounds(9).await.is_err());
            let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
            mock.cluster.request_errors(RDKafkaApiKey::ListOffsets, &[denied, denied]);
            assert!(matches!(cluster.bounds(0).await, Err(BrokerError::Refused(_))));
            assert!(cluster.bounds(0).await.is_ok());
        });
    }

    #[test]
    fn brokers_that_are_away_are_told_and_noticed_when_they_come() {
        wait_for(async {
            let mock = Mock::start();
            mock.cluster.broker_down(1).unwrap();
            let cluster = Cluster::new(&mock.options).unwrap();
            assert!(cluster.health().is_err());
            assert!(matches!(cluster.partitions().await, Err(BrokerError::Unavailable(_))));
            mock.cluster.broker_up(1).unwrap();
            while cluster.partitions().await != Ok(2) {
                sleep(Duration::from_millis(10)).await;
            }
        });
    }

    #[test]
    fn partitions_that_were_added_are_used_when_all_clients_know_them() {
        let mut growth = Growth::default();
        let used = [12, 12, 16, 16, 16, 24, 16, 16, 16].map(|seen| growth.usable(seen));
        assert_eq!(used, [12, 12, 12, 12, 16, 16, 16, 16, 16]);
        assert_eq!(growth.usable(1), 1, "a topic that was made anew");
    }

    #[test]
    fn appends_go_to_a_partition_that_was_added_as_soon_as_it_is_used() {
        on_kafka(async |options, topics| {
            let (producer, failed) = producer(&options);
            append(&producer, 1, 0..1);
            let cluster = Cluster::new(&options).unwrap();
            assert_eq!(cluster.partitions().await, Ok(2));
            topics.create(Some(5)).await.unwrap();
            while cluster.partitions().await != Ok(5) {
                sleep(Duration::from_millis(10)).await;
            }
            append(&producer, 4, 0..3);
            assert_eq!(cluster.watermark(4).await, Ok(3));
            assert!(failed.try_recv().is_err());
        });
    }

    #[test]
    fn a_wrong_property_is_refused_without_its_value_where_that_is_a_secret() {
        let refusal_of = |properties: &[(&str, &str)]| {
            let mut options = options("localhost:1");
            for (name, value) in properties {
                options.properties.insert(name, (*value).to_owned());
            }
            options.check().unwrap_err().to_string()
        };
        let refusal = |name: &str, value: &str| refusal_of(&[(name, value)]);
        assert!(refusal("no.such.property", "x").contains("kafka.properties.no.such.property is refused"));
        assert!(refusal("socket.timeout.ms", "often").contains("socket.timeout.ms is refused"));
        let refused = refusal_of(&[("security.protocol", "ssl"), ("ssl.key.pem", "hunter2")]);
        assert!(refused.contains("ssl.key.pem") && !refused.contains("hunter2"), "{refused}");
        assert!(refusal("security.protocol", "sasl_plaintext").contains("no client"));
        assert_eq!(options("localhost:1").check(), Ok(()));
    }
}
