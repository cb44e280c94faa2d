//! A client's own queue of refusals: who listens there, and what they hear.
//! Whether something is refused is judged elsewhere.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytestring::ByteString;

use super::StompOptions;
use crate::{
    actors::{
        pulse::Reminder,
        session::{Refused, SubscriptionName},
    },
    config::RefusalsGo,
    domain::{CloseCode, Code, Refusal, Timestamp},
    wire::stomp::{self, Head, Version},
};

/// The queue of one client; answers come to it from any thread.
pub(super) struct Notices {
    pub version: Version,
    options: Arc<StompOptions>,
    listeners: Mutex<Vec<(SubscriptionName, Head)>>,
    number: AtomicU64,
}

impl Notices {
    pub(super) fn new(version: Version, options: Arc<StompOptions>) -> Self {
        Self { version, options, listeners: Mutex::default(), number: AtomicU64::new(1) }
    }

    /// A subscription listens from now on.
    pub(super) fn listen(&self, name: SubscriptionName, head: Head) {
        self.lock().push((name, head));
    }

    /// It does no more.
    pub(super) fn forget(&self, name: &str) {
        self.lock().retain(|(known, _)| **known != *name);
    }

    /// Says a refusal of what the frame with this receipt asked for, as the settings have it.
    pub(super) fn refuse(&self, refusal: &Refusal, receipt: Option<&str>) -> Refused {
        match self.options.refusals {
            RefusalsGo::ToQueue => Refused { frames: self.problem(refusal, receipt), end: None },
            RefusalsGo::IntoError => self.error(refusal, receipt, CloseCode::BrokenProtocol),
        }
    }

    /// The ERROR that ends the connection.
    pub(super) fn error(&self, refusal: &Refusal, receipt: Option<&str>, end: CloseCode) -> Refused {
        let status = (self.options.status)(refusal.code);
        let frame = stomp::refused(Some(self.version), refusal, receipt, status);
        Refused { frames: vec![frame], end: Some(end) }
    }

    /// A problem for everybody who listens.
    pub(super) fn problem(&self, refusal: &Refusal, receipt: Option<&str>) -> Vec<ByteString> {
        let listeners = self.lock();
        if listeners.is_empty() {
            return Vec::new();
        }
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let status = (self.options.status)(refusal.code);
        let destination = self.options.routes.errors();
        let tail = stomp::problem(self.version, destination, number, refusal, receipt, status);
        listeners.iter().map(|(_, head)| head.frame(&tail)).collect()
    }

    /// What will tell everybody who listens that the client's token has expired, and that it has so long for a new one.
    pub(super) fn reminder(self: Arc<Self>, expires_at: Timestamp, within: Duration) -> Reminder {
        let refresh = &self.options.refresh;
        let why = format!("the token has expired: send a new one to {refresh} within {} s", within.as_secs());
        let refusal = Refusal::new(Code::Unauthenticated).message(format!("{why} ({expires_at})"));
        Box::new(move || self.problem(&refusal, None))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(SubscriptionName, Head)>> {
        // The list is whole between statements, so a panic elsewhere leaves nothing half done.
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
