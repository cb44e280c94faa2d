//! The DB-writer: moves what waits for the embedded log into one transaction at a time (group commit).
//! It never waits for more to come, and while the database fails it refuses at once and tries again with pauses.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, MessageResult, WrapFuture};
use serde::Serialize;
use tokio::{sync::mpsc, task, time};

use super::{Clock, Observe};
use crate::{
    log::{
        LogError,
        embedded::{Committer, Health, Job},
    },
    telemetry::{Metrics, Stopwatch},
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// What the writer shows of itself.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WriterState {
    /// Whether the database took the last batch.
    pub failing: bool,
    /// Batches so far.
    pub batches: u64,
    /// Jobs of the last batch.
    pub last_batch: usize,
}

/// The writer of one node.
pub(super) struct Writer {
    work: Option<Work>,
    shown: Arc<Mutex<WriterState>>,
}

/// The writer's own loop: the queue on one side, the committer on the other.
struct Work {
    queue: mpsc::Receiver<Job>,
    committer: Option<Committer>,
    clock: Clock,
    metrics: Metrics,
    most: usize,
    shown: Arc<Mutex<WriterState>>,
}

impl Writer {
    /// A writer that commits at most `most` jobs of the queue at once.
    pub(super) fn new(
        queue: mpsc::Receiver<Job>,
        committer: Committer,
        clock: Clock,
        metrics: Metrics,
        most: usize,
    ) -> Self {
        let shown = Arc::<Mutex<WriterState>>::default();
        let committer = Some(committer);
        let work = Work { queue, committer, clock, metrics, most: most.max(1), shown: Arc::clone(&shown) };
        Self { work: Some(work), shown }
    }
}

impl Actor for Writer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some(work) = self.work.take() {
            ctx.spawn(work.serve().into_actor(self));
        }
    }
}

impl Handler<Observe<WriterState>> for Writer {
    type Result = MessageResult<Observe<WriterState>>;

    fn handle(&mut self, _: Observe<WriterState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Work {
    async fn serve(mut self) {
        let mut jobs = Vec::new();
        while self.queue.recv_many(&mut jobs, self.most).await > 0 {
            let batch = std::mem::take(&mut jobs);
            let size = batch.len();
            let now = self.clock.now();
            let since = Stopwatch::start();
            let health = self.blocking(move |committer| committer.commit(batch, now)).await;
            self.metrics.writer_batch_records.observe(size as f64);
            self.metrics.writer_batch_seconds.observe(since.seconds());
            self.show(health, size);
            if health == Health::Failing {
                self.wait_for_database().await;
            }
        }
    }

    /// Refuses what comes until the database can be read again.
    async fn wait_for_database(&mut self) {
        let mut pause = FIRST_PAUSE;
        loop {
            self.refuse_for(pause).await;
            if self.blocking(Committer::recover).await == Health::Well {
                log::info!("the database is back");
                return self.show(Health::Well, 0);
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn refuse_for(&mut self, pause: Duration) {
        let over = time::sleep(pause);
        tokio::pin!(over);
        let mut jobs = Vec::new();
        loop {
            tokio::select! {
                () = &mut over => return,
                taken = self.queue.recv_many(&mut jobs, self.most) => {
                    if taken == 0 {
                        return;
                    }
                    if let Some(committer) = self.committer.as_mut() {
                        committer.refuse(std::mem::take(&mut jobs), LogError::StorageUnavailable);
                    }
                }
            }
        }
    }

    async fn blocking(&mut self, work: impl FnOnce(&mut Committer) -> Health + Send + 'static) -> Health {
        let mut committer = self.committer.take().expect("it is put back whenever it was taken");
        let done = task::spawn_blocking(move || {
            let health = work(&mut committer);
            (committer, health)
        });
        match done.await {
            Ok((committer, health)) => {
                self.committer = Some(committer);
                health
            }
            // Without its state the writer could break promises, so the node stops and starts anew.
            Err(failure) => {
                log::error!("the writer failed: {failure}");
                std::process::abort()
            }
        }
    }

    fn show(&self, health: Health, last_batch: usize) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.failing = health == Health::Failing;
        shown.batches += 1;
        shown.last_batch = last_batch;
    }
}
