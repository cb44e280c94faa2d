//! The cookies of a login at a provider, which no script can read: one while somebody is there, and one while they choose a
//! nickname. What is in them is random and stands for a row; the session has a cookie of its own.

use actix_web::{HttpRequest, http::header};

/// What goes with no other request than those of logins.
const PATH: &str = "/api/auth";

/// Seconds that somebody may take; the row knows it too.
const GOOD_S: u32 = 600;

/// A cookie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookie(&'static str);

/// While somebody is at a provider.
pub(super) const LOGIN: Cookie = Cookie("klatsch_login");

/// While somebody chooses a nickname.
pub(super) const REGISTRATION: Cookie = Cookie("klatsch_registration");

impl Cookie {
    /// The header that gives it; `security` is as for the cookie of a session. Coming back is a link from another site, with which `Lax` lets it go.
    pub(super) fn give(self, secret: &str, security: &str) -> (header::HeaderName, String) {
        self.set(secret, GOOD_S, security)
    }

    /// The header that takes it away.
    pub(super) fn take(self, security: &str) -> (header::HeaderName, String) {
        self.set("", 0, security)
    }

    /// What came in it.
    pub(super) fn shown(self, request: &HttpRequest) -> Option<String> {
        let headers = request.headers().get_all(header::COOKIE);
        let mut pairs = headers.filter_map(|header| header.to_str().ok()).flat_map(|text| text.split(';'));
        let secret = pairs.find_map(|pair| pair.trim().strip_prefix(self.0)?.strip_prefix('='))?;
        (!secret.is_empty()).then(|| secret.to_owned())
    }

    fn set(self, secret: &str, age: u32, security: &str) -> (header::HeaderName, String) {
        let Self(name) = self;
        let cookie = format!("{name}={secret}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Lax{security}");
        (header::SET_COOKIE, cookie)
    }
}
