//! The bridge actor: carries what the log's brokers have to the rooms of this node, whichever node wrote it.
//! It awaits nobody but the broker; which entries go to which room is decided by the log's dispatch.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, MessageResult, WrapFuture};
use serde::Serialize;
use tokio::{select, time};

use super::Observe;
use crate::{
    log::{
        LogError, Partition,
        kafka::{Bridge as Carrier, Offset, Topic},
    },
    telemetry::Metrics,
};

/// What the bridge shows of itself.
#[derive(Debug, Clone, Default, Serialize)]
pub struct BridgeState {
    /// Partitions that are read.
    pub partitions: usize,
    /// Rooms that are awake.
    pub rooms: usize,
    /// Entries that wait in those partitions, as of the last look.
    pub lag: u64,
}

/// The bridge of one node.
pub(super) struct Bridge {
    work: Option<Work>,
    shown: Arc<Mutex<BridgeState>>,
}

/// The bridge's own loop: the carrier on one side, a look at the topic now and then on the other.
struct Work {
    carrier: Carrier,
    topic: Topic,
    watchdog: Duration,
    metrics: Metrics,
    shown: Arc<Mutex<BridgeState>>,
}

/// What a look at the topic brings: the ends of partitions.
type Look = Pin<Box<dyn Future<Output = Result<Vec<(Partition, Offset)>, LogError>>>>;

impl Bridge {
    /// A bridge that looks at the topic this often.
    pub(super) fn new(carrier: Carrier, topic: Topic, watchdog: Duration, metrics: Metrics) -> Self {
        let shown = Arc::<Mutex<BridgeState>>::default();
        Self { work: Some(Work { carrier, topic, watchdog, metrics, shown: Arc::clone(&shown) }), shown }
    }
}

impl Actor for Bridge {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            ctx.spawn(work.serve().into_actor(self));
        }
    }
}

impl Handler<Observe<BridgeState>> for Bridge {
    type Result = MessageResult<Observe<BridgeState>>;

    fn handle(&mut self, _: Observe<BridgeState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Work {
    async fn serve(mut self) {
        let mut looks = time::interval(self.watchdog);
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut look: Option<Look> = None;
        loop {
            // A look may take as long as the brokers do; nobody waits for it.
            let ends = select! {
                biased;
                more = self.carrier.step() => {
                    if !more {
                        return;
                    }
                    None
                }
                ends = async { look.as_mut().expect("the branch is off without one").await }, if look.is_some() => {
                    look = None;
                    ends.ok()
                }
                _ = looks.tick(), if look.is_none() => {
                    let (topic, partitions) = (self.topic.clone(), self.carrier.partitions());
                    look = Some(Box::pin(async move { topic.ends_of(partitions).await }));
                    None
                }
            };
            self.show(ends);
        }
    }

    fn show(&mut self, ends: Option<Vec<(Partition, Offset)>>) {
        let lag = ends.map(|ends| self.carrier.compare(&ends));
        let (partitions, rooms) = self.carrier.size();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = BridgeState { partitions, rooms, lag: lag.unwrap_or(shown.lag) };
        self.metrics.kafka.partitions_read.set(i64::try_from(partitions).unwrap_or(i64::MAX));
    }
}
