//! The commit of the embedded log: fold what waits, store it in one transaction, then deliver it.
//! Blocking and single-threaded; when to commit and when to try again is decided by the writer actor.

use std::collections::HashMap;

use super::Job;
use crate::{
    domain::{RoomId, RoomState, Seq, Timestamp},
    log::{
        Committed, Delivery, LogError, Sink, Token,
        folds::{self, Folds},
    },
    storage::{self, Connection, Database, StorageError},
};

/// Whether the database took the last batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
    /// It did, or there was nothing to store.
    Well,
    /// It did not; rooms concerned wait to be read again.
    Failing,
}

/// The writer's side of the embedded log.
pub struct Committer {
    database: Database,
    connection: Option<Connection>,
    rooms: HashMap<RoomId, OpenRoom>,
    /// The folds of everything stored; an opened room is absent when a commit failed and the database must be
    /// read again.
    folds: Folds,
}

/// What the writer knows of an opened room.
struct OpenRoom {
    sink: Sink,
    /// The last record that the sink was given.
    delivered: Seq,
}

/// A batch between fold and commit.
#[derive(Default)]
struct Staged {
    folded: folds::Staged,
    /// What each append becomes if the commit succeeds; in order.
    appends: Vec<(RoomId, Token, Committed)>,
}

impl Committer {
    /// A committer that snapshots a room's state each time it grew by `snapshot_every` records.
    pub fn new(database: Database, snapshot_every: u64) -> Self {
        Self { database, connection: None, rooms: HashMap::new(), folds: Folds::new(snapshot_every) }
    }

    /// Commits everything in `jobs` as one transaction, and answers it. `now` is the log's clock.
    pub fn commit(&mut self, jobs: Vec<Job>, now: Timestamp) -> Health {
        let mut staged = Staged::default();
        let mut barriers = Vec::new();
        let mut closed = Vec::new();
        for job in jobs {
            match job {
                Job::Append { room, token, proposal } => {
                    let committed = Committed { token: Some(token), proposal, appended_at: now };
                    staged.appends.push((room, token, committed));
                }
                Job::Open { room, folded, sink } => {
                    let delivered = folded.state.head();
                    self.folds.insert(room.clone(), *folded, None);
                    self.rooms.insert(room, OpenRoom { sink, delivered });
                }
                Job::Close { room } => closed.push(room),
                Job::Barrier(done) => barriers.push(done),
            }
        }
        let health = self.store(staged);
        for room in closed {
            self.folds.forget(&room);
            self.rooms.remove(&room);
        }
        for done in barriers {
            // Whoever waited may have gone; then nobody needs to know.
            let _ = done.send(());
        }
        health
    }

    /// Refuses everything in `jobs` that needs the database, without asking it.
    pub fn refuse(&mut self, jobs: Vec<Job>, error: LogError) {
        let mut others = Vec::new();
        for job in jobs {
            match job {
                Job::Append { room, token, .. } => {
                    self.deliver(&room, vec![Delivery::Failed { token, error }]);
                }
                other => others.push(other),
            }
        }
        self.commit(others, Timestamp::default());
    }

    /// Reads again the rooms whose last commit failed, and delivers what was stored after all.
    pub fn recover(&mut self) -> Health {
        let stale: Vec<RoomId> =
            self.rooms.keys().filter(|room| self.folds.state(room).is_none()).cloned().collect();
        for room in stale {
            if let Err(error) = self.reload(&room) {
                return self.fail(&error);
            }
        }
        match self.connection() {
            Ok(_) => Health::Well,
            Err(error) => self.fail(&error),
        }
    }

    fn store(&mut self, mut staged: Staged) -> Health {
        if staged.appends.is_empty() {
            return Health::Well;
        }
        match self
            .fold(&mut staged)
            .and_then(|()| storage::batch::store(self.connection()?, &staged.folded.batch))
        {
            Ok(()) => {
                self.committed(staged);
                Health::Well
            }
            Err(error) => {
                self.failed(staged);
                self.fail(&error)
            }
        }
    }

    /// Numbers what was appended and stages its rows, new heads and snapshots that are due.
    fn fold(&mut self, staged: &mut Staged) -> Result<(), StorageError> {
        for (room, _, committed) in &staged.appends {
            if self.rooms.contains_key(room) && self.folds.state(room).is_none() {
                self.reload(room)?;
            }
            let proposal = (committed.proposal.clone(), committed.appended_at);
            self.folds.fold(&mut staged.folded, room, proposal, None);
        }
        self.folds.finish(&mut staged.folded);
        Ok(())
    }

    fn committed(&mut self, staged: Staged) {
        self.folds.stored(&staged.folded.batch);
        let mut deliveries: HashMap<RoomId, Vec<Delivery>> = HashMap::new();
        for (room, _, committed) in staged.appends {
            deliveries.entry(room).or_default().push(Delivery::Committed(committed));
        }
        for (room, deliveries) in deliveries {
            if let Some(open) = self.rooms.get_mut(&room) {
                open.delivered = self.folds.state(&room).map_or(open.delivered, RoomState::head);
            }
            self.deliver(&room, deliveries);
        }
    }

    fn failed(&mut self, staged: Staged) {
        self.folds.discard(&staged.folded);
        for (room, token, _) in staged.appends {
            self.deliver(&room, vec![Delivery::Failed { token, error: LogError::StorageUnavailable }]);
        }
    }

    /// Reads a room's fold again. Records that it has beyond what was delivered come from a commit that was
    /// reported as failed and was not: they are durable, so they are shown.
    fn reload(&mut self, room: &RoomId) -> Result<(), StorageError> {
        let Some(delivered) = self.rooms.get(room).map(|open| open.delivered) else { return Ok(()) };
        let connection = self.connection()?;
        let folded = storage::fold::load(connection, room)?;
        let late = storage::records::after(connection, room, delivered, u32::MAX)?;
        let late = late.iter().map(|record| {
            let (proposal, appended_at) = (record.proposal(), record.at);
            Delivery::Committed(Committed { token: None, proposal, appended_at })
        });
        let late: Vec<Delivery> = late.collect();
        if let Some(open) = self.rooms.get_mut(room) {
            open.delivered = folded.state.head();
        }
        self.folds.insert(room.clone(), folded, None);
        if !late.is_empty() {
            self.deliver(room, late);
        }
        Ok(())
    }

    fn deliver(&self, room: &RoomId, deliveries: Vec<Delivery>) {
        if let Some(open) = self.rooms.get(room) {
            (open.sink)(deliveries);
        }
    }

    fn connection(&mut self) -> Result<&mut Connection, StorageError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.database.writer()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn fail(&mut self, error: &StorageError) -> Health {
        log::warn!("storing records: {error}");
        self.connection = None;
        Health::Failing
    }
}
