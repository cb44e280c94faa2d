//! The saver with its database: does every step that needs rows, and leaves to the caller what needs the broker.
//! Blocking; when to go on, and how long to wait when the database fails, is for the actor to say.

use std::sync::Arc;

use super::{DeadLetter, Event, RoomRead, Saver, Seek, Step};
use crate::{
    domain::RoomId,
    log::kafka::{Offset, Partition},
    storage::{Batch, Connection, Database, StorageError, batch, fold, partitions, rooms},
};

/// A saver that reads and writes a database.
pub struct Storing {
    pub(super) saver: Saver,
    database: Database,
    connection: Option<Connection>,
}

/// How far it came.
#[derive(Debug)]
pub enum Done {
    /// There is nothing to do until something comes.
    Idle,
    /// The group must read from there.
    Seek(Vec<Seek>),
    /// These must be written where dead letters go; then [`Storing::buried`].
    Bury(Arc<[DeadLetter]>),
    /// A batch is stored.
    Stored {
        /// What was in it.
        batch: Arc<Batch>,
        /// How far its partitions are stored.
        places: Vec<(Partition, Offset)>,
    },
    /// A batch was not stored, for its partitions stand elsewhere; they are read again.
    Fenced,
    /// The database failed; the same is tried again next time.
    Failed,
}

impl Storing {
    /// A saver over a database that need not answer yet.
    pub fn new(saver: Saver, database: Database) -> Self {
        Self { saver, database, connection: None }
    }

    /// Takes what the group says.
    pub fn take(&mut self, event: Event) {
        self.saver.take(event);
    }

    /// This saver is in no group any more.
    pub fn left(&mut self) {
        self.saver.left();
    }

    /// The dead letters are written.
    pub fn buried(&mut self) {
        self.saver.buried();
    }

    /// Partitions whose entries are stored as far as they came, and the offset that each awaits.
    pub fn awaits(&self) -> Vec<(Partition, Offset)> {
        self.saver.awaits()
    }

    /// How many partitions are stored here.
    pub fn owned(&self) -> usize {
        self.saver.owned()
    }

    /// How much of all the entries given to it was let go again, in bytes, ever.
    pub fn released(&self) -> u64 {
        self.saver.released()
    }

    /// Does what can be done now, up to the first thing that concerns the caller.
    pub fn work(&mut self) -> Done {
        loop {
            let done = match self.saver.next_step() {
                None => return Done::Idle,
                Some(Step::Seek(seeks)) => return Done::Seek(seeks),
                Some(Step::Bury(letters)) => return Done::Bury(letters),
                Some(Step::Store(batch)) => return self.store(batch),
                Some(Step::ReadOffsets(wanted)) => self.read_offsets(&wanted),
                Some(Step::ReadRooms(wanted)) => self.read_rooms(wanted),
            };
            if let Err(error) = done {
                return self.failed(&error);
            }
        }
    }

    fn store(&mut self, batch: Arc<Batch>) -> Done {
        match self.connection().and_then(|connection| batch::store(connection, &batch)) {
            Ok(()) => Done::Stored { batch, places: self.saver.stored() },
            Err(error @ StorageError::Fenced(_)) => {
                log::info!("{error}");
                self.saver.fenced();
                Done::Fenced
            }
            Err(error @ StorageError::Unavailable(_)) => self.failed(&error),
            Err(error) => {
                self.saver.fenced();
                self.failed(&error)
            }
        }
    }

    fn read_offsets(&mut self, wanted: &[Partition]) -> Result<(), StorageError> {
        let stored = partitions::all(self.connection()?)?;
        let find = |partition: &Partition| {
            stored.iter().find(|(number, _)| number == partition).map(|(_, next)| *next)
        };
        self.saver.offsets_read(wanted.iter().map(|partition| (*partition, find(partition))).collect());
        Ok(())
    }

    fn read_rooms(&mut self, wanted: Vec<RoomId>) -> Result<(), StorageError> {
        let mut read = Vec::with_capacity(wanted.len());
        for room in wanted {
            let found = read_room(self.connection()?, &room)?;
            read.push((room, found));
        }
        self.saver.rooms_read(read);
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut Connection, StorageError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.database.writer()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn failed(&mut self, error: &StorageError) -> Done {
        log::warn!("saving records: {error}");
        self.connection = None;
        Done::Failed
    }
}

/// Its statements need not see one instant: if another saver goes on between them, the batch that is built on
/// the result is fenced.
fn read_room(connection: &mut Connection, room: &RoomId) -> Result<RoomRead, StorageError> {
    let Some(partition) = rooms::partition_of(connection, room)? else {
        return Ok(Err("its key is no room of the log".to_owned()));
    };
    match fold::load(connection, room) {
        Ok(folded) => Ok(Ok((partition, folded))),
        Err(error @ StorageError::Corrupt(_)) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
