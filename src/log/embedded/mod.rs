//! The embedded log: the DB-writer's group commit into the database is the log.
//! The queue is here and the commit in `committer`; the writer actor moves jobs from one to the other.

mod committer;

use std::{future, pin::Pin};

use tokio::sync::{mpsc, oneshot};

pub use committer::{Committer, Health};

use super::{Answer, LogError, Page, Partition, RoomLog, Sink, Token};
use crate::{
    domain::{Proposal, Record, RoomId, RoomInfo, RoomState},
    storage::{self, Store, fold::Folded},
};

/// What is queued for the writer.
pub enum Job {
    /// Append a proposal to an opened room.
    Append {
        /// The room.
        room: RoomId,
        /// Comes back with the answer.
        token: Token,
        /// What to append.
        proposal: Proposal,
    },
    /// Deliver to this sink from now on; the state is that of all records stored so far.
    Open {
        /// The room.
        room: RoomId,
        /// Its fold, as the database has it.
        folded: Box<Folded>,
        /// Where its deliveries go.
        sink: Sink,
    },
    /// Deliver no more.
    Close {
        /// The room.
        room: RoomId,
    },
    /// Say when everything before has met its fate.
    Barrier(oneshot::Sender<()>),
}

/// The rooms' side of the embedded log.
pub struct EmbeddedLog {
    jobs: mpsc::Sender<Job>,
    store: Store,
}

impl EmbeddedLog {
    /// A log over a store, and the queue that a writer must serve. At most `queue_records` jobs wait in it.
    pub fn new(store: Store, queue_records: usize) -> (Self, mpsc::Receiver<Job>) {
        let (jobs, queue) = mpsc::channel(queue_records.max(1));
        (Self { jobs, store }, queue)
    }

    async fn enqueue(&self, job: Job) -> Result<(), LogError> {
        self.jobs.send(job).await.map_err(|_| LogError::Unavailable)
    }

    async fn barrier(&self) -> Result<(), LogError> {
        let (done, passed) = oneshot::channel();
        self.enqueue(Job::Barrier(done)).await?;
        passed.await.map_err(|_| LogError::Unavailable)
    }
}

impl RoomLog for EmbeddedLog {
    fn open<'a>(&'a self, room: &'a RoomId, sink: Sink) -> Answer<'a, RoomState> {
        Box::pin(async move {
            // A former opening may still have appends under way; only this node writes, so after them
            // the stored records stand still until the room that is being opened appends.
            self.enqueue(Job::Close { room: room.clone() }).await?;
            self.barrier().await?;
            let id = room.clone();
            let folded = self.store.read(move |conn| storage::fold::load(conn, &id)).await?;
            let state = folded.state.clone();
            self.enqueue(Job::Open { room: room.clone(), folded: Box::new(folded), sink }).await?;
            Ok(state)
        })
    }

    fn append(&self, room: &RoomId, token: Token, proposal: Proposal) -> Result<(), LogError> {
        let job = Job::Append { room: room.clone(), token, proposal };
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => LogError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => LogError::Unavailable,
        })
    }

    fn close(&self, room: &RoomId) {
        let (jobs, job) = (self.jobs.clone(), Job::Close { room: room.clone() });
        if let Err(mpsc::error::TrySendError::Full(job)) = jobs.try_send(job) {
            // Nothing waits for it, and an opened room that is forgotten late costs only memory.
            tokio::spawn(async move { jobs.send(job).await });
        }
    }

    fn read<'a>(&'a self, room: &'a RoomId, page: Page, limit: u32) -> Answer<'a, Vec<Record>> {
        let room = room.clone();
        Box::pin(async move {
            let records = self.store.read(move |conn| match page {
                Page::After(seq) => storage::records::after(conn, &room, seq, limit),
                Page::Before(seq) => storage::records::before(conn, &room, seq, limit),
            });
            Ok(records.await?)
        })
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn settle<'a>(&'a self, _: &'a RoomId) -> Answer<'a, ()> {
        Box::pin(self.barrier())
    }

    fn stand(&self, room: RoomInfo) -> Answer<'_, RoomInfo> {
        Box::pin(future::ready(Ok(room)))
    }

    fn stored(&self) -> Answer<'_, ()> {
        Box::pin(future::ready(Ok(())))
    }

    fn place(&self) -> Answer<'_, Option<Partition>> {
        Box::pin(future::ready(Ok(None)))
    }

    fn flush(&self) -> Answer<'_, ()> {
        Box::pin(self.barrier())
    }

    fn complaint(&self) -> Pin<Box<dyn Future<Output = Option<&'static str>> + Send + '_>> {
        Box::pin(future::ready(None))
    }
}

impl From<storage::StorageError> for LogError {
    fn from(error: storage::StorageError) -> Self {
        log::warn!("database: {error}");
        Self::StorageUnavailable
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{Arc, atomic::AtomicU32, atomic::Ordering, mpsc as blocking},
        thread,
    };

    use super::*;
    use crate::{
        domain::Timestamp,
        log::contract::{self, Subject},
        storage::{
            Database, rooms,
            testbed::{new_room, on_every_database, on_sqlite},
        },
    };

    /// An embedded log with a room in it, and a writer without pauses.
    async fn subject(database: &Database) -> Subject {
        static ROOMS: AtomicU32 = AtomicU32::new(0);
        let new = new_room(&format!("room {}", ROOMS.fetch_add(1, Ordering::Relaxed)));
        let room = new.id.clone();
        let store = Store::new(database.clone(), 2);
        store.write(move |conn| rooms::create(conn, &new)).await.unwrap();
        let (log, mut queue) = EmbeddedLog::new(store, 1000);
        let mut committer = Committer::new(database.clone(), 20);
        tokio::task::spawn_blocking(move || {
            let mut jobs = Vec::new();
            while queue.blocking_recv_many(&mut jobs, 64) > 0 {
                committer.commit(std::mem::take(&mut jobs), Timestamp::default());
            }
        });
        Subject { log: Arc::new(log), room }
    }

    fn wait_for(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
    }

    #[test]
    fn it_keeps_the_contract_of_logs() {
        on_every_database(|database| wait_for(contract::holds(|| subject(database))));
    }

    #[test]
    fn d1_a_locked_database_refuses_appends_and_takes_them_again_when_it_is_free() {
        on_sqlite(|database| {
            wait_for(async {
                let subject = subject(database).await;
                let (locked, is_locked) = blocking::channel();
                let (free, may_free) = blocking::channel::<()>();
                let database = database.clone();
                let lock = || {
                    thread::spawn(move || {
                        database.write(|_| {
                            locked.send(()).unwrap();
                            may_free.recv().unwrap();
                            Ok(())
                        })
                    });
                    is_locked.recv().unwrap();
                };
                let unlock = || free.send(()).unwrap();
                contract::refuses(&subject, lock, LogError::StorageUnavailable, unlock).await;
            });
        });
    }
}
