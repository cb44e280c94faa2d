//! Whom else this service believes about people, as the settings have it: opened once, at the start.
//! What they say is judged in `issuers`.

use super::{
    fetch::Fetcher,
    issuers::{Issuer, SourceError},
};
use crate::config::AuthSettings;

/// Others who know people.
#[derive(Default)]
pub struct Elsewhere {
    /// Those whose tokens are good here.
    pub(super) issuers: Vec<Issuer>,
}

/// Why one of them cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("issuer {name}: {source}")]
pub struct ElsewhereError {
    name: String,
    source: SourceError,
}

impl Elsewhere {
    /// Reads the files that the settings name. Nobody is asked yet.
    ///
    /// # Errors
    /// The first of them that cannot be used.
    pub fn open(settings: &AuthSettings) -> Result<Self, ElsewhereError> {
        if settings.issuers.as_slice().is_empty() {
            return Ok(Self::default());
        }
        let fetcher = Fetcher::new(settings);
        let open = |one: &_| Issuer::new(one, &fetcher);
        let issuers = settings
            .issuers
            .as_slice()
            .iter()
            .map(|one| open(one).map_err(|source| ElsewhereError { name: one.name.clone(), source }));
        Ok(Self { issuers: issuers.collect::<Result<_, _>>()? })
    }
}
