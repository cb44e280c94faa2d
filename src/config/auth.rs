//! `[auth]`: who may be somebody, how passwords are kept, how long tokens are good, and whose are believed.
//! Nothing is hashed, signed or judged here.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    bounds::within,
    database::hide_password,
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
    /// Seconds that an open socket has for a new token when its own has expired, 1 to 3,600.
    #[serde(deserialize_with = "within::<1, 3_600, _, _>")]
    pub renewal_s: u32,
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
    /// Seconds after which a guest who shows no sign of life is gone, 0 for never.
    #[serde(deserialize_with = "within::<0, 3_153_600_000, _, _>")]
    pub guest_idle_s: u32,
    /// Where sessions are kept.
    pub refresh_store: RefreshStoreAddress,
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

impl AuthSettings {
    /// How often it is looked for what is old: some times while a guest is idle, and at least once a minute.
    pub fn sweeps(&self) -> Duration {
        let often = if self.guest_idle_s == 0 { u32::MAX } else { self.guest_idle_s / 4 };
        Duration::from_secs(often.clamp(1, 60).into())
    }

    /// How long an open socket has for a new token.
    pub fn renewal(&self) -> Duration {
        Duration::from_secs(self.renewal_s.into())
    }
}

/// Where sessions are kept: in the database, or in Redis. `Debug`, `Display` and serde hide a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RefreshStoreAddress(String);

impl RefreshStoreAddress {
    /// Whether they are kept in the database.
    pub fn is_database(&self) -> bool {
        self.0 == "database"
    }

    /// The address with its password, to connect and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RefreshStoreAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_redis = text.strip_prefix("redis://").is_some_and(|rest| {
            let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
            let (host, number) = place.split_once('/').unwrap_or((place, ""));
            let (name, port) =
                host.rsplit_once(':').filter(|_| !host.ends_with(']')).unwrap_or((host, "6379"));
            let is_name = !name.is_empty() && (name.ends_with(']') || !name.contains(':'));
            is_name && port.parse::<u16>().is_ok() && (number.is_empty() || number.parse::<u32>().is_ok())
        });
        match is_redis || text == "database" {
            true => Ok(Self(text)),
            false => Err("database, or redis://USER:PASSWORD@HOST:PORT/NUMBER"),
        }
    }
}

impl From<RefreshStoreAddress> for String {
    fn from(address: RefreshStoreAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for RefreshStoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hide_password(&self.0))
    }
}

impl fmt::Debug for RefreshStoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_in_the_database_or_in_redis_and_a_password_is_hidden() {
        for (good, shown) in [
            ("database", "database"),
            ("redis://localhost", "redis://localhost"),
            ("redis://127.0.0.1:6380/3", "redis://127.0.0.1:6380/3"),
            ("redis://[::1]:6379", "redis://[::1]:6379"),
            ("redis://:secret@redis:6379/0", "redis://:***@redis:6379/0"),
            ("redis://klatsch:se:cr@et@redis", "redis://klatsch:***@redis"),
        ] {
            let address = RefreshStoreAddress::try_from(good.to_owned()).expect(good);
            assert_eq!((address.expose(), format!("{address:?}").as_str()), (good, shown));
        }
        for bad in
            ["", "redis", "redis://", "rediss://a", "redis://a:b", "redis://a/b", "http://a", "redis://a:1:2"]
        {
            assert!(RefreshStoreAddress::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
