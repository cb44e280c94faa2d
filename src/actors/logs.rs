//! The log that a node runs on, with the actors that move it: a writer for the embedded one, a bridge and a saver
//! for Kafka. Rooms know only the log.

use std::{sync::Arc, time::Duration};

use actix::{Actor, Addr, Arbiter, ArbiterHandle};
use serde::Serialize;
use tokio::sync::mpsc;

use super::{
    BridgeState, Clock, Observe, SaverState, WriterState,
    bridge::Bridge,
    ears::Ears,
    lobby::{Lobby, Tell},
    saver::{Saver, StopSaving},
    writer::Writer,
};
use crate::{
    log::{
        LogError, RoomLog,
        embedded::{Committer, EmbeddedLog},
        kafka::{
            self, BrokerError, Job, KafkaLog, KafkaOptions, Topic,
            cluster::Cluster,
            consumer::Reader,
            dead_letters::DeadLetters,
            producer::Producer,
            saver::{self, Storing},
            signals::{Signals, SignalsReader},
            tail::Tails,
            topics,
        },
    },
    storage::{Database, Store},
    telemetry::Metrics,
    wire::signal::{self, Signal},
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
    /// How this node stores what the log holds, if it does.
    pub saves: Option<saver::Bounds>,
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
    Kafka { bridge: Addr<Bridge>, saver: Option<Addr<Saver>> },
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
        /// What stores it, if this node does.
        saver: Option<SaverState>,
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
        let KafkaPlan { options, ring_bytes, watchdog, saves } = plan;
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
        let reader = Reader::new(&options, cluster.clone())?;
        let carrier = kafka::Bridge::new(reader, jobs, ring_bytes, ground.metrics.clone());
        let bridge = Bridge::new(carrier, topic.clone(), watchdog, ground.metrics.clone());
        let bridge = Bridge::start_in_arbiter(&Arbiter::new().handle(), move |_| bridge);
        let lobby = lobby(Some(mouth(&options, ground.run.clone())?));
        let ears = Ears::new(SignalsReader::new(&options)?, ground.run.clone(), lobby.clone());
        Ears::start_in_arbiter(&ground.thread, move |_| ears);
        let saver = saves.map(|bounds| {
            let storing = Storing::new(saver::Saver::new(bounds), ground.database);
            let letters = Arc::new(DeadLetters::new(&options));
            let saver = Saver::new(options.clone(), cluster, storing, letters);
            Saver::start_in_arbiter(&Arbiter::new().handle(), move |_| saver)
        });
        ground.thread.spawn(topics::prepare(options));
        let log = KafkaLog::new(ground.store, producer, topic, tell, ground.run);
        Ok((Self { log: Arc::new(log), movers: Movers::Kafka { bridge, saver } }, lobby))
    }

    /// Why records cannot be appended or stored, if they cannot.
    pub(super) async fn complaints(&self) -> Vec<&'static str> {
        let mut complaints: Vec<_> = self.log.complaint().await.into_iter().collect();
        let stores = match &self.movers {
            Movers::Embedded { writer } => {
                writer.send(Observe::<WriterState>::default()).await.is_ok_and(|writer| !writer.failing)
            }
            Movers::Kafka { saver: Some(saver), .. } => {
                saver.send(Observe::<SaverState>::default()).await.is_ok_and(|saver| !saver.failing)
            }
            Movers::Kafka { saver: None, .. } => true,
        };
        if !stores {
            complaints.push("records cannot be stored");
        }
        complaints
    }

    /// What the actors show of themselves; nothing where one does not answer.
    pub(super) async fn observe(&self) -> Option<LogView> {
        Some(match &self.movers {
            Movers::Embedded { writer } => {
                LogView::Embedded { writer: writer.send(Observe::default()).await.ok()? }
            }
            Movers::Kafka { bridge, saver } => LogView::Kafka {
                bridge: bridge.send(Observe::default()).await.ok()?,
                saver: match saver {
                    Some(saver) => Some(saver.send(Observe::default()).await.ok()?),
                    None => None,
                },
            },
        })
    }

    /// Stops what has something in hand: the saver stores it and leaves its partitions to the others.
    pub(super) async fn stop(&self) {
        let Movers::Kafka { saver: Some(saver), .. } = &self.movers else { return };
        if let Err(error) = saver.send(StopSaving).await {
            log::warn!("stopping the saver: {error}");
        }
    }
}

/// How a node tells the others what happened to its rooms.
fn mouth(options: &KafkaOptions, run: String) -> Result<Tell, BrokerError> {
    let signals = Signals::new(options)?;
    Ok(Box::new(move |change, room| {
        signals.publish(&signal::encode(&Signal { run: run.clone(), change, room: room.clone() }));
    }))
}
