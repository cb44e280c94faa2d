//! Connections that callers share: opened when needed, lent to one caller at a time, dropped when broken.
//! Has no thread of its own and does not try anything twice.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Connection, StorageError, connection::Source};

pub(super) struct Pool {
    source: Arc<Source>,
    state: Mutex<State>,
    given_back: Condvar,
}

struct State {
    /// How many more connections may be lent now.
    free: u32,
    idle: Vec<Connection>,
}

impl Pool {
    /// A pool that lends at most `most` connections at once.
    pub(super) fn new(source: Arc<Source>, most: u32) -> Self {
        let state = Mutex::new(State { free: most.max(1), idle: Vec::new() });
        Self { source, state, given_back: Condvar::new() }
    }

    /// Does the work with a connection. One with which the database was unavailable is not lent again, and
    /// neither are the idle ones: what broke it, such as a restart of the server, broke them too.
    pub(super) fn lend<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let place = self.take_place()?;
        let mut connection = match place.take_idle() {
            Some(connection) => connection,
            None => Connection::open(Arc::clone(&self.source))?,
        };
        let result = work(&mut connection);
        match &result {
            Err(StorageError::Unavailable(_)) => self.state().idle.clear(),
            _ => self.state().idle.push(connection),
        }
        result
    }

    fn take_place(&self) -> Result<Place<'_>, StorageError> {
        let patience = Duration::from_millis(self.source.busy_timeout_ms);
        let (mut state, wait) = self
            .given_back
            .wait_timeout_while(self.state(), patience, |state| state.free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        if wait.timed_out() {
            return Err(StorageError::unavailable("all connections are in use"));
        }
        state.free -= 1;
        Ok(Place(self))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to use one connection; given back when dropped, also by a panic.
struct Place<'pool>(&'pool Pool);

impl Place<'_> {
    fn take_idle(&self) -> Option<Connection> {
        self.0.state().idle.pop()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().free += 1;
        self.0.given_back.notify_one();
    }
}
