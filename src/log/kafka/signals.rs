//! What nodes tell each other and nobody needs later: every node hears what any node says from now on.
//! A signal may be lost, and what it says is not known here.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use log::debug;
use rdkafka::{
    Message, Offset as At, TopicPartitionList,
    consumer::{Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};
use tokio::{task::spawn_blocking, time::sleep};

use super::{Partition, client::KafkaOptions, context::Context, error::BrokerError, tuning::Purpose};

/// Time between two tries to find the topic.
const RETRY: Duration = Duration::from_secs(1);

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Speaks to all nodes. A clone is the same.
#[derive(Clone)]
pub struct Signals {
    producer: FutureProducer<Context>,
    topic: String,
}

impl Signals {
    /// Speaks to the nodes that hear the topic which the options name.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(options: &KafkaOptions) -> Result<Self, BrokerError> {
        let config = options.config(Purpose::SignalsProducer);
        let producer = config.create_with_context(options.context(Purpose::SignalsProducer))?;
        Ok(Self { producer, topic: options.names.signals.clone() })
    }

    /// Tells all nodes, this one too. It returns at once; what no broker takes within seconds is forgotten.
    pub fn publish(&self, signal: &[u8]) {
        let record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(&self.topic).payload(signal);
        if let Err((error, _)) = self.producer.send_result(record) {
            debug!("a signal is not sent: {error}");
        }
    }
}

/// Hears what all nodes say.
pub struct SignalsReader {
    client: Arc<StreamConsumer<Context>>,
    options: KafkaOptions,
    is_listening: bool,
}

impl SignalsReader {
    /// Hears the topic that the options name. It must be called inside a tokio runtime.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(options: &KafkaOptions) -> Result<Self, BrokerError> {
        let config = options.config(Purpose::SignalsReader);
        let client: StreamConsumer<Context> =
            config.create_with_context(options.context(Purpose::SignalsReader))?;
        Ok(Self { client: Arc::new(client), options: options.clone(), is_listening: false })
    }

    /// Waits for the next signal, whatever happens to the brokers meanwhile. What was said before the first call
    /// had found the topic is not heard. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Bytes {
        loop {
            if !self.is_listening {
                self.listen().await;
            }
            match self.client.recv().await {
                Ok(message) => match message.payload() {
                    Some(signal) => return Bytes::copy_from_slice(signal),
                    None => continue,
                },
                // The client goes on by itself.
                Err(error) => debug!("signals: {error}"),
            }
        }
    }

    /// Finds the topic's partitions and hears each from its end on.
    async fn listen(&mut self) {
        loop {
            match self.partitions().await.and_then(|partitions| self.assign(partitions)) {
                Ok(()) => break self.is_listening = true,
                Err(error) => debug!("signals: {error}"),
            }
            sleep(RETRY).await;
        }
    }

    async fn partitions(&self) -> Result<Partition, BrokerError> {
        let (client, topic) = (self.client.clone(), self.options.names.signals.clone());
        let asked = spawn_blocking(move || client.fetch_metadata(Some(&topic), PATIENCE)).await;
        let metadata = asked.map_err(|_| BrokerError::Unavailable("the node stops".to_owned()))??;
        let partitions = metadata.topics().first().map_or(0, |topic| topic.partitions().len());
        match Partition::try_from(partitions) {
            Ok(partitions @ 1..) => Ok(partitions),
            _ => Err(BrokerError::Missing(format!("topic {}", self.options.names.signals))),
        }
    }

    fn assign(&self, partitions: Partition) -> Result<(), BrokerError> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition_offset(&self.options.names.signals, partition, At::End)?;
        }
        Ok(self.client.assign(&list)?)
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout_at};

    use super::*;
    use crate::log::kafka::testbed::{Mock, on_kafka, wait_for};

    /// Says something until it is heard, and forgets what else was heard.
    async fn heard(signals: &Signals, readers: &mut [SignalsReader], what: &str) {
        for reader in readers {
            loop {
                signals.publish(what.as_bytes());
                let soon = Instant::now() + Duration::from_millis(50);
                match timeout_at(soon, reader.next()).await {
                    Ok(signal) if signal == what => break,
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn every_node_hears_what_any_node_says() {
        let test = async |options: &KafkaOptions| {
            let signals = Signals::new(options).unwrap();
            let mut readers = [SignalsReader::new(options).unwrap(), SignalsReader::new(options).unwrap()];
            heard(&signals, &mut readers, "first").await;
            heard(&Signals::new(options).unwrap(), &mut readers, "second").await;
        };
        let mock = Mock::start();
        mock.cluster.create_topic(&mock.options.names.signals, 2, 1).unwrap();
        wait_for(test(&mock.options));
        on_kafka(async |options, _| test(&options).await);
    }

    #[test]
    fn brokers_that_come_late_or_go_for_a_while_are_waited_for() {
        let mock = Mock::start();
        mock.cluster.broker_down(1).unwrap();
        wait_for(async {
            let signals = Signals::new(&mock.options).unwrap();
            let mut readers = [SignalsReader::new(&mock.options).unwrap()];
            signals.publish(b"nobody hears it");
            let soon = Instant::now() + Duration::from_millis(50);
            assert!(timeout_at(soon, readers[0].next()).await.is_err());
            mock.cluster.create_topic(&mock.options.names.signals, 1, 1).unwrap();
            mock.cluster.broker_up(1).unwrap();
            heard(&signals, &mut readers, "first").await;
            mock.cluster.broker_down(1).unwrap();
            signals.publish(b"it may be lost");
            mock.cluster.broker_up(1).unwrap();
            heard(&signals, &mut readers, "second").await;
        });
    }
}
