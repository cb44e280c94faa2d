//! The web page, embedded into the binary, and whatever path is not the API's.
//! The page itself is built elsewhere; without it a hint says how.

use std::{borrow::Cow, fmt::Write};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, EntityTag, Header, HeaderValue, IfNoneMatch},
    },
};
use rust_embed::{EmbeddedFile, RustEmbed};

use super::{Problem, error, policy};
use crate::domain::Code;

/// Where file names hold a hash of their content, so that they never change.
const HASHED: &str = "assets/";

const HINT: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Klatsch</title>\
<body><h1>Klatsch is running</h1>\
<p>Its web page was not built into this binary. Build it with <code>make web</code>, then the server again \
with <code>make build</code>.</p><p>The API is here: <a href=\"/api/openapi.json\">/api/openapi.json</a>.</p>";

#[derive(RustEmbed)]
#[folder = "web/dist"]
#[allow_missing = true]
struct Built;

/// The page.
pub(super) async fn index(request: HttpRequest) -> HttpResponse {
    html(&request, "index.html", policy::PAGE)
}

/// The page that shows the API and lets people try it.
pub(super) async fn docs(request: HttpRequest) -> HttpResponse {
    html(&request, "docs.html", policy::DOCS)
}

/// Files of the page, and its own paths, which a browser may ask for directly; nothing else.
pub(super) async fn other(request: HttpRequest) -> Result<HttpResponse, Problem> {
    let path = request.path().trim_start_matches('/');
    let reading = matches!(*request.method(), Method::GET | Method::HEAD);
    if path == "api" || path.starts_with("api/") {
        return Err(Code::NotFound.into());
    }
    match Built::get(path) {
        Some(_) if reading && path == "index.html" => Ok(html(&request, path, policy::PAGE)),
        Some(_) if reading && path == "docs.html" => Ok(html(&request, path, policy::DOCS)),
        Some(file) if reading => Ok(answer(&request, path, file)),
        Some(_) => error::method_not_allowed("GET, HEAD".to_owned()).await,
        None if reading && accepts_html(&request) => Ok(html(&request, "index.html", policy::PAGE)),
        None => Err(Code::NotFound.into()),
    }
}

fn html(request: &HttpRequest, name: &str, policy: &'static str) -> HttpResponse {
    let mut page = match Built::get(name) {
        Some(file) => answer(request, name, file),
        None => HttpResponse::Ok().content_type("text/html; charset=utf-8").body(HINT),
    };
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    page
}

fn answer(request: &HttpRequest, name: &str, file: EmbeddedFile) -> HttpResponse {
    let caching = match name.starts_with(HASHED) {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let tag = entity_tag(&file);
    let known = is_known(request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::CACHE_CONTROL, caching)).insert_header(header::ETag(tag));
    if known {
        return response.finish();
    }
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    match kind.type_() == mime_guess::mime::TEXT {
        true => response.content_type(format!("{kind}; charset=utf-8")),
        false => response.content_type(kind.as_ref()),
    };
    match file.data {
        Cow::Borrowed(bytes) => response.body(bytes),
        Cow::Owned(bytes) => response.body(bytes),
    }
}

fn entity_tag(file: &EmbeddedFile) -> EntityTag {
    let hash = file.metadata.sha256_hash();
    let mut text = String::with_capacity(32);
    for byte in &hash[..16] {
        write!(text, "{byte:02x}").expect("a string takes every write");
    }
    EntityTag::new_strong(text)
}

pub(super) fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => request.headers().contains_key(header::IF_NONE_MATCH),
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|one| one.weak_eq(tag)),
        Err(_) => false,
    }
}

fn accepts_html(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use actix_web::{http::StatusCode, test::TestRequest};

    use super::*;

    async fn status(request: TestRequest) -> StatusCode {
        match other(request.to_http_request()).await {
            Ok(response) => response.status(),
            Err(problem) => actix_web::ResponseError::status_code(&problem),
        }
    }

    #[actix_web::test]
    async fn a_browser_gets_the_page_on_its_own_paths_and_programs_are_told_what_is_not_there() {
        let browser = |path| TestRequest::get().uri(path).insert_header((header::ACCEPT, "text/html,*/*"));
        assert_eq!(status(browser("/rooms/x")).await, StatusCode::OK);
        assert_eq!(status(browser("/api/none")).await, StatusCode::NOT_FOUND);
        assert_eq!(status(browser("/rooms/x").method(Method::POST)).await, StatusCode::NOT_FOUND);
        assert_eq!(status(TestRequest::get().uri("/rooms/x")).await, StatusCode::NOT_FOUND);
        assert_eq!(status(TestRequest::get().uri("/../Cargo.toml")).await, StatusCode::NOT_FOUND);
    }

    #[test]
    fn a_browser_that_has_a_file_is_known_by_its_tag() {
        let tag = EntityTag::new_strong("a1".to_owned());
        let with = |value| TestRequest::get().insert_header((header::IF_NONE_MATCH, value)).to_http_request();
        for known in ["\"a1\"", "W/\"a1\"", "\"b\", \"a1\"", "*"] {
            assert!(is_known(&with(known), &tag), "{known}");
        }
        assert!(!is_known(&with("\"b\""), &tag));
        assert!(!is_known(&TestRequest::get().to_http_request(), &tag));
    }
}
