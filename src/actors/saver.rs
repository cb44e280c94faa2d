//! The saver actor: stores what the log's brokers have, for the partitions that the group gives to this node.
//! It decides nothing; while the database or the brokers fail it tries again with pauses, and chat goes on.

#[cfg(test)]
mod tests;
mod work;

use std::sync::{Arc, Mutex, PoisonError};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, WrapFuture};
use serde::Serialize;
use tokio::sync::watch;

use self::work::Work;
use super::Observe;
use crate::log::kafka::{
    KafkaOptions,
    cluster::Cluster,
    saver::{DeadLetterSink, Storing},
};

/// What the saver shows of itself.
#[derive(Debug, Clone, Default, Serialize)]
pub struct SaverState {
    /// Whether something did not take the last batch, or no group could be joined.
    pub failing: bool,
    /// Partitions that this node stores.
    pub partitions: usize,
    /// Records stored so far.
    pub stored: u64,
    /// Entries put aside so far.
    pub dead_letters: u64,
}

/// The saver of one node.
pub(super) struct Saver {
    work: Option<Work>,
    shown: Arc<Mutex<SaverState>>,
    stop: watch::Sender<bool>,
    /// Closed when the work has ended.
    working: watch::Receiver<()>,
}

/// Asks the saver to store what it has in hand, and to leave the group.
pub(super) struct StopSaving;

impl Message for StopSaving {
    type Result = ();
}

impl Saver {
    /// A saver that joins the group as soon as it is started.
    pub(super) fn new(
        options: KafkaOptions,
        cluster: Cluster,
        storing: Storing,
        dead_letters: Arc<dyn DeadLetterSink>,
    ) -> Self {
        let shown = Arc::<Mutex<SaverState>>::default();
        let ((stop, stopped), (ends, working)) = (watch::channel(false), watch::channel(()));
        let work = Work::new(options, cluster, storing, dead_letters, Arc::clone(&shown), (stopped, ends));
        Self { work: Some(work), shown, stop, working }
    }
}

impl Actor for Saver {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            ctx.spawn(work.serve().into_actor(self));
        }
    }
}

impl Handler<Observe<SaverState>> for Saver {
    type Result = MessageResult<Observe<SaverState>>;

    fn handle(&mut self, _: Observe<SaverState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Handler<StopSaving> for Saver {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopSaving, _: &mut Self::Context) -> Self::Result {
        self.stop.send_replace(true);
        let mut working = self.working.clone();
        // It never changes, so this waits until the other side is gone.
        Box::pin(async move { drop(working.changed().await) })
    }
}
