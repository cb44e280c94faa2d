//! `[auth]`: how people show who they are.
//! Not the showing: nothing is judged here.

use serde::{Deserialize, Serialize};

use super::issuers::{Issuers, KeySource};

/// Settings of identities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Whether other services may be asked over http where others could listen.
    pub plain_http: bool,
    /// Whose tokens are believed besides the node's own.
    pub issuers: Issuers,
}

impl AuthSettings {
    /// The setting with an address that must not be asked over http, and the address.
    pub(super) fn exposed_url(&self) -> Option<(&'static str, &str)> {
        if self.plain_http {
            return None;
        }
        let mut exposed = self.issuers.as_slice().iter().filter_map(|issuer| match &issuer.keys {
            KeySource::JwksUrl(url) if url.is_exposed() => Some(("auth.issuers", url.as_str())),
            _ => None,
        });
        exposed.next()
    }
}
