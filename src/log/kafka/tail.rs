//! Reads a piece of a partition once, for a room that wakes up further back than anybody remembers.
//! It has a client of its own for so long, so nobody who reads the end of the partition waits for it.

use std::{
    sync::{
        Arc,
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
use tokio::{sync::Semaphore, task::spawn_blocking};

use super::{
    Entry, Offset, Partition,
    client::{KafkaOptions, Purpose},
    consumer::{entry, is_passing},
    context::Context,
    error::BrokerError,
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

/// Reads pieces of partitions. A clone is the same.
#[derive(Clone)]
pub struct Tails {
    options: KafkaOptions,
    permits: Arc<Semaphore>,
}

impl Tails {
    /// Reads with these options, a few pieces at once.
    pub fn new(options: &KafkaOptions) -> Self {
        Self { options: options.clone(), permits: Arc::new(Semaphore::new(AT_ONCE)) }
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
        let _permit = self.permits.acquire().await.map_err(|_| ends())?;
        let options = self.options.clone();
        let wanted = Wanted(Arc::default());
        let dropped = wanted.0.clone();
        let mut keep = keep;
        let read = move || {
            let topic = &options.names.rooms;
            let piece = Piece { topic, partition, from, until };
            piece.read(&options, &dropped, |message| keep(entry(message)))
        };
        let done = spawn_blocking(read).await.map_err(|_| ends())?;
        drop(wanted);
        done
    }
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
        options: &KafkaOptions,
        dropped: &AtomicBool,
        mut keep: impl FnMut(&BorrowedMessage<'_>),
    ) -> Result<(), BrokerError> {
        let client = self.client(options)?;
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

    fn client(&self, options: &KafkaOptions) -> Result<BaseConsumer<Context>, BrokerError> {
        let config = options.config(Purpose::Tail);
        let client: BaseConsumer<Context> = config.create_with_context(options.context(Purpose::Tail))?;
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(self.topic, self.partition, At::Offset(self.from))?;
        client.assign(&list)?;
        Ok(client)
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
