//! Where an issuer's keys come from, and how fresh they are: a file, once, or the issuer itself, when it must be asked.
//! Which key verifies a token is known by the set.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync;

use super::keys::{KeySet, KeysError};
use crate::{
    auth::fetch::{FetchError, Fetcher},
    config::{KeySource, WebUrl},
    domain::Timestamp,
};

/// Why an issuer's keys could not be read at the start.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("{file} cannot be read: {source}")]
    Unreadable {
        /// The file as it was named.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file holds no keys.
    #[error("{file} {source}")]
    Keys {
        /// The file as it was named.
        file: String,
        /// What is wrong with it.
        source: KeysError,
    },
}

/// A source of keys.
pub(super) enum Source {
    /// Keys that never change.
    Fixed(Arc<KeySet>),
    /// Keys that are fetched.
    Fetched(Box<FetchedKeys>),
}

impl Source {
    /// Opens a source; a file is read now, and an address is asked when a key is needed.
    pub(super) fn open(
        source: &KeySource,
        fetcher: &Fetcher,
        refresh_ms: i64,
        age_ms: i64,
    ) -> Result<Self, SourceError> {
        let read: fn(&[u8]) -> Result<KeySet, KeysError> = match source {
            KeySource::JwksUrl(url) => {
                let keys = FetchedKeys::new(url.clone(), fetcher.clone(), refresh_ms, age_ms);
                return Ok(Self::Fetched(Box::new(keys)));
            }
            KeySource::KeyFile(_) => KeySet::from_file,
            KeySource::SecretFile(_) => KeySet::from_secret,
        };
        let (KeySource::KeyFile(path) | KeySource::SecretFile(path)) = source else {
            unreachable!("an address was opened above")
        };
        let file = path.display().to_string();
        let text = fs::read(path).map_err(|source| SourceError::Unreadable { file: file.clone(), source })?;
        let keys = read(&text).map_err(|source| SourceError::Keys { file, source })?;
        Ok(Self::Fixed(Arc::new(keys)))
    }

    /// The keys as they are known; of an issuer that was never asked, or long ago, they are asked for first.
    pub(super) async fn known(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(keys) => Some(Arc::clone(keys)),
            Self::Fetched(keys) if keys.are_old(now) => keys.refreshed(now).await,
            Self::Fetched(keys) => keys.lock().keys.clone(),
        }
    }

    /// The keys after the issuer was asked once more, if that may be now; nothing where they cannot change.
    pub(super) async fn refreshed(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(_) => None,
            Self::Fetched(keys) => keys.refreshed(now).await,
        }
    }
}

/// The keys behind an address.
pub(super) struct FetchedKeys {
    url: WebUrl,
    fetcher: Fetcher,
    refresh_ms: i64,
    age_ms: i64,
    state: Mutex<State>,
    /// Who asks the issuer holds it; others wait for the answer, so that one request serves all.
    asking: sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    keys: Option<Arc<KeySet>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl FetchedKeys {
    fn new(url: WebUrl, fetcher: Fetcher, refresh_ms: i64, age_ms: i64) -> Self {
        Self { url, fetcher, refresh_ms, age_ms, state: Mutex::default(), asking: sync::Mutex::default() }
    }

    fn are_old(&self, now: Timestamp) -> bool {
        self.lock().fetched_at.is_none_or(|at| now.millis_since(at) >= self.age_ms)
    }

    /// Whether the issuer was asked so lately that it is not asked again. One whose clock went back is asked.
    fn was_just_asked(&self, now: Timestamp) -> bool {
        let tried = self.lock().tried_at;
        tried.is_some_and(|at| now.millis_since(at).abs() < self.refresh_ms)
    }

    /// Asks the issuer unless that was done lately. While it does not answer, what it said last stands.
    async fn refreshed(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        let _turn = self.asking.lock().await;
        if self.was_just_asked(now) {
            return self.lock().keys.clone();
        }
        self.lock().tried_at = Some(now);
        match self.ask().await {
            Ok(keys) => {
                let mut state = self.lock();
                state.keys = Some(Arc::new(keys));
                state.fetched_at = Some(now);
            }
            Err(why) => log::warn!("keys of {}: {why}", self.url.as_str()),
        }
        self.lock().keys.clone()
    }

    async fn ask(&self) -> Result<KeySet, String> {
        let text =
            self.fetcher.get(self.url.as_str()).await.map_err(|error: FetchError| error.to_string())?;
        KeySet::from_jwks(&text).map_err(|error| error.to_string())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each assignment leaves the state whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
