//! The bridge actor: carries what the log's brokers have to the rooms of this node, whichever node wrote it.
//! It awaits nobody but the broker; which entries go to which room is decided by the log's dispatch.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, MessageResult, WrapFuture};
use serde::Serialize;
use tokio::{select, time};

use super::Observe;
use crate::{
    log::kafka::bridge::{Bridge as Carrier, Lag},
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

/// The bridge's own loop: the carrier, and a look at it now and then.
struct Work {
    carrier: Carrier,
    watchdog: Duration,
    metrics: Metrics,
    shown: Arc<Mutex<BridgeState>>,
}

impl Bridge {
    /// A bridge that looks at itself this often.
    pub(super) fn new(carrier: Carrier, watchdog: Duration, metrics: Metrics) -> Self {
        let shown = Arc::<Mutex<BridgeState>>::default();
        Self { work: Some(Work { carrier, watchdog, metrics, shown: Arc::clone(&shown) }), shown }
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
        loop {
            let look = select! {
                biased;
                more = self.carrier.step() => {
                    if !more {
                        return;
                    }
                    false
                }
                _ = looks.tick() => true,
            };
            let lags = if look { Some(self.carrier.look().await) } else { None };
            self.show(lags);
        }
    }

    fn show(&self, lags: Option<Vec<Lag>>) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        (shown.partitions, shown.rooms) = self.carrier.size();
        self.metrics.partitions_read.set(i64::try_from(shown.partitions).unwrap_or(i64::MAX));
        if let Some(lags) = lags {
            shown.lag = lags.iter().map(|lag| lag.entries).sum();
            self.metrics.bridge_lag.set(i64::try_from(shown.lag).unwrap_or(i64::MAX));
        }
    }
}
