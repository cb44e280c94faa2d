//! The cookie in which a browser keeps the refresh token of its session, where no script can read it.
//! Whether the token is good is judged in `auth`.

use actix_web::{HttpRequest, http::header};

use crate::config::AuthSettings;

const NAME: &str = "klatsch_refresh";

/// The cookie goes with calls below this path and with no other request.
const PATH: &str = "/api/sessions";

/// How the cookie is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cookies {
    good_s: u32,
    always_secure: bool,
}

impl Cookies {
    /// As the settings have it.
    pub(super) fn new(settings: &AuthSettings) -> Self {
        Self { good_s: settings.refresh_s, always_secure: settings.secure_cookies }
    }

    /// The header that gives the browser a token. SameSite and the path keep it from other sites' requests.
    pub(super) fn give(self, request: &HttpRequest, token: &str) -> (header::HeaderName, String) {
        self.set(request, token, self.good_s)
    }

    /// The header that takes it away.
    pub(super) fn take(self, request: &HttpRequest) -> (header::HeaderName, String) {
        self.set(request, "", 0)
    }

    /// What a cookie that is given now ends with: whether it is for connections with TLS alone.
    pub(super) fn security(self, request: &HttpRequest) -> &'static str {
        let is_secure = self.always_secure || request.connection_info().scheme() == "https";
        if is_secure { "; Secure" } else { "" }
    }

    fn set(self, request: &HttpRequest, token: &str, age: u32) -> (header::HeaderName, String) {
        let secure = self.security(request);
        let cookie = format!("{NAME}={token}; Path={PATH}; Max-Age={age}; HttpOnly; SameSite=Lax{secure}");
        (header::SET_COOKIE, cookie)
    }
}

/// The token that came in the cookie.
pub(super) fn shown(request: &HttpRequest) -> Option<String> {
    let headers = request.headers().get_all(header::COOKIE);
    let mut pairs = headers.filter_map(|header| header.to_str().ok()).flat_map(|text| text.split(';'));
    let token = pairs.find_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))?;
    (!token.is_empty()).then(|| token.to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::config::Settings;

    #[test]
    fn the_cookie_is_for_no_script_and_no_other_site() {
        let cookies = Cookies::new(&Settings::default().auth);
        let plain = TestRequest::get().to_http_request();
        let (_, cookie) = cookies.give(&plain, "t");
        assert_eq!(cookie, "klatsch_refresh=t; Path=/api/sessions; Max-Age=2592000; HttpOnly; SameSite=Lax");
        let behind_tls = TestRequest::get().insert_header(("X-Forwarded-Proto", "https")).to_http_request();
        assert!(cookies.give(&behind_tls, "t").1.ends_with("; Secure"));
        let always = Cookies { always_secure: true, ..cookies };
        assert!(always.take(&plain).1.ends_with("Max-Age=0; HttpOnly; SameSite=Lax; Secure"));
    }

    #[test]
    fn it_is_found_among_others() {
        let token = |header: &str| {
            shown(&TestRequest::get().insert_header((header::COOKIE, header)).to_http_request())
        };
        assert_eq!(token("a=b; klatsch_refresh=x.1.y; c=d").as_deref(), Some("x.1.y"));
        assert_eq!(token("klatsch_refresh=x").as_deref(), Some("x"));
        for none in ["", "klatsch_refresh=", "xklatsch_refresh=x", "klatsch_refreshed=x"] {
            assert_eq!(token(none), None, "{none}");
        }
    }
}
