//! Subscriptions: who reads a room through which connection, and how they are greeted.
//! Membership is something else and lives in the room's fold.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytestring::ByteString;

use super::{
    Voice,
    outbox::Outbox,
    relay::{Reader, RelayHandle},
};
use crate::{domain::UserId, wire::Greeting};

/// Names one subscription; unique in the process and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubscriberId(u64);

/// Names one connection; unique in the process and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(u64);

static NEXT: AtomicU64 = AtomicU64::new(1);

impl SubscriberId {
    /// A new one.
    pub fn next() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl SessionId {
    /// A new one.
    pub fn next() -> Self {
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{}", self.0)
    }
}

/// Says a greeting in the reader's dialect, where it has words for it.
pub type Greet = Box<dyn FnOnce(Greeting<'_>) -> Vec<ByteString> + Send>;

/// As what somebody reads a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Footing {
    /// As a member, until they are none.
    Member,
    /// As anybody who may.
    Reader,
}

/// A subscription of a connection to a room.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// Names it.
    pub id: SubscriberId,
    /// Who reads; nobody in particular where they did not say who they are.
    pub user: Option<UserId>,
    /// As what they read.
    pub footing: Footing,
    /// Where its frames go.
    pub outbox: Arc<Outbox>,
    /// How they are said.
    pub voice: Voice,
    /// The relay of the connection's thread.
    pub relay: RelayHandle,
}

impl Subscription {
    /// A new subscription through a connection.
    pub fn new(
        user: Option<UserId>,
        footing: Footing,
        outbox: Arc<Outbox>,
        voice: Voice,
        relay: RelayHandle,
    ) -> Self {
        Self { id: SubscriberId::next(), user, footing, outbox, voice, relay }
    }

    pub(super) fn reader(&self) -> Reader {
        Reader { id: self.id, outbox: Arc::clone(&self.outbox), voice: self.voice.clone() }
    }
}
