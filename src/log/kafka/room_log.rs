//! The rooms' side of the Kafka log: opening, appending and reading, with the bridge and the database behind it.
//! What goes to which room is decided in `dispatch`; how brokers are spoken to in the adapters.

use std::{
    collections::HashMap,
    future::{self, Future},
    pin::Pin,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    task::spawn_blocking,
    time::{sleep, timeout},
};

use super::{
    Entry, Offset,
    bridge::Job,
    cluster::Bounds,
    dispatch::{Attach, AttachError, Purpose, Told},
    producer::Producer,
    topic::Topic,
};
use crate::{
    domain::{Outcome, Position, Proposal, Record, RoomId, RoomInfo, RoomState, Seq},
    log::{Answer, LogError, Page, Partition, RoomLog, Sink, Token},
    storage::{self, Store, fold::Placed},
    wire::log_record::{self, Origin},
};

/// How long a room may take to be brought up to date, and a barrier to pass.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a room's state may turn out to be older than what is in memory before it is given up.
const TRIES: usize = 5;

/// How long the answer to a reader may wait for the savers.
const MOMENT: Duration = Duration::from_millis(300);

/// Pauses while waiting for the savers, in milliseconds.
const STORED_PAUSES: [u64; 7] = [2, 4, 8, 16, 32, 64, 128];

/// The rooms' side of the Kafka log.
pub struct KafkaLog {
    store: Store,
    producer: Producer,
    topic: Topic,
    jobs: mpsc::UnboundedSender<Job>,
    routes: RwLock<HashMap<RoomId, Route>>,
    run: String,
    openings: AtomicU64,
}

/// Where the records of an opened room go, and the name of its opening.
#[derive(Debug, Clone)]
struct Route {
    partition: Partition,
    run: Box<str>,
}

impl KafkaLog {
    /// A log of this run of a node: `run` is a name that no other run has.
    pub fn new(
        store: Store,
        producer: Producer,
        topic: Topic,
        jobs: mpsc::UnboundedSender<Job>,
        run: String,
    ) -> Self {
        let routes = RwLock::default();
        Self { store, producer, topic, jobs, routes, run, openings: AtomicU64::new(0) }
    }

    fn route(&self, room: &RoomId) -> Option<Route> {
        self.routes.read().unwrap_or_else(PoisonError::into_inner).get(room).cloned()
    }

    fn tell(&self, job: Job) -> Result<(), LogError> {
        self.jobs.send(job).map_err(|_| LogError::Unavailable)
    }

    /// Opens a room that has no appends under way.
    async fn open_quiet(&self, room: &RoomId, sink: Sink) -> Result<RoomState, LogError> {
        let placed = self.placed(room).await?;
        let opening = self.openings.fetch_add(1, Ordering::Relaxed);
        let run: Box<str> = format!("{}.{opening}", self.run).into();
        let partition = placed.0;
        let purpose = |opened| Purpose::Open { run: run.clone(), sink: Arc::clone(&sink), opened };
        let (_, state) = self.bring_up_to_date(room, placed, purpose).await?;
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.insert(room.clone(), Route { partition, run });
        Ok(state)
    }

    /// A room as it is stored, with its partition; one that never had a partition is given one.
    async fn placed(&self, room: &RoomId) -> Result<(Partition, Placed), LogError> {
        let id = room.clone();
        let placed = self.store.read(move |conn| storage::fold::load_placed(conn, &id)).await?;
        let placed = placed.ok_or(LogError::Unavailable)?;
        if let Some(partition) = placed.partition {
            return Ok((partition, placed));
        }
        let (id, partition) = (room.clone(), self.topic.choose_partition().await?);
        let partition = self.store.write(move |conn| storage::rooms::place(conn, &id, partition)).await?;
        let id = room.clone();
        let placed = self.store.read(move |conn| storage::fold::load_placed(conn, &id)).await?;
        Ok((partition, placed.ok_or(LogError::Unavailable)?))
    }

    /// Folds what the log has beyond a stored state. Gives what was read apart from the bridge on the way, and
    /// what the bridge gave.
    async fn bring_up_to_date<T: Send + 'static>(
        &self,
        room: &RoomId,
        (partition, placed): (Partition, Placed),
        purpose: impl Fn(Told<T>) -> Purpose,
    ) -> Result<(Vec<Record>, T), LogError> {
        let bounds = self.topic.bounds(partition).await?;
        let mut from = begin(partition, placed.next_offset, bounds)?;
        let mut state = placed.folded.state;
        let mut records = Vec::new();
        for _ in 0..TRIES {
            let (told, answer) = oneshot::channel();
            let told: Told<T> = Box::new(move |result| told.send(result).is_ok());
            let (room, until, purpose) = (room.clone(), bounds.end, purpose(told));
            self.tell(Job::Attach(Box::new(Attach {
                room: room.clone(),
                partition,
                from,
                until,
                state: state.clone(),
                purpose,
            })))?;
            match timeout(PATIENCE, answer).await {
                Ok(Ok(Ok(value))) => return Ok((records, value)),
                Ok(Ok(Err(AttachError::TooOld(until)))) => {
                    let entries = self.topic.tail(partition, (from, until), &room).await?;
                    fold(&entries, &mut state, &mut records);
                    from = until;
                }
                Ok(Ok(Err(AttachError::Lost)) | Err(_)) | Err(_) => return Err(LogError::Unavailable),
            }
        }
        Err(LogError::Overloaded)
    }

    /// Waits a moment until the savers have stored everything below these offsets. `false` if they have not.
    async fn is_stored(&self, ends: &[(Partition, Offset)]) -> Result<bool, LogError> {
        for pause in STORED_PAUSES {
            let stored = self.store.read(storage::partitions::all).await?;
            let is_behind = |(partition, end): &(Partition, Offset)| {
                !stored.iter().any(|(number, next)| number == partition && next >= end) && *end > 0
            };
            if !ends.iter().any(is_behind) {
                return Ok(true);
            }
            sleep(Duration::from_millis(pause)).await;
        }
        Ok(false)
    }

    /// Whether everything of a room that is durable by now is in its rows, which may take a moment.
    async fn has_all_rows(&self, room: &RoomId) -> Result<bool, LogError> {
        let partition = match self.route(room) {
            Some(Route { partition, .. }) => Some(partition),
            None => {
                let id = room.clone();
                self.store.read(move |conn| storage::rooms::partition_of(conn, &id)).await?
            }
        };
        match partition {
            Some(partition) => {
                let end = self.topic.bounds(partition).await?.end;
                self.is_stored(&[(partition, end)]).await
            }
            // It never was in the log.
            None => Ok(true),
        }
    }

    /// A room's state as of now, and its records that are not in its rows.
    async fn beyond_the_rows(&self, room: &RoomId) -> Result<(Seq, RoomState, Vec<Record>), LogError> {
        let placed = self.placed(room).await?;
        let stored = placed.1.folded.state.head();
        let read = |done| Purpose::Read { done };
        let (mut records, (state, more)) = self.bring_up_to_date(room, placed, read).await?;
        records.extend(more);
        Ok((stored, state, records))
    }

    async fn rows(&self, room: &RoomId, page: Page, limit: u32) -> Result<Vec<Record>, LogError> {
        let room = room.clone();
        let rows = self.store.read(move |conn| match page {
            Page::After(seq) => storage::records::after(conn, &room, seq, limit),
            Page::Before(seq) => storage::records::before(conn, &room, seq, limit),
        });
        Ok(rows.await?)
    }

    /// A page that the rows may not have whole: once the savers have caught up it is in the rows, and where
    /// they do not, what they lack is folded from the log.
    async fn read_to_the_end(&self, room: &RoomId, page: Page, limit: u32) -> Result<Vec<Record>, LogError> {
        if self.has_all_rows(room).await? {
            return self.rows(room, page, limit).await;
        }
        let (stored, _, late) = self.beyond_the_rows(room).await?;
        let stored_page = match page {
            Page::After(_) => page,
            Page::Before(seq) => Page::Before(seq.min(stored.saturating_add(1))),
        };
        let rows = self.rows(room, stored_page, limit).await?;
        Ok(cut(rows.into_iter().filter(|record| record.seq <= stored).chain(late), page, limit))
    }
}

/// A page out of ascending records.
fn cut(records: impl Iterator<Item = Record>, page: Page, limit: u32) -> Vec<Record> {
    let limit = limit as usize;
    match page {
        Page::After(seq) => records.filter(|record| record.seq > seq).take(limit).collect(),
        Page::Before(seq) => {
            let mut page: Vec<Record> = records.filter(|record| record.seq < seq).collect();
            page.split_off(page.len().saturating_sub(limit))
        }
    }
}

/// Whether the rows alone make the page whole, whatever the log has.
fn is_whole(rows: &[Record], page: Page, limit: u32) -> bool {
    match page {
        Page::After(_) => rows.len() == limit as usize,
        Page::Before(seq) => rows.last().is_some_and(|last| Seq::saturating_add(last.seq, 1) == seq),
    }
}

/// Where to read on after what is stored. A log that does not reach so far was lost or replaced; one that begins
/// later has lost what nobody stored. Either way nobody can say what the room is.
fn begin(partition: Partition, stored: Option<Offset>, bounds: Bounds) -> Result<Offset, LogError> {
    let from = stored.unwrap_or(bounds.start);
    if (bounds.start..=bounds.end).contains(&from) {
        return Ok(from);
    }
    log::error!(
        "partition {partition} has offsets {} to {}, but {from} comes next after what is stored: \
         part of the log is lost, and its rooms stay closed",
        bounds.start,
        bounds.end
    );
    Err(LogError::Unavailable)
}

fn fold(entries: &[Entry], state: &mut RoomState, records: &mut Vec<Record>) {
    for entry in entries {
        let Ok(record) = log_record::decode(&entry.value) else { continue };
        if let Outcome::Recorded(record) = state.apply(record.proposal, entry.appended_at) {
            records.push(record);
        }
    }
}

impl RoomLog for KafkaLog {
    fn open<'a>(&'a self, room: &'a RoomId, sink: Sink) -> Answer<'a, RoomState> {
        Box::pin(async move {
            if self.route(room).is_some() {
                // A former opening may have appends under way, which the new state must have.
                self.flush().await?;
            }
            self.open_quiet(room, sink).await
        })
    }

    fn append(&self, room: &RoomId, token: Token, proposal: Proposal) -> Result<(), LogError> {
        let Route { partition, run } = self.route(room).ok_or(LogError::Unavailable)?;
        let origin = Origin { run, append: token };
        let value = log_record::encode(&proposal, Some(&origin));
        self.producer.append(partition, room, &value, proposal.kind.name(), origin)
    }

    fn close(&self, room: &RoomId) {
        let route = self.routes.write().unwrap_or_else(PoisonError::into_inner).remove(room);
        if let Some(Route { partition, run }) = route {
            // A bridge that has stopped has closed everything.
            let _ = self.tell(Job::Close { room: room.clone(), partition, run });
        }
    }

    fn read<'a>(&'a self, room: &'a RoomId, page: Page, limit: u32) -> Answer<'a, Vec<Record>> {
        Box::pin(async move {
            let rows = self.rows(room, page, limit).await?;
            if is_whole(&rows, page, limit) {
                return Ok(rows);
            }
            self.read_to_the_end(room, page, limit).await
        })
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn settle<'a>(&'a self, room: &'a RoomId) -> Answer<'a, ()> {
        Box::pin(async move {
            let Some(Route { partition, .. }) = self.route(room) else { return Ok(()) };
            let Bounds { end, .. } = self.topic.bounds(partition).await?;
            let (told, settled) = oneshot::channel();
            // Whoever asked may have gone.
            let settled_now = Box::new(move || {
                let _ = told.send(());
            });
            self.tell(Job::Settle { partition, until: end, settled: settled_now })?;
            match timeout(PATIENCE, settled).await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) | Err(_) => Err(LogError::Unavailable),
            }
        })
    }

    fn stand(&self, room: RoomInfo) -> Answer<'_, RoomInfo> {
        Box::pin(async move {
            if self.has_all_rows(&room.id).await? {
                let id = room.id.clone();
                let row = self.store.read(move |conn| storage::rooms::by_id(conn, &id)).await?;
                return Ok(row.unwrap_or(room));
            }
            let (_, state, _) = self.beyond_the_rows(&room.id).await?;
            let head = Position { epoch: room.head.epoch.clone(), seq: state.head() };
            let (members, closed) = (state.members().len() as u64, state.is_closed());
            Ok(RoomInfo { members, closed, head, ..room })
        })
    }

    fn stored(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            // Rows that lag are better than none.
            let _ = timeout(MOMENT, async { self.is_stored(&self.topic.ends().await?).await }).await;
            Ok(())
        })
    }

    fn place(&self) -> Answer<'_, Option<Partition>> {
        Box::pin(async move { self.topic.choose_partition().await.map(Some) })
    }

    fn flush(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            let producer = self.producer.clone();
            let flushed = spawn_blocking(move || producer.flush(PATIENCE)).await;
            if flushed.unwrap_or(false) { Ok(()) } else { Err(LogError::Unavailable) }
        })
    }

    fn complaint(&self) -> Pin<Box<dyn Future<Output = Option<&'static str>> + Send + '_>> {
        Box::pin(future::ready(self.topic.complaint()))
    }
}

#[cfg(test)]
mod tests;
