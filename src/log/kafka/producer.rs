//! Appends to the rooms' topic: idempotent, acknowledged by all in-sync replicas, bounded, never blocking.
//! It reports only what failed: an append is in the log when it was read back, and not before.

use std::{
    sync::{Arc, PoisonError, RwLock, mpsc},
    thread::{self, JoinHandle},
    time::Duration,
};

use log::{debug, error, warn};
use rdkafka::{
    ClientConfig, ClientContext, Statistics,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext},
};

use super::{Partition, client::KafkaOptions, context::Context, error::BrokerError, tuning::Purpose};
use crate::{
    domain::RoomId,
    log::LogError,
    wire::log_record::{self, Origin},
};

/// An append that the brokers did not take, or whose fate nobody knows: it may still show up in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The room.
    pub room: RoomId,
    /// Where it was to go.
    pub partition: Partition,
    /// The append.
    pub origin: Origin,
}

/// The name of the header with the version of the record's format.
pub const VERSION_HEADER: &str = "klatsch-v";

/// The name of the header with the kind of the record.
pub const KIND_HEADER: &str = "kind";

/// How long the thread of a producer waits for events at once, and so about how long it takes to end.
const POLL: Duration = Duration::from_millis(100);

/// Time between the end of a client that failed for good and the next one.
const PAUSE: Duration = Duration::from_millis(500);

/// Appends for one node. A clone is the same producer.
#[derive(Clone)]
pub struct Producer {
    topic: Arc<str>,
    current: Current,
    _thread: Arc<Thread>,
}

type Client = BaseProducer<Reports>;
type Current = Arc<RwLock<Option<Arc<Client>>>>;

impl Producer {
    /// A producer, with a thread that calls `failed` for each append that was not taken.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(
        options: &KafkaOptions,
        failed: impl Fn(Failed) + Send + Sync + 'static,
    ) -> Result<Self, BrokerError> {
        let maker = Maker { options: options.clone(), failed: Arc::new(failed) };
        let current = Arc::new(RwLock::new(Some(maker.make()?)));
        let (stop, stopped) = mpsc::channel();
        let serving = current.clone();
        let handle = thread::Builder::new()
            .name("kafka-producer".to_owned())
            .spawn(move || serve(&maker, &serving, &stopped))
            .map_err(|error| BrokerError::Client(error.to_string()))?;
        let thread = Arc::new(Thread { stop: Some(stop), handle: Some(handle) });
        Ok(Self { topic: options.names.rooms.as_str().into(), current, _thread: thread })
    }

    /// Hands a record to the client and returns at once. If that works and the record is not taken later,
    /// `failed` hears of it, once.
    ///
    /// # Errors
    /// [`LogError::Overloaded`] when too much is under way, [`LogError::Unavailable`] when the client has failed
    /// for good and the next one is not there yet. Then nothing was appended.
    pub fn append(
        &self,
        partition: Partition,
        room: &RoomId,
        value: &[u8],
        kind: &'static str,
        origin: Origin,
    ) -> Result<(), LogError> {
        let client = client_of(&self.current).ok_or(LogError::Unavailable)?;
        let fate = Box::new(Failed { room: room.clone(), partition, origin });
        let record = BaseRecord::with_opaque_to(&self.topic, fate)
            .partition(partition)
            .key(room.as_str())
            .payload(value)
            .headers(headers(kind));
        client.send(record).map_err(|(error, _)| refused(&error))
    }

    /// Waits until every record that is under way has met its fate, and says whether all have. It blocks.
    pub fn flush(&self, timeout: Duration) -> bool {
        client_of(&self.current).is_none_or(|client| client.flush(timeout).is_ok())
    }
}

fn client_of(current: &Current) -> Option<Arc<Client>> {
    current.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// The headers of a record, so that somebody who filters the topic need not decode it.
pub(super) fn headers(kind: &'static str) -> OwnedHeaders {
    let version = log_record::VERSION.to_string();
    OwnedHeaders::new_with_capacity(2)
        .insert(Header { key: VERSION_HEADER, value: Some(&version) })
        .insert(Header { key: KIND_HEADER, value: Some(kind) })
}

fn refused(error: &KafkaError) -> LogError {
    match error.rdkafka_error_code() {
        Some(RDKafkaErrorCode::QueueFull) => LogError::Overloaded,
        Some(RDKafkaErrorCode::Fatal) => LogError::Unavailable,
        code => {
            warn!("an append is refused before it is sent: {code:?}");
            LogError::Unavailable
        }
    }
}

/// Makes clients that differ in nothing.
struct Maker {
    options: KafkaOptions,
    failed: Arc<dyn Fn(Failed) + Send + Sync>,
}

impl Maker {
    fn make(&self) -> Result<Arc<Client>, BrokerError> {
        let config: ClientConfig = self.options.config(Purpose::Producer);
        let context = self.options.context(Purpose::Producer);
        let reports = Reports { context, failed: self.failed.clone() };
        Ok(Arc::new(config.create_with_context(reports)?))
    }
}

/// Serves one client after the other until it is told to stop. A client ends when it fails for good, as an
/// idempotent one does when it cannot know any more what the brokers have: what is under way fails then, and the
/// next client begins anew.
fn serve(maker: &Maker, current: &Current, stopped: &mpsc::Receiver<()>) {
    let set = |client| *current.write().unwrap_or_else(PoisonError::into_inner) = client;
    let is_told_to_stop = || matches!(stopped.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    while !is_told_to_stop() {
        if let Some(client) = client_of(current) {
            while !is_told_to_stop() {
                client.poll(POLL);
                if let Some((_, reason)) = client.client().fatal_error() {
                    error!("the producer begins anew, for it cannot go on: {reason}");
                    break;
                }
            }
        }
        // Whoever has it still gets an error from it. The last one to have it reports what was under way.
        set(None);
        if let Err(mpsc::RecvTimeoutError::Disconnected) = stopped.recv_timeout(PAUSE) {
            return;
        }
        match maker.make() {
            Ok(client) => set(Some(client)),
            Err(error) => error!("no new producer: {error}"),
        }
    }
    set(None);
}

/// Ends the thread with the last producer.
struct Thread {
    stop: Option<mpsc::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The thread itself may be the last one that holds a producer, by way of its callback.
        let handle = self.handle.take().filter(|handle| handle.thread().id() != thread::current().id());
        if handle.is_some_and(|handle| handle.join().is_err()) {
            error!("the thread of the producer has panicked");
        }
    }
}

/// Hears of the fates of records.
struct Reports {
    context: Context,
    failed: Arc<dyn Fn(Failed) + Send + Sync>,
}

impl ClientContext for Reports {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.context.stats(statistics);
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = Box<Failed>;

    fn delivery(&self, result: &DeliveryResult<'_>, append: Box<Failed>) {
        let Err((error, _)) = result else { return };
        debug!("an append to room {} has failed: {error}", append.room);
        self.context.metrics().kafka.append_failures.inc();
        (self.failed)(*append);
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::{
        mocking::MockCluster,
        types::{RDKafkaApiKey, RDKafkaRespErr},
    };

    use super::*;
    use crate::log::kafka::testbed::{Mock, append, on_kafka, options, origin, producer, values, wait_for};

    const WAIT: Duration = Duration::from_secs(30);

    fn room() -> RoomId {
        RoomId::new("room")
    }

    #[test]
    fn records_are_in_the_partition_that_was_named_in_the_order_of_their_appends() {
        let test = async |options: &KafkaOptions| {
            let (producer, failed) = producer(options);
            append(&producer, 1, 0..100);
            let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
            assert_eq!(values(options, 1, 0, 100).await, expected);
            assert!(failed.try_recv().is_err());
        };
        let mock = Mock::start();
        wait_for(test(&mock.options));
        on_kafka(async |options, _| test(&options).await);
    }

    #[test]
    fn d1_an_append_that_no_broker_takes_in_time_fails_once() {
        let mut mock = Mock::start();
        mock.options.append_timeout = Duration::from_secs(3);
        let (producer, failed) = producer(&mock.options);
        append(&producer, 0, 0..1);
        mock.cluster.broker_down(1).unwrap();
        producer.append(0, &room(), b"lost", "message", origin(7)).unwrap();
        assert_eq!(
            failed.recv_timeout(WAIT).unwrap(),
            Failed { room: room(), partition: 0, origin: origin(7) }
        );
        mock.cluster.broker_up(1).unwrap();
        append(&producer, 0, 8..9);
        assert!(failed.try_recv().is_err());
        assert_eq!(mock.options.metrics.kafka.append_failures.get(), 1);
    }

    #[test]
    fn d1_appends_that_wait_for_a_broker_to_come_back_are_taken_once_and_in_order() {
        let mock = Mock::start();
        let (producer, failed) = producer(&mock.options);
        append(&producer, 0, 0..10);
        mock.cluster.broker_down(1).unwrap();
        for number in 10..20_u64 {
            producer.append(0, &room(), number.to_string().as_bytes(), "message", origin(number)).unwrap();
        }
        mock.cluster.broker_up(1).unwrap();
        append(&producer, 0, 20..30);
        let expected: Vec<_> = (0..30).map(|number| number.to_string()).collect();
        assert_eq!(wait_for(values(&mock.options, 0, 0, 30)), expected);
        assert!(failed.try_recv().is_err());
    }

    #[test]
    fn d1_errors_that_pass_are_tried_again_without_doubles() {
        let mut mock = Mock::start();
        // A mock broker takes a batch whose predecessor it refused; a real one does not.
        mock.options.properties.insert("max.in.flight", "1".to_owned());
        let (producer, _failed) = producer(&mock.options);
        append(&producer, 0, 0..5);
        let passing = [
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        ];
        mock.cluster.request_errors(RDKafkaApiKey::Produce, &passing);
        append(&producer, 0, 5..10);
        let expected: Vec<_> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(wait_for(values(&mock.options, 0, 0, 10)), expected);
    }

    #[test]
    fn more_than_may_be_under_way_is_refused_as_overloaded() {
        let mut mock = Mock::start();
        mock.options.queue_records = 3;
        mock.cluster.broker_down(1).unwrap();
        let (producer, failed) = producer(&mock.options);
        let appended: Vec<_> =
            (0..5).map(|token| producer.append(0, &room(), b"x", "message", origin(token))).collect();
        assert_eq!(appended[..3], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(appended[3..], [Err(LogError::Overloaded), Err(LogError::Overloaded)]);
        drop(producer);
        assert_eq!(failed.iter().count(), 3, "what was under way at the end has failed");
    }

    #[test]
    fn d1_a_client_that_fails_for_good_fails_what_is_under_way_and_is_replaced() {
        let mock = Mock::start();
        let denied = RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
        mock.cluster.request_errors(RDKafkaApiKey::InitProducerId, &[denied]);
        let (producer, failed) = producer(&mock.options);
        producer.append(0, &room(), b"lost", "message", origin(1)).unwrap();
        assert_eq!(failed.recv_timeout(WAIT).unwrap().origin, origin(1));
        let token =
            (2..).find(|&token| match producer.append(0, &room(), b"kept", "message", origin(token)) {
                Ok(()) => producer.flush(WAIT) && failed.recv_timeout(POLL).is_err(),
                Err(error) => {
                    assert_eq!(error, LogError::Unavailable);
                    thread::yield_now();
                    false
                }
            });
        assert!(token.is_some());
        assert_eq!(wait_for(values(&mock.options, 0, 0, 1)), ["kept"]);
    }

    #[test]
    fn brokers_that_are_away_at_the_start_are_waited_for() {
        let mock = MockCluster::new(1).unwrap();
        let options = options(&mock.bootstrap_servers());
        mock.create_topic(&options.names.rooms, 2, 1).unwrap();
        mock.broker_down(1).unwrap();
        let (producer, _failed) = producer(&options);
        producer.append(0, &room(), b"early", "message", origin(1)).unwrap();
        mock.broker_up(1).unwrap();
        assert!(producer.flush(WAIT));
        assert_eq!(wait_for(values(&options, 0, 0, 1)), ["early"]);
    }
}
