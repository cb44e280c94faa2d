//! The database for asynchronous callers: each query runs on a blocking thread, a bounded number at once.
//! What the queries are is in the files beside this one.

use std::sync::Arc;

use tokio::{sync::Semaphore, task};

use super::{Connection, Database, StorageError};

/// A cheap handle on the database.
#[derive(Clone)]
pub struct Store {
    database: Database,
    permits: Arc<Semaphore>,
}

impl Store {
    /// A handle that runs at most `at_once` queries at the same time; the others wait their turn.
    pub fn new(database: Database, at_once: u32) -> Self {
        Self { database, permits: Arc::new(Semaphore::new(at_once.max(1) as usize)) }
    }

    /// Runs a query that only reads.
    ///
    /// # Errors
    /// The query's own, and [`StorageError::Unavailable`] when the node stops.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.blocking(move |database| database.read(query)).await
    }

    /// Runs a change of users or rooms in a transaction.
    ///
    /// # Errors
    /// The change's own, and [`StorageError::Unavailable`] when the node stops.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Connection) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        self.blocking(move |database| database.write(change)).await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, StorageError> {
        let stopped = |_| StorageError::Unavailable("the node is stopping".to_owned());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(|_| stopped(()))?;
        let database = self.database.clone();
        let done = task::spawn_blocking(move || {
            let answer = work(&database);
            drop(permit);
            answer
        });
        done.await.map_err(|_| stopped(()))?
    }
}
