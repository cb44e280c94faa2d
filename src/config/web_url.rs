//! Addresses of other services: https, or http where nobody else can listen or a setting says that it may be.
//! Nothing is fetched here.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// An absolute address with scheme `https` or `http`, without user, password and fragment.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebUrl(String);

impl WebUrl {
    /// Takes an address that somebody wrote or that another service named.
    ///
    /// # Errors
    /// What is allowed instead.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const ALLOWED: &str = "https://HOST/PATH, or http://, without user, password and #";
        let url = Url::parse(text).map_err(|_| ALLOWED)?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let fits = matches!(url.scheme(), "https" | "http") && url.has_host() && plain;
        let harmless = text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>\\`".contains(c));
        if fits && harmless && text.len() <= 2048 { Ok(Self(text.to_owned())) } else { Err(ALLOWED) }
    }

    /// The address as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether what is said there can be heard or changed on the way: http to another machine.
    pub fn is_exposed(&self) -> bool {
        let Ok(url) = Url::parse(&self.0) else { return true };
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        };
        url.scheme() != "https" && !is_here
    }
}

impl TryFrom<String> for WebUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<WebUrl> for String {
    fn from(url: WebUrl) -> Self {
        url.0
    }
}

impl fmt::Debug for WebUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_web_server_and_of_nobody_in_particular() {
        for good in ["https://a.example", "https://a.example:8443/realms/x?y=z", "http://127.0.0.1:1/a"] {
            assert_eq!(WebUrl::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://u:p@a.example",
            "https://a/#b",
            "https://a/ b",
        ] {
            assert!(WebUrl::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn http_is_exposed_where_it_leaves_the_machine() {
        for safe in [
            "https://a.example",
            "http://localhost/a",
            "http://127.8.8.8:1",
            "http://[::1]:9/",
            "http://a.localhost",
        ] {
            assert!(!WebUrl::parse(safe).unwrap().is_exposed(), "{safe}");
        }
        for exposed in ["http://a.example", "http://localhost.example", "http://10.0.0.1", "http://[::2]/"] {
            assert!(WebUrl::parse(exposed).unwrap().is_exposed(), "{exposed}");
        }
    }
}
