//! Whom else this service believes about people, as the settings have it: opened once, at the start.
//! What they say is judged in `issuers` and `providers`.

use std::fs;

use super::{
    fetch::Fetcher,
    issuers::{Issuer, SourceError},
    providers::Provider,
};
use crate::config::{AuthSettings, ProviderSettings};

/// Others who know people.
#[derive(Default)]
pub struct Elsewhere {
    /// Those whose tokens are good here.
    pub(super) issuers: Vec<Issuer>,
    /// Those at whom people log in.
    pub(super) providers: Vec<Provider>,
}

/// Why one of them cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ElsewhereError {
    /// An issuer's keys.
    #[error("issuer {name}: {source}")]
    Issuer {
        /// The issuer's name.
        name: String,
        /// What is wrong with them.
        source: SourceError,
    },
    /// A provider's secret.
    #[error("provider {id}: {file} cannot be read: {source}")]
    Secret {
        /// The provider's id.
        id: String,
        /// The file as it was named.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Elsewhere {
    /// Reads the files that the settings name. Nobody is asked yet.
    ///
    /// # Errors
    /// The first of them that cannot be used.
    pub fn open(settings: &AuthSettings) -> Result<Self, ElsewhereError> {
        let (issuers, providers) = (settings.issuers.as_slice(), settings.providers.as_slice());
        if issuers.is_empty() && providers.is_empty() {
            return Ok(Self::default());
        }
        let fetcher = Fetcher::new(settings);
        let issuer = |one: &_| Issuer::new(one, &fetcher);
        let issuers = issuers.iter().map(|one| {
            issuer(one).map_err(|source| ElsewhereError::Issuer { name: one.name.clone(), source })
        });
        let provider = |one: &ProviderSettings| Ok(Provider::new(one, secret(one)?, &fetcher));
        Ok(Self {
            issuers: issuers.collect::<Result<_, _>>()?,
            providers: providers.iter().map(provider).collect::<Result<_, _>>()?,
        })
    }
}

/// The secret that a provider gave, without white space around it.
fn secret(settings: &ProviderSettings) -> Result<Option<String>, ElsewhereError> {
    let Some(path) = &settings.client_secret_file else {
        return Ok(settings.client_secret.as_ref().map(|secret| secret.expose().to_owned()));
    };
    let text = fs::read_to_string(path).map_err(|source| ElsewhereError::Secret {
        id: settings.id.clone(),
        file: path.display().to_string(),
        source,
    })?;
    Ok(Some(text.trim().to_owned()))
}
