//! Questions to the brokers that are answered with facts: topics, partitions, ends. Each blocks its thread.
//! Nothing is changed by asking, and no record is read.

use std::time::Duration;

use rdkafka::{
    consumer::{BaseConsumer, Consumer},
    error::{KafkaResult, RDKafkaErrorCode},
    metadata::{Metadata, MetadataTopic},
};

use super::{Offset, Partition, client::KafkaOptions, context::Context, error::BrokerError, tuning::Purpose};

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the client is listened to between two questions.
const LISTEN: Duration = Duration::from_millis(5);

/// So often it is listened to for why there is no answer.
const LISTENS: u32 = 100;

/// Asks the brokers.
pub(super) struct Asker(BaseConsumer<Context>);

impl Asker {
    pub(super) fn new(options: &KafkaOptions) -> Result<Self, BrokerError> {
        let config = options.config(Purpose::Asker);
        Ok(Self(config.create_with_context(options.context(Purpose::Asker))?))
    }

    /// What is known of a topic, without making it.
    ///
    /// # Errors
    /// [`BrokerError::Missing`] if it is not there.
    pub(super) fn topic<T>(
        &self,
        name: &str,
        look: impl FnOnce(&MetadataTopic) -> T,
    ) -> Result<T, BrokerError> {
        let missing = || BrokerError::Missing(format!("topic {name}"));
        let metadata: Metadata = self.told(self.0.fetch_metadata(Some(name), PATIENCE))?;
        let topic = metadata.topics().iter().find(|topic| topic.name() == name).ok_or_else(missing)?;
        match topic.error().map(RDKafkaErrorCode::from) {
            Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => {
                Err(missing())
            }
            Some(code) => Err(code.into()),
            None if topic.partitions().is_empty() => Err(missing()),
            None => Ok(look(topic)),
        }
    }

    /// The first offset of a partition, and the one after its last record.
    pub(super) fn bounds(&self, topic: &str, partition: Partition) -> Result<(Offset, Offset), BrokerError> {
        self.told(self.0.fetch_watermarks(topic, partition, PATIENCE))
    }

    /// Hears what the client says, which piles up otherwise.
    pub(super) fn listen(&self) {
        // It gets no records, so this is an error, which its context has heard, or nothing.
        while self.0.poll(LISTEN).is_some() {}
    }

    /// An answer, or why there is none as far as the client has said it.
    fn told<T>(&self, answer: KafkaResult<T>) -> Result<T, BrokerError> {
        answer.map_err(|error| match BrokerError::from(error) {
            BrokerError::Unavailable(what) => BrokerError::Unavailable(self.trouble().unwrap_or(what)),
            error => error,
        })
    }

    fn trouble(&self) -> Option<String> {
        let hear = |_| {
            // No records come, and what is wrong goes to the context.
            let _ = self.0.poll(LISTEN);
            self.0.context().trouble()
        };
        self.0.context().trouble().or_else(|| (0..LISTENS).find_map(hear))
    }
}
