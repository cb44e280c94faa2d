//! Reads a piece of a partition once, for a room that wakes up further back than anybody remembers.
//! It has a client of its own for so long, so nobody who reads the end of the partition waits for it.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rdkafka::{
    Message, Offset as At, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::BorrowedMessage,
};
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use super::{
    Entry, Offset, Partition,
    client::KafkaOptions,
    consumer::{entry, is_passing},
    context::Context,
    error::BrokerError,
    tuning::Purpose,
};

/// Pieces that are read at once, each of which holds a thread and a client.
const AT_ONCE: usize = 4;

/// How long one wait for records takes.
const POLL: Duration = Duration::from_millis(100);

/// Waits in a row without a record after which the brokers are said not to answer.
const PATIENCE: u32 = 100;

/// Waits in a row without a record after the partition's end was seen, after which there is none. A leader that
/// was just elected may know the end of its partition later than somebody else does.
const AT_END: u32 = 20;

/// Clients that are kept for the next piece; they fetch nothing meanwhile.
const KEPT: usize = 2;

/// Reads pieces of partitions. A clone is the same.
#[derive(Clone)]
pub struct Tails {
    options: KafkaOptions,
    permits: Arc<Semaphore>,
    kept: Arc<Mutex<Vec<Client>>>,
}

impl Tails {
    /// Reads with these options, a few pieces at once.
    pub fn new(options: &KafkaOptions) -> Self {
        let permits = Arc::new(Semaphore::new(AT_ONCE));
        Self { options: options.clone(), permits, kept: Arc::default() }
    }

    /// Hands every record of a partition in `[from, until)` to `keep`, in order, on another thread. `until` must
    /// be at most the offset after the partition's last record. It ends early if the future is dropped.
    ///
    /// # Errors
    /// If the brokers do not answer, or do not have the first of these offsets any more.
    pub async fn read(
        &self,
        partition: Partition,
        from: Offset,
        until: Offset,
        keep: impl FnMut(Entry) + Send + 'static,
    ) -> Result<(), BrokerError> {
        if from >= until {
            return Ok(());
        }
        let ends = || BrokerError::Unavailable("the node stops".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| ends())?;
        let (tails, wanted) = (self.clone(), Wanted(Arc::default()));
        let (done, is_done) = oneshot::channel();
        let dropped = wanted.0.clone();
        spawn_blocking(move || {
            let (result, client) = tails.read_here((partition, from, until), &dropped, keep);
            // Nobody waits for the end of a client, which takes its time.
            drop(done.send(result));
            client.into_iter().for_each(|client| tails.put_back(client));
            drop(permit);
        });
        let result = is_done.await.map_err(|_| ends())?;
        drop(wanted);
        result
    }

    /// Reads a piece on this thread. Gives the client back if nothing is wrong with it.
    fn read_here(
        &self,
        (partition, from, until): (Partition, Offset, Offset),
        dropped: &AtomicBool,
        mut keep: impl FnMut(Entry),
    ) -> (Result<(), BrokerError>, Option<Client>) {
        let topic = &self.options.names.rooms;
        let read = self.client().and_then(|client| {
            let piece = Piece { topic, partition, from, until };
            piece.read(&client, dropped, |message| keep(entry(message)))?;
            Ok(client)
        });
        match read {
            Ok(client) => (Ok(()), Some(client)),
            Err(error) => (Err(error), None),
        }
    }

    fn client(&self) -> Result<Client, BrokerError> {
        match self.kept().pop() {
            Some(client) => Ok(client),
            None => client(&self.options),
        }
    }

    fn put_back(&self, client: Client) {
        let mut kept = self.kept();
        if kept.len() < KEPT && client.unassign().is_ok() {
            kept.push(client);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Client>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A client that reads a piece.
pub(super) type Client = BaseConsumer<Context>;

/// A client that can read a piece.
pub(super) fn client(options: &KafkaOptions) -> Result<Client, BrokerError> {
    Ok(options.config(Purpose::Tail).create_with_context(options.context(Purpose::Tail))?)
}

/// Tells the thread when nobody waits for it any more.
struct Wanted(Arc<AtomicBool>);

impl Drop for Wanted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A piece of a partition of any topic.
pub(super) struct Piece<'a> {
    pub(super) topic: &'a str,
    pub(super) partition: Partition,
    pub(super) from: Offset,
    pub(super) until: Offset,
}

impl Piece<'_> {
    /// Reads the piece, or what of it is read before `dropped` becomes true. It blocks.
    pub(super) fn read(
        mut self,
        client: &Client,
        dropped: &AtomicBool,
        mut keep: impl FnMut(&BorrowedMessage<'_>),
    ) -> Result<(), BrokerError> {
        if self.from >= self.until {
            return Ok(());
        }
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(self.topic, self.partition, At::Offset(self.from))?;
        client.assign(&list)?;
        let (mut idle, mut most) = (0, PATIENCE);
        while self.from < self.until && !dropped.load(Ordering::Relaxed) {
            match client.poll(POLL) {
                Some(Ok(message)) => {
                    (idle, most) = (0, PATIENCE);
                    self.from = message.offset() + 1;
                    if message.offset() < self.until {
                        keep(&message);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => most = AT_END,
                Some(Err(error)) => self.may_go_on(error)?,
                None => idle += 1,
            }
            if idle >= most {
                return if most == AT_END { Ok(()) } else { Err(self.unanswered()) };
            }
        }
        Ok(())
    }

    fn may_go_on(&self, error: KafkaError) -> Result<(), BrokerError> {
        match error.rdkafka_error_code() {
            Some(RDKafkaErrorCode::AutoOffsetReset) => {
                Err(BrokerError::Missing(format!("offset {} of partition {}", self.from, self.partition)))
            }
            Some(code) if is_passing(code) => Ok(()),
            _ => Err(error.into()),
        }
    }

    fn unanswered(&self) -> BrokerError {
        BrokerError::Unavailable(format!("no record at offset {} of partition {}", self.from, self.partition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::kafka::testbed::{Mock, append, on_kafka, producer, text, values, wait_for};

    /// What is to be shown on any broker.
    async fn reads_pieces(options: &KafkaOptions) {
        let (producer, _) = producer(options);
        append(&producer, 0, 0..30);
        append(&producer, 1, 100..110);
        let tails = Tails::new(options);
        let read = async |partition, from, until| {
            let (keep, mut kept) = tokio::sync::mpsc::unbounded_channel();
            let keep = move |entry: Entry| keep.send(text(&entry).parse::<i64>().unwrap()).unwrap();
            tails.read(partition, from, until, keep).await.unwrap();
            // The client is back when nobody reads any more, which is not waited for otherwise.
            let all = u32::try_from(AT_ONCE).unwrap();
            drop(tails.permits.acquire_many(all).await.unwrap());
            let mut read = Vec::new();
            while let Some(number) = kept.recv().await {
                read.push(number);
            }
            read
        };
        // The same client is used again and again, and nothing of an earlier piece is in a later one.
        for (partition, from, until, first) in [(0, 0, 30, 0), (0, 3, 5, 3), (1, 2, 9, 102), (0, 29, 30, 29)]
        {
            let expected: Vec<i64> = (first..).take(usize::try_from(until - from).unwrap()).collect();
            assert_eq!(read(partition, from, until).await, expected);
        }
        assert!(read(0, 5, 5).await.is_empty());
        assert_eq!(tails.kept().len(), 1);
    }

    #[test]
    fn a_piece_is_read_from_its_first_record_to_its_last_and_no_other() {
        let mock = Mock::start();
        wait_for(reads_pieces(&mock.options));
        on_kafka(async |options, _| reads_pieces(&options).await);
    }

    #[test]
    fn a_piece_that_is_gone_is_an_error() {
        let mock = Mock::start();
        let (producer, _) = producer(&mock.options);
        append(&producer, 0, 0..3);
        let tails = Tails::new(&mock.options);
        let read = wait_for(tails.read(0, 50, 60, |entry| panic!("{entry:?}")));
        assert!(matches!(read, Err(BrokerError::Missing(_))));
    }

    #[test]
    fn a_broker_that_goes_meanwhile_costs_a_piece_nothing() {
        let mock = Mock::start();
        let (producer, _) = producer(&mock.options);
        append(&producer, 0, 0..3);
        mock.cluster.broker_down(1).unwrap();
        wait_for(async {
            let up = async {
                tokio::time::sleep(Duration::from_millis(300)).await;
                mock.cluster.broker_up(1).unwrap();
            };
            let (values, ()) = tokio::join!(values(&mock.options, 0, 0, 3), up);
            assert_eq!(values, ["0", "1", "2"]);
        });
    }
}
