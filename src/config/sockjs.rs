//! `[sockjs]`: how clients without a WebSocket are served.
//! Not the bounds of what they say: those are the ones of sockets and of requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of SockJS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SockJsSettings {
    /// Whether clients are told to try a WebSocket first.
    pub websocket: bool,
    /// Whether the cookie JSESSIONID is set, for load balancers that go by it.
    pub cookie: bool,
    /// Bytes after which a streamed response ends and the client asks for the next, 1 KiB to 1 GiB.
    #[serde(deserialize_with = "within::<1024, 1_073_741_824, _, _>")]
    pub response_bytes: usize,
    /// Seconds between two signs of life, 1 to 3600.
    #[serde(deserialize_with = "within::<1, 3600, _, _>")]
    pub heartbeat_s: u64,
    /// Seconds that a session lives without anybody who receives it, 1 to 300.
    #[serde(deserialize_with = "within::<1, 300, _, _>")]
    pub disconnect_s: u64,
    /// Sessions over HTTP at once, 1 to 10,000,000.
    #[serde(deserialize_with = "within::<1, 10_000_000, _, _>")]
    pub sessions: usize,
    /// Where the script of the hidden page comes from.
    pub client_url: ClientUrl,
}

impl SockJsSettings {
    /// Time between two signs of life.
    pub fn heartbeat(&self) -> Duration {
        Duration::from_secs(self.heartbeat_s)
    }

    /// How long a session lives without anybody who receives it.
    pub fn disconnect(&self) -> Duration {
        Duration::from_secs(self.disconnect_s)
    }
}

/// A script's address: a path of this server, or a URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClientUrl(String);

impl ClientUrl {
    /// The address, which can stand in an attribute of a page.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ClientUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let begins = ["/", "http://", "https://"].iter().any(|start| text.starts_with(start));
        let harmless = text.chars().all(|c| c.is_ascii_graphic() && !"\"'<>&\\`".contains(c));
        match begins && harmless {
            true => Ok(Self(text)),
            false => Err(
                "an address that starts with /, http:// or https:// and holds no quotes, < > & \\ or blanks",
            ),
        }
    }
}

impl From<ClientUrl> for String {
    fn from(url: ClientUrl) -> Self {
        url.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_comes_from_an_address_that_cannot_leave_its_attribute() {
        for good in
            ["/sockjs.min.js", "https://cdn.example/sockjs-client@1/dist/sockjs.min.js", "http://a:1/b"]
        {
            assert!(ClientUrl::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "sockjs.js", "javascript:alert(1)", "/a\"></script>", "/a b", "https://a/<", "/ü"] {
            assert!(ClientUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
