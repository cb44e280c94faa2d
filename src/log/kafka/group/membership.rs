//! What a member of the savers' group is told by its client: which partitions it has, and what the client says.
//! An assigned partition is not read before it is told from where; nothing is stored here.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rdkafka::{
    ClientContext, Offset as At, Statistics, TopicPartitionList,
    config::RDKafkaLogLevel,
    consumer::{BaseConsumer, Consumer, ConsumerContext, RebalanceProtocol},
    error::{KafkaError, KafkaResult},
    types::RDKafkaRespErr,
};
use tokio::sync::mpsc;

use crate::log::kafka::{
    Partition,
    context::Context,
    saver::{Event, Ticket},
};

/// The context of a member's client.
pub(super) struct Membership {
    context: Context,
    tell: mpsc::UnboundedSender<Event>,
    /// Assigned partitions, each with the ticket that it is read under, if it is read.
    assigned: Mutex<BTreeMap<Partition, Option<Ticket>>>,
}

impl Membership {
    pub(super) fn new(context: Context, tell: mpsc::UnboundedSender<Event>) -> Self {
        Self { context, tell, assigned: Mutex::default() }
    }

    pub(super) fn has(&self, partition: Partition) -> bool {
        self.assigned().contains_key(&partition)
    }

    /// The ticket that a partition is read under.
    pub(super) fn ticket_of(&self, partition: Partition) -> Option<Ticket> {
        self.assigned().get(&partition).copied().flatten()
    }

    /// The partition is read under this ticket from now on.
    pub(super) fn reads(&self, partition: Partition, ticket: Ticket) {
        if let Some(known) = self.assigned().get_mut(&partition) {
            *known = Some(ticket);
        }
    }

    /// Assigned partitions that are read.
    pub(super) fn read(&self) -> Vec<Partition> {
        self.assigned().iter().filter(|(_, ticket)| ticket.is_some()).map(|(one, _)| *one).collect()
    }

    fn assigned(&self) -> MutexGuard<'_, BTreeMap<Partition, Option<Ticket>>> {
        self.assigned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes partitions and pauses them. The offset that they are assigned at is none that is read from: one
    /// that the broker must be asked for could be found, and jumped to, after a seek.
    fn assign(&self, client: &BaseConsumer<Self>, list: &mut TopicPartitionList) -> KafkaResult<()> {
        list.set_all_offsets(At::Offset(0))?;
        match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_assign(list)?,
            RebalanceProtocol::Eager | RebalanceProtocol::None => client.assign(list)?,
        }
        client.pause(list)?;
        let partitions = partitions(list);
        self.assigned().extend(partitions.iter().map(|partition| (*partition, None)));
        log::info!("stores partitions {partitions:?} from now on");
        self.tell(Event::Assigned(partitions));
        Ok(())
    }

    fn revoke(&self, client: &BaseConsumer<Self>, list: &TopicPartitionList) -> KafkaResult<()> {
        let partitions = partitions(list);
        self.assigned().retain(|partition, _| !partitions.contains(partition));
        log::info!("stores partitions {partitions:?} no more");
        self.tell(Event::Revoked(partitions));
        match client.rebalance_protocol() {
            RebalanceProtocol::Cooperative => client.incremental_unassign(list),
            RebalanceProtocol::Eager | RebalanceProtocol::None => client.unassign(),
        }
    }

    fn tell(&self, event: Event) {
        // Nobody listens to a group that is being left.
        drop(self.tell.send(event));
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|element| element.partition()).collect()
}

impl ClientContext for Membership {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        let level = match facility {
            // During a rebalance that is usual, and the next commit says as much.
            "COMMITFAIL" => RDKafkaLogLevel::Debug,
            _ => level,
        };
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        self.context.stats(statistics);
    }
}

impl ConsumerContext for Membership {
    fn rebalance(&self, client: &BaseConsumer<Self>, what: RDKafkaRespErr, list: &mut TopicPartitionList) {
        let done = match what {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => self.assign(client, list),
            _ => self.revoke(client, list),
        };
        if let Err(error) = done {
            log::error!("partitions could not be taken or given back: {error}");
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        if let Err(error) = result {
            // They are for those who watch the group, and come again with the next batch.
            log::debug!("offsets were not committed: {error}");
        }
    }
}
