//! The saver actor: stores what the log's brokers have, for the partitions that the group gives to this node.
//! It decides nothing; while the database or the brokers fail it tries again with pauses, and chat goes on.

#[cfg(test)]
mod tests;

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult, ResponseFuture, WrapFuture};
use serde::Serialize;
use tokio::{select, sync::watch, task, time};

use super::Observe;
use crate::{
    log::kafka::{
        BrokerError, KafkaOptions, Offset, Partition,
        cluster::Cluster,
        group::Group,
        saver::{DeadLetter, DeadLetterSink, Done, Event, Storing},
    },
    storage::Batch,
    telemetry::{Metrics, Stopwatch},
};

/// Time between two looks whether entries wait that do not come.
const LOOKS: Duration = Duration::from_secs(5);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Entries in hand, in bytes, beyond which no more are read.
const MOST_IN_HAND: u64 = 16 * 1024 * 1024;

/// How long leaving the group may take; those who stay miss this node soon after in any case.
const PARTING: Duration = Duration::from_secs(3);

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

/// The saver's own loop: the group on one side, the database on the other.
struct Work {
    options: KafkaOptions,
    cluster: Cluster,
    storing: Option<Storing>,
    dead_letters: Arc<dyn DeadLetterSink>,
    /// Why the group must be left, once it must.
    expelled: Option<BrokerError>,
    pause: Duration,
    metrics: Metrics,
    shown: Arc<Mutex<SaverState>>,
    stop: watch::Receiver<bool>,
    _working: watch::Sender<()>,
}

impl Saver {
    /// A saver that joins the group as soon as it is started.
    pub(super) fn new(
        options: KafkaOptions,
        cluster: Cluster,
        storing: Storing,
        dead_letters: Arc<dyn DeadLetterSink>,
    ) -> Self {
        let (shown, metrics) = (Arc::<Mutex<SaverState>>::default(), options.metrics.clone());
        let ((stop, stopped), (ends, working)) = (watch::channel(false), watch::channel(()));
        let work = Work {
            options,
            cluster,
            storing: Some(storing),
            dead_letters,
            expelled: None,
            pause: FIRST_PAUSE,
            metrics,
            shown: Arc::clone(&shown),
            stop: stopped,
            _working: ends,
        };
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

impl Work {
    async fn serve(mut self) {
        while !*self.stop.borrow() {
            let joining = Group::join(&self.options, self.cluster.clone(), MOST_IN_HAND);
            let mut stop = self.stop.clone();
            let joined = select! {
                joined = joining => joined,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            match joined {
                Ok(mut group) => {
                    self.show(|shown| shown.failing = false);
                    if let Err(error) = self.save(&mut group).await {
                        log::warn!("the savers' group is left and joined anew: {error}");
                    }
                    drop(time::timeout(PARTING, group.leave()).await);
                    self.storing().left();
                }
                Err(error) => log::warn!("the savers' group cannot be joined: {error}"),
            }
            self.show(|shown| shown.failing = true);
            select! {
                () = time::sleep(self.next_pause()) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Stores what the group gives until it must be left or is told to stop.
    async fn save(&mut self, group: &mut Group) -> Result<(), BrokerError> {
        let mut stop = self.stop.clone();
        let mut looks = time::interval(LOOKS);
        looks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        let mut awaited = Vec::new();
        loop {
            if let Some(error) = self.expelled.take() {
                return Err(error);
            }
            let done = self.work(group).await;
            if !matches!(done, Done::Failed | Done::Bury(_)) {
                self.pause = FIRST_PAUSE;
                self.show(|shown| shown.failing = false);
            }
            if matches!(done, Done::Idle) {
                select! {
                    biased;
                    _ = stop.wait_for(|stop| *stop) => return Ok(()),
                    _ = looks.tick() => awaited = self.look(awaited).await,
                    event = group.next() => self.storing().take(event?),
                }
            } else if !self.answer(group, done).await {
                // What is in hand is read again by whoever has the partition next.
                if *stop.borrow() {
                    return Ok(());
                }
                self.wait(group).await;
            }
        }
    }

    /// Has partitions read anew that have entries which do not come: those that awaited the same at the last
    /// look. Gives what is awaited now.
    async fn look(&mut self, before: Vec<(Partition, Offset)>) -> Vec<(Partition, Offset)> {
        let awaited = self.storing().awaits();
        for (partition, next) in awaited.iter().filter(|awaits| before.contains(awaits)) {
            let Ok(bounds) = self.cluster.bounds(*partition).await else { break };
            if bounds.end > (*next).max(bounds.start) {
                log::warn!("partition {partition} gives nothing from {next} on, its saver reads it anew");
                self.storing().take(Event::Assigned(vec![*partition]));
            }
        }
        awaited
    }

    /// Does what concerns the group; says whether all is well.
    async fn answer(&mut self, group: &mut Group, done: Done) -> bool {
        match done {
            Done::Idle => {}
            Done::Seek(seeks) => group.seek(seeks),
            Done::Bury(letters) => return self.bury(group, letters).await,
            Done::Stored { batch, places } => {
                group.stored(places);
                self.stored(&batch);
            }
            Done::Fenced => self.metrics.saver.fenced.inc(),
            Done::Failed => return false,
        }
        true
    }

    async fn bury(&mut self, group: &mut Group, letters: Arc<[DeadLetter]>) -> bool {
        for DeadLetter { entry, error } in letters.iter() {
            log::warn!("entry {} of partition {} is put aside: {error}", entry.offset, entry.partition);
        }
        let (sink, count) = (Arc::clone(&self.dead_letters), letters.len() as u64);
        match self.meanwhile(group, async move { sink.write(letters).await }).await {
            Ok(()) => {
                self.storing().buried();
                self.show(|shown| shown.dead_letters += count);
            }
            Err(error) => {
                log::warn!("dead letters cannot be written: {error}");
                return false;
            }
        }
        true
    }

    fn stored(&mut self, batch: &Batch) {
        let records = batch.records.len() as u64;
        self.metrics.saver.records.inc_by(records);
        self.metrics.saver.batch_records.observe(records as f64);
        self.show(|shown| shown.stored += records);
    }

    async fn wait(&mut self, group: &mut Group) {
        self.show(|shown| shown.failing = true);
        let pause = self.next_pause();
        let mut stop = self.stop.clone();
        let over = async move {
            select! {
                () = time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        };
        self.meanwhile(group, over).await;
    }

    fn next_pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        pause
    }

    /// Has the storing side go on, on a thread that may block.
    async fn work(&mut self, group: &mut Group) -> Done {
        let mut storing = self.storing.take().expect("it is put back whenever it was taken");
        let since = Stopwatch::start();
        let working = task::spawn_blocking(move || {
            let done = storing.work();
            (storing, done)
        });
        let mut events = Vec::new();
        let done = match attend(group, &mut events, &mut self.expelled, working).await {
            Ok((storing, done)) => {
                self.storing = Some(storing);
                done
            }
            // Without its state the saver could break promises, so the node stops and starts anew.
            Err(failure) => {
                log::error!("the saver failed: {failure}");
                std::process::abort()
            }
        };
        if matches!(done, Done::Stored { .. }) {
            self.metrics.saver.batch_seconds.observe(since.seconds());
        }
        self.take(group, events);
        done
    }

    /// Awaits something, and what the group says until then.
    async fn meanwhile<T>(&mut self, group: &mut Group, what: impl Future<Output = T>) -> T {
        let mut events = Vec::new();
        let done = attend(group, &mut events, &mut self.expelled, what).await;
        self.take(group, events);
        done
    }

    fn take(&mut self, group: &mut Group, events: Vec<Event>) {
        let storing = self.storing();
        events.into_iter().for_each(|event| storing.take(event));
        let (released, owned) = (storing.released(), storing.owned());
        group.released(released);
        self.show(|shown| shown.partitions = owned);
    }

    fn storing(&mut self) -> &mut Storing {
        self.storing.as_mut().expect("it is put back whenever it was taken")
    }

    fn show(&self, change: impl FnOnce(&mut SaverState)) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut shown);
        self.metrics.saver.partitions.set(i64::try_from(shown.partitions).unwrap_or(i64::MAX));
        self.metrics.saver.failing.set(i64::from(shown.failing));
    }
}

/// Awaits something, and meanwhile serves the group, which must not wait for anything.
async fn attend<T>(
    group: &mut Group,
    events: &mut Vec<Event>,
    expelled: &mut Option<BrokerError>,
    what: impl Future<Output = T>,
) -> T {
    tokio::pin!(what);
    loop {
        select! {
            biased;
            done = &mut what => return done,
            event = group.next(), if expelled.is_none() => match event {
                Ok(event) => events.push(event),
                Err(error) => *expelled = Some(error),
            },
        }
    }
}
