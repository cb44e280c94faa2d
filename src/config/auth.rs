//! `[auth]`: who may be somebody, how passwords are kept, how long tokens are good, and whose are believed.
//! Nothing is hashed, signed or judged here.

use serde::{Deserialize, Serialize};

use super::{
    bounds::within,
    issuers::{Issuers, KeySource},
    providers::Providers,
    public_url::PublicUrl,
};

/// Settings of guests, accounts and their sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Who this service says it is in its tokens.
    pub issuer: Name,
    /// For whom it says its tokens are.
    pub audience: Name,
    /// Seconds for which an access token is good, 1 to 86,400.
    #[serde(deserialize_with = "within::<1, 86_400, _, _>")]
    pub access_s: u32,
    /// Seconds for which a login is good without being used, 1 to 34,560,000.
    #[serde(deserialize_with = "within::<1, 34_560_000, _, _>")]
    pub refresh_s: u32,
    /// Seconds in which a refresh can be repeated, 0 to 300.
    #[serde(deserialize_with = "within::<0, 300, _, _>")]
    pub refresh_grace_s: u32,
    /// Days after which another key signs, 1 to 3,650.
    #[serde(deserialize_with = "within::<1, 3_650, _, _>")]
    pub key_days: u32,
    /// Whether cookies are only for connections with TLS, whatever this node sees of it.
    pub secure_cookies: bool,
    /// Sessions of one user, 1 to 1,000.
    #[serde(deserialize_with = "within::<1, 1_000, _, _>")]
    pub sessions_per_user: usize,
    /// Shortest password in characters, 1 to 128.
    #[serde(deserialize_with = "within::<1, 128, _, _>")]
    pub password_chars: usize,
    /// Memory of argon2id in KiB, 8 to 4,194,304.
    #[serde(deserialize_with = "within::<8, 4_194_304, _, _>")]
    pub password_memory_kib: u32,
    /// Passes of argon2id, 1 to 1,000.
    #[serde(deserialize_with = "within::<1, 1_000, _, _>")]
    pub password_passes: u32,
    /// Passwords that are hashed at once, 1 to 64.
    #[serde(deserialize_with = "within::<1, 64, _, _>")]
    pub passwords_at_once: usize,
    /// Passwords that may wait to be hashed, 0 to 100,000.
    #[serde(deserialize_with = "within::<0, 100_000, _, _>")]
    pub passwords_waiting: usize,
    /// Attempts at a login that need not wait, 1 to 1,000.
    #[serde(deserialize_with = "within::<1, 1_000, _, _>")]
    pub free_attempts: u32,
    /// The longest wait between two attempts in seconds, 1 to 86,400.
    #[serde(deserialize_with = "within::<1, 86_400, _, _>")]
    pub longest_wait_s: u32,
    /// Whether other services may be asked over http where others could listen.
    pub plain_http: bool,
    /// Whose tokens are believed besides the node's own.
    pub issuers: Issuers,
    /// Where people may log in by the page.
    pub providers: Providers,
    /// Where browsers find this service, for the addresses that providers send them back to.
    pub public_url: PublicUrl,
}

impl AuthSettings {
    /// The setting with an address that must not be asked over http, and the address.
    pub(super) fn exposed_url(&self) -> Option<(&'static str, &str)> {
        if self.plain_http {
            return None;
        }
        let keys = self.issuers.as_slice().iter().filter_map(|issuer| match &issuer.keys {
            KeySource::JwksUrl(url) => Some(("auth.issuers", url)),
            _ => None,
        });
        let providers = self.providers.as_slice().iter().flat_map(|provider| provider.urls());
        let all = keys.chain(providers.map(|url| ("auth.providers", url)));
        let mut exposed = all.filter(|(_, url)| url.is_exposed()).map(|(name, url)| (name, url.as_str()));
        exposed.next()
    }

    /// Whether another issuer says that it is this service.
    pub(super) fn has_impostor(&self) -> bool {
        self.issuers.as_slice().iter().any(|issuer| issuer.issuer == self.issuer.as_str())
    }
}

/// What a service is called in a token: not empty, at most 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fits { Ok(Self(text)) } else { Err("a name or a URL of 1 to 200 characters") }
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}
