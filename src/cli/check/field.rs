//! What the clients of a check share: the nodes, the rooms, the time, the figures, and how each of them is.
//! Does nothing by itself.

use std::cell::RefCell;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::figures::Figures;
use super::notes::Notes;
use super::service::Service;
use crate::cli::client::http::Http;
use crate::cli::client::socket::ServerAddress;

/// How far the check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Clients send.
    Sending,
    /// Clients send only what was sent before, and read what is still to come.
    Settling,
}

/// A room of the check.
pub(super) struct Room {
    /// Its name; whoever comes first makes it.
    pub(super) name: String,
    /// When its clients come, since the start.
    pub(super) opens_at: Duration,
    /// What they saw.
    pub(super) notes: RefCell<Notes>,
}

/// How one client is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct State {
    /// It follows its room.
    pub(super) is_served: bool,
    /// Messages that it sent and that are not settled.
    pub(super) unsettled: usize,
    /// The last record that it saw.
    pub(super) last: u64,
    /// What it had to wait for.
    pub(super) service: Service,
}

/// What the clients share.
pub(super) struct Field {
    /// Where the nodes are.
    pub(super) nodes: Vec<ServerAddress>,
    /// For calls.
    pub(super) http: Http,
    /// When the check began.
    pub(super) start: Instant,
    /// How far it is.
    pub(super) phase: watch::Receiver<Phase>,
    /// How many clients send.
    pub(super) talkers: u64,
    /// What chooses.
    pub(super) seed: u64,
    /// After this time, more or less, a client moves to another node by itself; zero is never.
    pub(super) roam: Duration,
    /// Counts.
    pub(super) figures: RefCell<Figures>,
    /// How each client is, by its number.
    pub(super) states: RefCell<Vec<State>>,
}

impl Field {
    /// The time since the check began.
    pub(super) fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// How far the check is.
    pub(super) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    /// Changes how a client is.
    pub(super) fn update(&self, client: usize, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.states.borrow_mut().get_mut(client) {
            change(state);
        }
    }
}
