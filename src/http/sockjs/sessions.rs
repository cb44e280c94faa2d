//! The sessions over HTTP of a node, found by requests on any of its threads, and how many there may be.
//! What a session is, is not known here.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::handle::Handle;
use crate::domain::{Code, Refusal};

/// A service's prefix and the name that a client gave its session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) prefix: Arc<str>,
    pub(super) session: String,
}

/// The sessions of a node; clones share them.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<Key, Arc<Handle>>>>);

impl Sessions {
    /// The session of that name.
    pub(super) fn find(&self, key: &Key) -> Option<Arc<Handle>> {
        self.lock().get(key).filter(|handle| handle.lives()).map(Arc::clone)
    }

    /// The session of that name, or what `begin` makes; of those there may be `most`.
    ///
    /// # Errors
    /// `overloaded` when there are too many already.
    pub(super) fn find_or_begin(
        &self,
        key: &Key,
        most: usize,
        begin: impl FnOnce() -> Arc<Handle>,
    ) -> Result<Arc<Handle>, Refusal> {
        let mut sessions = self.lock();
        match sessions.get(key) {
            Some(handle) if handle.lives() => return Ok(Arc::clone(handle)),
            None if sessions.len() >= most => {
                return Err(Refusal::new(Code::Overloaded).message("there are too many SockJS sessions"));
            }
            // One that died by a fault is replaced.
            Some(_) | None => {}
        }
        let handle = begin();
        sessions.insert(key.clone(), Arc::clone(&handle));
        Ok(handle)
    }

    /// Forgets a session, if that name still means this one.
    pub(super) fn forget(&self, key: &Key, handle: &Arc<Handle>) {
        let mut sessions = self.lock();
        if sessions.get(key).is_some_and(|known| Arc::ptr_eq(known, handle)) {
            sessions.remove(key);
        }
        if sessions.capacity() > 4 * sessions.len() + 64 {
            // A flood of sessions must not be paid for in memory for ever.
            sessions.shrink_to_fit();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Arc<Handle>>> {
        // The map is whole between statements, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
