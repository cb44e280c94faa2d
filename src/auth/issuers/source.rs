//! Where an issuer's keys come from, and how fresh they are: a file, once, or the issuer itself, when it must be asked.
//! Which key verifies a token is known by the set.

use std::{fs, path::Path, sync::Arc};

use super::keys::{KeySet, KeysError};
use crate::{
    auth::{cached::Cached, fetch::Fetcher},
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
    Fetched(FetchedKeys),
}

/// The keys behind an address.
pub(super) struct FetchedKeys {
    url: WebUrl,
    fetcher: Fetcher,
    keys: Arc<Cached<KeySet>>,
}

impl Source {
    /// Opens a source; a file is read now, and an address is asked when a key is needed.
    pub(super) fn open(
        source: &KeySource,
        fetcher: &Fetcher,
        refresh_ms: i64,
        age_ms: i64,
    ) -> Result<Self, SourceError> {
        match source {
            KeySource::JwksUrl(url) => {
                let keys = Cached::new(format!("keys of {}", url.as_str()), refresh_ms, age_ms);
                Ok(Self::Fetched(FetchedKeys { url: url.clone(), fetcher: fetcher.clone(), keys }))
            }
            KeySource::KeyFile(path) => read(path, KeySet::from_file),
            KeySource::SecretFile(path) => read(path, KeySet::from_secret),
        }
    }

    /// The keys as they are known; an issuer that was never asked is asked first.
    pub(super) async fn known(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(keys) => Some(Arc::clone(keys)),
            Self::Fetched(fetched) => fetched.keys.known(now, fetched.question()).await,
        }
    }

    /// The keys after the issuer was asked once more, if that may be now; nothing where they cannot change.
    pub(super) async fn refreshed(&self, now: Timestamp) -> Option<Arc<KeySet>> {
        match self {
            Self::Fixed(_) => None,
            Self::Fetched(fetched) => fetched.keys.anew(now, fetched.question()).await,
        }
    }
}

impl FetchedKeys {
    fn question(&self) -> impl AsyncFnOnce() -> Result<KeySet, String> + 'static {
        let (url, fetcher) = (self.url.clone(), self.fetcher.clone());
        async move || {
            let text = fetcher.get(url.as_str()).await.map_err(|error| error.to_string())?;
            KeySet::from_jwks(&text).map_err(|error| error.to_string())
        }
    }
}

fn read(path: &Path, parse: fn(&[u8]) -> Result<KeySet, KeysError>) -> Result<Source, SourceError> {
    let file = path.display().to_string();
    let text = fs::read(path).map_err(|source| SourceError::Unreadable { file: file.clone(), source })?;
    let keys = parse(&text).map_err(|source| SourceError::Keys { file, source })?;
    Ok(Source::Fixed(Arc::new(keys)))
}
