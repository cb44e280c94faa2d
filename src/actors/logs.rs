//! The log that a node runs on, with the actors that move it: a writer for the embedded one, a bridge and a saver
//! for Kafka. Rooms know only the log.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Arbiter, ArbiterHandle};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{
    BridgeState, Clock, Observe, WriterState,
    bridge::Bridge,
    lobby::{Lobby, Tell},
    writer::Writer,
};
use crate::{
    log::{
        LogError, RoomLog,
        embedded::{Committer, EmbeddedLog},
        kafka::{
            self, BrokerError, Job, KafkaLog, KafkaOptions, Topic, cluster::Cluster, consumer::Reader,
            producer::Producer, tail::Tails,
        },
    },
    storage::{Database, Store},
    telemetry::Metrics,
};

/// Which log a node runs on.
pub enum LogOptions {
    /// The database is the log.
    Embedded {
        /// Appends that may wait for the writer.
        queue_records: usize,
        /// Appends that the writer commits at once.
        batch_records: usize,
    },
    /// Kafka is the log.
    Kafka(Box<KafkaPlan>),
}

/// How a node uses Kafka.
pub struct KafkaPlan {
    /// How the brokers are spoken to.
    pub options: KafkaOptions,
    /// Bytes of recent records kept for each partition that is read.
    pub ring_bytes: usize,
    /// Time between two comparisons of what was read with what there is.
    pub watchdog: Duration,
    /// Whether this node stores what the log holds.
    pub saves: bool,
    /// Records stored in one transaction, at most.
    pub batch_records: usize,
}

/// What every log needs of a node.
pub(super) struct Ground {
    /// A name that no other run of any node has.
    pub run: String,
    pub database: Database,
    pub store: Store,
    pub clock: Clock,
    pub metrics: Metrics,
    pub snapshot_every: u64,
    pub thread: ArbiterHandle,
}

/// A running log and what moves it.
pub(super) struct Logs {
    /// What rooms know of it.
    pub log: Arc<dyn RoomLog>,
    movers: Movers,
}

enum Movers {
    Embedded { writer: Addr<Writer> },
    Kafka { bridge: Addr<Bridge> },
}

/// What moves the log shows of itself.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LogView {
    /// The embedded log.
    Embedded {
        /// Its writer.
        writer: WriterState,
    },
    /// The Kafka log.
    Kafka {
        /// What reads it.
        bridge: BridgeState,
    },
}

impl Logs {
    /// Starts what the options ask for. `lobby` makes the lobby, given how the other nodes are told.
    ///
    /// # Errors
    /// A setting that the log cannot be started with.
    pub(super) fn start(
        options: LogOptions,
        ground: Ground,
        lobby: impl FnOnce(Option<Tell>) -> Addr<Lobby>,
    ) -> Result<(Self, Addr<Lobby>), BrokerError> {
        match options {
            LogOptions::Embedded { queue_records, batch_records } => {
                Ok((Self::embedded(ground, queue_records, batch_records), lobby(None)))
            }
            LogOptions::Kafka(plan) => Self::kafka(*plan, ground, lobby),
        }
    }

    fn embedded(ground: Ground, queue_records: usize, batch_records: usize) -> Self {
        let (log, queue) = EmbeddedLog::new(ground.store, queue_records);
        let committer = Committer::new(ground.database, ground.snapshot_every);
        let writer = Writer::new(queue, committer, ground.clock, ground.metrics, batch_records);
        let writer = Writer::start_in_arbiter(&ground.thread, move |_| writer);
        Self { log: Arc::new(log), movers: Movers::Embedded { writer } }
    }

    fn kafka(
        plan: KafkaPlan,
        ground: Ground,
        lobby: impl FnOnce(Option<Tell>) -> Addr<Lobby>,
    ) -> Result<(Self, Addr<Lobby>), BrokerError> {
        let KafkaPlan { options, ring_bytes, watchdog, .. } = plan;
        let (tell, jobs) = mpsc::unbounded_channel();
        let failures = tell.clone();
        let producer = Producer::new(&options, move |failed| {
            let kafka::Failed { room, partition, origin } = failed;
            let error = LogError::Unavailable;
            // A bridge that has stopped has nobody to tell either.
            drop(failures.send(Job::Failed { room, partition, origin, error }));
        })?;
        let cluster = Cluster::new(&options)?;
        let topic = Topic::new(cluster.clone(), Tails::new(&options), std::process::id());
        let reader = Reader::new(&options, cluster)?;
        let carrier = kafka::Bridge::new(reader, jobs, ring_bytes, ground.metrics.clone());
        let bridge = Bridge::new(carrier, topic.clone(), watchdog, ground.metrics.clone());
        let bridge = Bridge::start_in_arbiter(&Arbiter::new().handle(), move |_| bridge);
        let log = KafkaLog::new(ground.store, producer, topic, tell, ground.run);
        Ok((Self { log: Arc::new(log), movers: Movers::Kafka { bridge } }, lobby(None)))
    }

    /// Why records cannot be appended or stored, if they cannot.
    pub(super) async fn complaints(&self) -> Vec<&'static str> {
        let mut complaints: Vec<_> = self.log.complaint().await.into_iter().collect();
        if let Movers::Embedded { writer } = &self.movers {
            match writer.send(Observe::<WriterState>::default()).await {
                Ok(writer) if !writer.failing => {}
                _ => complaints.push("records cannot be stored"),
            }
        }
        complaints
    }

    /// What the actors show of themselves; nothing where one does not answer.
    pub(super) async fn observe(&self) -> Option<LogView> {
        match &self.movers {
            Movers::Embedded { writer } => {
                Some(LogView::Embedded { writer: writer.send(Observe::default()).await.ok()? })
            }
            Movers::Kafka { bridge } => {
                Some(LogView::Kafka { bridge: bridge.send(Observe::default()).await.ok()? })
            }
        }
    }

    /// Stops what would lose its place otherwise.
    pub(super) async fn stop(&self) {}
}
