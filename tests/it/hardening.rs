//! What every answer tells a browser not to do with it, and requests that never end.
//! Whether a browser obeys is tried in `web/tests/browser`.

use std::time::Instant;

use data_encoding::BASE64;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::http::{Answer, Http};
use crate::support::server::{Plan, Server};
use crate::support::{PATIENCE, within};

const CSP: &str = "content-security-policy";

fn must_be_hardened(answer: &Answer, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(answer.header(name), value, "{what}");
    }
    assert!(answer.header("permissions-policy").contains("camera=()"), "{what}");
    let policy = answer.header(CSP);
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors "), "{what}: {policy}");
    // A node that does not speak TLS itself says nothing of it.
    assert_eq!(answer.header("strict-transport-security"), "", "{what}");
}

#[actix_web::test]
async fn every_answer_is_hardened_whoever_made_it() {
    let server = Server::start().await;
    let http = Http::to(&server);
    for path in [
        "/",
        "/rooms/any",
        "/api/docs",
        "/api/openapi.json",
        "/api/rooms",
        "/api/rooms/none",
        "/api/none",
        "/assets/none.js",
        "/api/users",
        "/api/users/me",
        "/healthz",
        "/metrics",
        "/api/socket",
        "/ws/none/none/none",
    ] {
        let answer = http.get(path).await;
        must_be_hardened(&answer, path);
        assert!(answer.header(CSP).contains("frame-ancestors 'none'") || path.starts_with("/ws"), "{path}");
        assert!(!answer.header(CSP).contains("unsafe"), "{path}: {}", answer.header(CSP));
    }
    must_be_hardened(&http.post("/api/users", json!([])).await, "a refused body");
    let foreign = http.call(awc::http::Method::GET, "/ws/info").header("origin", "https://evil.example");
    let foreign = foreign.answer().await;
    foreign.problem(403, "origin_not_allowed");
    must_be_hardened(&foreign, "a refused origin");
}

#[actix_web::test]
async fn the_hidden_page_of_sockjs_is_framed_by_pages_that_may_call_and_runs_nothing_else() {
    let server = Plan::default().set("server.allowed_origins", "https://a.example").start().await;
    let http = Http::to(&server);
    let page = http.get("/ws/iframe.html").await;
    must_be_hardened(&page, "the hidden page");
    let policy = page.header(CSP);
    assert!(policy.contains("frame-ancestors 'self' https://a.example"), "{policy}");
    assert_eq!(page.header("x-frame-options"), "");
    let text = page.text();
    let inline = text.split("<script>").nth(1).and_then(|rest| rest.split("</script>").next()).unwrap();
    let hash = format!("'sha256-{}'", BASE64.encode(&Sha256::digest(inline)));
    assert!(policy.contains(&hash) && !policy.contains("unsafe"), "{policy} has no {hash}");
    let other = http.get("/ws/info").await;
    assert!(other.header(CSP).contains("frame-ancestors 'self' https://a.example"), "{}", other.header(CSP));
    assert_eq!(other.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(http.get("/").await.header("x-frame-options"), "DENY");
}

/// What comes back for bytes after which nothing follows, until the server closes.
async fn left_alone(server: &Server, bytes: &str) -> String {
    let (since, mut stream) = (Instant::now(), TcpStream::connect(server.address()).await.unwrap());
    stream.write_all(bytes.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A reset after an answer is still an answer.
    let _ = within("the end of a slow request", stream.read_to_end(&mut answer)).await;
    assert!(since.elapsed() < PATIENCE / 2, "a slow request was waited for: {bytes}");
    String::from_utf8_lossy(&answer).into_owned()
}

#[actix_web::test]
async fn a_request_that_does_not_go_on_is_not_waited_for() {
    let server = Plan::default().set("server.request_timeout_s", 1).start().await;
    let head = left_alone(&server, "POST /api/users HTTP/1.1\r\nHost: a\r\nContent-Le").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let body = "POST /api/users HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"nick";
    let answer = left_alone(&server, body).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_connection_without_a_request_is_not_kept() {
    let server = Plan::default().set("server.keep_alive_s", 1).start().await;
    let answer = left_alone(&server, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
