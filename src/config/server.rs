//! `[server]`: where a node listens and how much it takes at once.
//! Not the server: nothing is bound here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{threads_or_cores, within},
    origins::AllowedOrigins,
    proxies::TrustedProxies,
};

/// Settings of the HTTP server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// Address and port to listen at.
    pub listen: ListenAddress,
    /// Whose pages may call from a browser.
    pub allowed_origins: AllowedOrigins,
    /// From whom it is believed where a request came from.
    pub trusted_proxies: TrustedProxies,
    /// Threads that serve connections, 0 for one a core; [`Self::worker_threads`] resolves it.
    #[serde(deserialize_with = "within::<0, 1024, _, _>")]
    pub workers: usize,
    /// Connections at once, over all workers, 1 to 10,000,000.
    #[serde(deserialize_with = "within::<1, 10_000_000, _, _>")]
    pub max_connections: usize,
    /// Seconds that a stop may take, 0 to 300.
    #[serde(deserialize_with = "within::<0, 300, _, _>")]
    pub shutdown_s: u64,
    /// Seconds that the head of a request, and then its body, may take to come, 1 to 3600.
    #[serde(deserialize_with = "within::<1, 3600, _, _>")]
    pub request_timeout_s: u64,
    /// Seconds that a connection may wait for its next request, 1 to 3600.
    #[serde(deserialize_with = "within::<1, 3600, _, _>")]
    pub keep_alive_s: u64,
    /// Largest body of a request in bytes, 1 KiB to 16 MiB.
    #[serde(deserialize_with = "within::<1024, 16_777_216, _, _>")]
    pub request_bytes: usize,
}

impl ServerSettings {
    /// Threads that serve connections, at least 1.
    pub fn worker_threads(&self) -> usize {
        threads_or_cores(self.workers)
    }

    /// How long the head of a request, and then its body, may take to come.
    pub fn request_timeout(&self) -> Duration {
        Duration::from_secs(self.request_timeout_s)
    }

    /// How long a connection may wait for its next request.
    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_s)
    }

    /// How long a stop may take.
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_s)
    }
}

/// A host name or an IP address with a port, such as `127.0.0.1:8080` or `[::]:8080`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ListenAddress(String);

impl ListenAddress {
    /// The address as the standard library resolves it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ListenAddress {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let valid = text.rsplit_once(':').is_some_and(|(host, port)| {
            let bracketed = host.starts_with('[') && host.ends_with(']');
            !host.is_empty() && (bracketed || !host.contains(':')) && port.parse::<u16>().is_ok()
        });
        if valid { Ok(Self(text)) } else { Err("host:port, such as 127.0.0.1:8080 or [::]:8080") }
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> Self {
        address.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for good in ["127.0.0.1:8080", "0.0.0.0:0", "[::1]:80", "localhost:65535"] {
            assert!(ListenAddress::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "8080", ":8080", "localhost", "localhost:", "localhost:65536", "::1:80"] {
            assert!(ListenAddress::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
