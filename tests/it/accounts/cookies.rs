//! The cookie that keeps a browser's refresh token: where it goes, what it is marked as, which pages may use it.
//! What a refresh gives is in `sessions`.

use awc::http::Method;
use serde_json::json;

use super::{PASSWORD, acting_in, plan, sign_up};
use crate::support::http::{Answer, Http};
use crate::support::server::Server;

/// A login from a browser, and the value of the cookie that it was given.
async fn log_in(http: &Http) -> (serde_json::Value, String) {
    let body = json!({ "login": "ada", "password": PASSWORD, "cookie": true });
    let answer = http.post("/api/sessions", body).await;
    let session = answer.expect(201);
    (session, cookie_of(&answer))
}

fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.header("set-cookie");
    let (pair, marks) = cookie.split_once("; ").expect(cookie);
    for mark in ["Path=/api/sessions", "HttpOnly", "SameSite=Lax"] {
        assert!(marks.contains(mark), "{cookie}");
    }
    assert!(!marks.contains("Domain"), "{cookie}");
    pair.to_owned()
}

async fn refresh(server: &Server, cookie: &str, origin: Option<&str>) -> Answer {
    let call = Http::to(server).call(Method::POST, "/api/sessions/refresh").json(&json!({}));
    let call = call.header("cookie", cookie);
    match origin {
        Some(origin) => call.header("origin", origin).answer().await,
        None => call.answer().await,
    }
}

#[actix_web::test]
async fn a_browser_keeps_its_refresh_token_where_no_script_reads_it() {
    let server = plan().start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    let (session, first) = log_in(&http).await;
    assert!(session.get("refresh_token").is_none(), "{session}");
    let own = format!("http://{}", server.address());
    let answer = refresh(&server, &format!("other=1; {first}"), Some(&own)).await;
    let refreshed = answer.expect(200);
    assert_eq!(refreshed["session"], session["session"]);
    assert!(refreshed.get("refresh_token").is_none(), "{refreshed}");
    let second = cookie_of(&answer);
    assert_ne!(second, first);

    let gone = acting_in(&http, &refreshed).delete("/api/sessions/current").await;
    assert_eq!(gone.status, 204);
    assert_eq!(cookie_of(&gone), "klatsch_refresh=");
    assert!(gone.header("set-cookie").contains("Max-Age=0"));
    refresh(&server, &second, Some(&own)).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn no_foreign_page_can_use_the_cookie() {
    for (origins, may_call) in [("", false), ("*", false), ("https://friend.example", true)] {
        let server = plan().set("server.allowed_origins", origins).start().await;
        let http = Http::to(&server);
        sign_up(&http, "ada").await;
        let (_, cookie) = log_in(&http).await;
        refresh(&server, &cookie, Some("https://evil.example")).await.problem(403, "origin_not_allowed");
        refresh(&server, &cookie, Some("null")).await.problem(403, "origin_not_allowed");
        let friend = refresh(&server, &cookie, Some("https://friend.example")).await;
        assert_eq!(friend.status, if may_call { 200 } else { 403 }, "{origins}: {}", friend.text());
        let credentials = friend.header("access-control-allow-credentials");
        assert_eq!(credentials, if may_call { "true" } else { "" }, "{origins}");
    }
}

#[actix_web::test]
async fn a_form_of_another_page_is_no_refresh() {
    let server = plan().start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    let (_, cookie) = log_in(&http).await;
    for (kind, body) in
        [("application/x-www-form-urlencoded", "a=b"), ("text/plain", "{}"), ("multipart/form-data", "{}")]
    {
        let call = http.call(Method::POST, "/api/sessions/refresh").body(kind, body);
        call.header("cookie", &cookie).answer().await.problem(415, "unsupported_media_type");
    }
    refresh(&server, &cookie, None).await.expect(200);
}

#[actix_web::test]
async fn the_cookie_is_for_tls_alone_where_there_is_tls() {
    let server = plan().start().await;
    let behind_tls = Http::to(&server);
    sign_up(&behind_tls, "ada").await;
    let body = json!({ "login": "ada", "password": PASSWORD, "cookie": true });
    let call = behind_tls.call(Method::POST, "/api/sessions").json(&body);
    let answer = call.header("x-forwarded-proto", "https").answer().await;
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{answer:?}");
    let plain = behind_tls.post("/api/sessions", body.clone()).await;
    assert!(!plain.header("set-cookie").contains("Secure"), "{plain:?}");
    let always = plan().set("auth.secure_cookies", true).start().await;
    sign_up(&Http::to(&always), "ada").await;
    let answer = Http::to(&always).post("/api/sessions", body).await;
    assert!(answer.header("set-cookie").ends_with("; Secure"), "{answer:?}");
}
