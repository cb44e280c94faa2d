//! The relays of a node, one for each worker thread that has started.
//! What a relay does is in `relay`.

use std::sync::{Arc, PoisonError, RwLock};

use super::relay::{RelayHandle, ToRelay};
use crate::telemetry::Metrics;

/// A shared list of relays.
#[derive(Debug, Clone, Default)]
pub(super) struct Relays(Arc<RwLock<Vec<RelayHandle>>>);

impl Relays {
    /// Starts a relay on the current worker thread and adds it.
    pub(super) fn start_here(&self, metrics: Metrics) -> RelayHandle {
        let mut relays = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let relay = RelayHandle::start(relays.len(), metrics);
        relays.push(relay.clone());
        relay
    }

    /// Tells every relay the same.
    pub(super) fn tell_all(&self, message: impl Fn() -> ToRelay) {
        self.all().iter().for_each(|relay| relay.tell(message()));
    }

    /// The relays now.
    pub(super) fn all(&self) -> Vec<RelayHandle> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
