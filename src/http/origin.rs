//! Which browsers' pages may call: the node's own, and those that the settings list.
//! Programs that are no browsers send no origin and are not concerned.

use actix_cors::Cors;
use actix_web::{
    HttpRequest,
    http::{Method, header},
    middleware::Condition,
};

use crate::config::AllowedOrigins;

/// Seconds for which a browser may remember what it was allowed.
const REMEMBER: usize = 3600;

/// Whether the page behind a request may use the server.
pub(super) fn allowed(request: &HttpRequest, allowed: &AllowedOrigins) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    is_of_host(request, origin) || allowed.allows_foreign(origin)
}

/// Whether the page behind a request may do so in the name of whoever sits before it, because a cookie says who that
/// is. That every page may call is not enough for it.
pub(super) fn trusted(request: &HttpRequest, allowed: &AllowedOrigins) -> bool {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return true };
    let Ok(origin) = origin.to_str() else { return false };
    let is_listed = !matches!(allowed, AllowedOrigins::Any) && allowed.allows_foreign(origin);
    is_of_host(request, origin) || is_listed
}

fn is_of_host(request: &HttpRequest, origin: &str) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    host.is_some_and(|host| is_own(origin, host))
}

/// Answers browsers that ask whether a page of another origin may call; silent where none may.
pub(super) fn cors(allowed: &AllowedOrigins) -> Condition<Cors> {
    let cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .allowed_header("Last-Event-ID")
        .expose_headers([header::LOCATION, header::RETRY_AFTER])
        .expose_headers(["RateLimit", "RateLimit-Policy"])
        .max_age(REMEMBER);
    let (enabled, cors) = match allowed.clone() {
        AllowedOrigins::SameOrigin => (false, cors),
        AllowedOrigins::Any => (true, cors.allow_any_origin().send_wildcard()),
        listed => {
            let foreign = move |origin: &header::HeaderValue| {
                origin.to_str().is_ok_and(|origin| listed.allows_foreign(origin))
            };
            // A listed page may use the cookie of a session, which its browser only sends to the same site.
            (true, cors.allowed_origin_fn(move |origin, _| foreign(origin)).supports_credentials())
        }
    };
    Condition::new(enabled, cors)
}

/// Whether an origin is that of the host that was asked. The scheme is not compared: behind a proxy that ends
/// TLS, the server does not know it.
fn is_own(origin: &str, host: &str) -> bool {
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    let port = match scheme.to_ascii_lowercase().as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return false,
    };
    // A browser leaves out the port that its scheme implies; not everybody does in `Host`.
    let host = host.strip_suffix(port).unwrap_or(host);
    let authority = authority.strip_suffix(port).unwrap_or(authority);
    !host.is_empty() && authority.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn may_call(origin: Option<&str>, host: &str, settings: &[&str]) -> bool {
        let settings: Vec<String> = settings.iter().map(|&origin| origin.to_owned()).collect();
        let mut request = TestRequest::get().insert_header((header::HOST, host));
        if let Some(origin) = origin {
            request = request.insert_header((header::ORIGIN, origin));
        }
        allowed(&request.to_http_request(), &AllowedOrigins::try_from(settings).unwrap())
    }

    #[test]
    fn programs_and_own_pages_may_always_call() {
        assert!(may_call(None, "chat.example", &[]));
        assert!(may_call(Some("https://Chat.example"), "chat.example", &[]));
        assert!(may_call(Some("https://chat.example"), "chat.example:443", &[]));
        assert!(may_call(Some("http://localhost:8080"), "localhost:8080", &["https://a.example"]));
    }

    #[test]
    fn a_cookie_is_for_own_and_listed_pages_whoever_else_may_call() {
        let is_trusted = |origin: &str, settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|&origin| origin.to_owned()).collect();
            let request = TestRequest::post()
                .insert_header((header::HOST, "chat.example"))
                .insert_header((header::ORIGIN, origin));
            trusted(&request.to_http_request(), &AllowedOrigins::try_from(settings).unwrap())
        };
        assert!(is_trusted("https://chat.example", &[]));
        assert!(is_trusted("https://a.example", &["https://a.example"]));
        for settings in [&["*"][..], &["https://a.example"], &[]] {
            assert!(!is_trusted("https://evil.example", settings), "{settings:?}");
            assert!(!is_trusted("null", settings), "{settings:?}");
        }
    }

    #[test]
    fn foreign_pages_may_call_where_they_are_listed() {
        assert!(!may_call(Some("https://evil.example"), "chat.example", &[]));
        assert!(!may_call(Some("http://localhost:3000"), "localhost:8080", &[]));
        assert!(!may_call(Some("https://chat.example.evil"), "chat.example", &["https://a.example"]));
        assert!(!may_call(Some("null"), "chat.example", &[]));
        assert!(may_call(Some("https://a.example"), "chat.example", &["https://a.example"]));
        assert!(may_call(Some("null"), "chat.example", &["*"]));
    }
}
