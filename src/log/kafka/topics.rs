//! The topics that the Kafka log lives in: what they should be like, how they are made, what differs.
//! An existing topic is never changed, but for partitions that somebody asks for.

use std::time::Duration;

use log::{info, warn};
use rdkafka::{
    admin::{AdminClient, AdminOptions, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication},
    metadata::MetadataTopic,
    types::RDKafkaErrorCode,
};
use tokio::{runtime::Handle, task::spawn_blocking, time::sleep};

use super::{
    Partition,
    asker::Asker,
    client::KafkaOptions,
    context::Context,
    error::BrokerError,
    plan::{Finding, Found, Plan, plans},
    tuning::Purpose,
};

/// How long one question or one creation may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a new topic is looked for.
const LOOKS: u32 = 100;

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// Time between two tries of a node that starts before its brokers.
const RETRY: Duration = Duration::from_secs(2);

/// What became of a topic that should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Made {
    /// It was made with so many partitions.
    Created(Partition),
    /// It was there.
    Kept(Partition),
    /// It was there and got partitions: it had the first number and has the second one now.
    Grown(Partition, Partition),
}

/// The topics of a cluster. Its questions block the thread that awaits them.
pub struct Topics {
    client: AdminClient<Context>,
    asker: Asker,
    options: KafkaOptions,
}

impl Topics {
    /// The topics that the options name.
    ///
    /// # Errors
    /// If no client can be made of the options.
    pub fn new(options: &KafkaOptions) -> Result<Self, BrokerError> {
        let config = options.config(Purpose::Admin);
        let client = config.create_with_context(options.context(Purpose::Admin))?;
        Ok(Self { client, asker: Asker::new(options)?, options: options.clone() })
    }

    /// Makes the topics that are missing. With `partitions`, the rooms' topic gets so many, also where it is there
    /// and has fewer; no room moves, and new ones use them.
    ///
    /// # Errors
    /// If the brokers do not answer or refuse, or the rooms' topic has more partitions than that.
    pub async fn create(&self, partitions: Option<Partition>) -> Result<Vec<(String, Made)>, BrokerError> {
        let mut options = self.options.clone();
        options.layout.partitions = partitions.unwrap_or(options.layout.partitions);
        let mut made = Vec::new();
        for plan in plans(&options) {
            let existing = self.partitions_of(&plan.name)?;
            let grows = partitions.filter(|_| plan.name == options.names.rooms);
            let fate = match (existing, grows) {
                (None, _) => self.make(&plan).await?,
                (Some(existing), Some(partitions)) if partitions != existing => {
                    self.grow(&plan.name, existing, partitions).await?
                }
                (Some(existing), _) => Made::Kept(existing),
            };
            made.push((plan.name, fate));
        }
        Ok(made)
    }

    /// Compares the topics with what they should be like.
    ///
    /// # Errors
    /// If the brokers do not answer or refuse.
    pub async fn check(&self) -> Result<Vec<(String, Vec<Finding>)>, BrokerError> {
        let mut checked = Vec::new();
        for plan in plans(&self.options) {
            let found = self.found(&plan.name).await?;
            let findings = plan.compare(found.as_ref());
            checked.push((plan.name, findings));
        }
        Ok(checked)
    }

    fn partitions_of(&self, topic: &str) -> Result<Option<Partition>, BrokerError> {
        Ok(self.shape_of(topic)?.map(|(partitions, _)| partitions))
    }

    /// How many partitions a topic has, and how many replicas the one with the fewest.
    fn shape_of(&self, topic: &str) -> Result<Option<(Partition, i32)>, BrokerError> {
        let shape = |topic: &MetadataTopic| {
            let replicas = topic.partitions().iter().map(|partition| count(partition.replicas().len())).min();
            (count(topic.partitions().len()), replicas.unwrap_or(0))
        };
        match self.asker.topic(topic, shape) {
            Ok(shape) => Ok(Some(shape)),
            Err(BrokerError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn found(&self, topic: &str) -> Result<Option<Found>, BrokerError> {
        let Some((partitions, replicas)) = self.shape_of(topic)? else { return Ok(None) };
        let asked = [ResourceSpecifier::Topic(topic)];
        let described = self.client.describe_configs(&asked, &patiently()).await?;
        let mut configs = Vec::new();
        for resource in described {
            let entries = resource?.entries;
            configs.extend(entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))));
        }
        Ok(Some(Found { partitions, replicas, configs: configs.into_iter().collect() }))
    }

    async fn make(&self, plan: &Plan) -> Result<Made, BrokerError> {
        let replication = TopicReplication::Fixed(plan.replicas.unwrap_or(-1));
        let mut topic = NewTopic::new(&plan.name, plan.partitions, replication);
        for (name, value) in &plan.configs {
            topic = topic.set(name, value);
        }
        let results = self.client.create_topics([&topic], &patiently()).await?;
        for result in results {
            match result {
                // Another node was faster.
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((_, code)) => return Err(refusal(&plan.name, code)),
            }
        }
        self.wait_for(&plan.name).await?;
        Ok(Made::Created(plan.partitions))
    }

    /// Waits until the brokers know a topic that one of them has made.
    async fn wait_for(&self, topic: &str) -> Result<(), BrokerError> {
        for _ in 0..LOOKS {
            if self.partitions_of(topic)?.is_some() {
                return Ok(());
            }
            sleep(LOOK).await;
        }
        Err(BrokerError::Unavailable(format!("topic {topic} was made and is not seen")))
    }

    async fn grow(&self, topic: &str, from: Partition, to: Partition) -> Result<Made, BrokerError> {
        if to < from {
            let reason = format!("topic {topic} has {from} partitions, and none can be taken away");
            return Err(BrokerError::Refused(reason));
        }
        let grown = NewPartitions::new(topic, usize::try_from(to).unwrap_or_default());
        for result in self.client.create_partitions([&grown], &patiently()).await? {
            result.map_err(|(_, code)| refusal(topic, code))?;
        }
        Ok(Made::Grown(from, to))
    }
}

/// Makes missing topics where the options say so, and tells in the log what differs. A node calls it when it
/// starts; it tries until the brokers answer, and returns then.
pub async fn prepare(options: KafkaOptions) {
    let mut is_first = true;
    loop {
        let (options, runtime) = (options.clone(), Handle::current());
        // Questions about all topics block, and so does the end of the client.
        let trying = spawn_blocking(move || runtime.block_on(try_to_prepare(&options)));
        let Ok(tried) = trying.await else { return };
        match tried {
            Ok(()) => return,
            Err(error) if is_first => warn!("the topics cannot be prepared yet: {error}"),
            Err(error) => log::debug!("the topics cannot be prepared yet: {error}"),
        }
        is_first = false;
        sleep(RETRY).await;
    }
}

async fn try_to_prepare(options: &KafkaOptions) -> Result<(), BrokerError> {
    let topics = Topics::new(options)?;
    if options.create_topics {
        for (name, made) in topics.create(None).await? {
            if let Made::Created(partitions) = made {
                info!("topic {name} was created with {partitions} partitions");
            }
        }
    }
    for (name, findings) in topics.check().await? {
        findings.iter().for_each(|finding| match finding {
            Finding::Fault(fault) => warn!("topic {name}: {fault}"),
            Finding::Note(note) => info!("topic {name}: {note}"),
        });
    }
    Ok(())
}

fn patiently() -> AdminOptions {
    AdminOptions::new().operation_timeout(Some(PATIENCE)).request_timeout(Some(PATIENCE + RETRY))
}

fn refusal(topic: &str, code: RDKafkaErrorCode) -> BrokerError {
    match BrokerError::from(code) {
        BrokerError::Refused(reason) => BrokerError::Refused(format!("topic {topic}: {reason}")),
        other => other,
    }
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::kafka::testbed::on_kafka;

    #[test]
    fn topics_are_made_once_and_are_then_as_they_should_be() {
        on_kafka(async |options, topics| {
            let kept = |partitions| Made::Kept(partitions);
            let again: Vec<_> =
                topics.create(None).await.unwrap().into_iter().map(|(_, made)| made).collect();
            assert_eq!(again, [kept(2), kept(1), kept(1)]);
            for (name, findings) in topics.check().await.unwrap() {
                let faults = findings.iter().filter(|finding| matches!(finding, Finding::Fault(_)));
                assert_eq!(faults.count(), 0, "{name}: {findings:?}");
            }
            prepare(options).await;
        });
    }

    #[test]
    fn partitions_can_be_added_and_not_taken_away() {
        on_kafka(async |options, topics| {
            let made = topics.create(Some(5)).await.unwrap();
            assert_eq!(made[0], (options.names.rooms.clone(), Made::Grown(2, 5)));
            assert_eq!(made[1].1, Made::Kept(1));
            assert_eq!(topics.partitions_of(&options.names.rooms), Ok(Some(5)));
            let refused = topics.create(Some(3)).await.unwrap_err().to_string();
            assert!(refused.contains("has 5 partitions"), "{refused}");
        });
    }

    #[test]
    fn a_topic_that_is_missing_or_differs_is_found() {
        on_kafka(async |options, _| {
            let mut other = options.clone();
            other.names.rooms = format!("{}.missing", options.names.rooms);
            other.layout.partitions = 9;
            let topics = Topics::new(&other).unwrap();
            let checked = topics.check().await.unwrap();
            assert!(matches!(checked[0].1[..], [Finding::Fault(_)]), "{checked:?}");

            other.names = options.names.clone();
            let checked = Topics::new(&other).unwrap().check().await.unwrap();
            let Some(Finding::Fault(fault)) = checked[0].1.first() else { panic!("{checked:?}") };
            assert!(fault.starts_with("it has 2 partitions, not 9"), "{fault}");
        });
    }

    #[test]
    fn more_replicas_than_there_are_brokers_are_refused() {
        on_kafka(async |mut options, _| {
            options.names.rooms = format!("{}.large", options.names.rooms);
            options.layout.replication = Some(50);
            let refused = Topics::new(&options).unwrap().create(None).await.unwrap_err();
            assert!(matches!(refused, BrokerError::Refused(_)), "{refused:?}");
        });
    }
}
