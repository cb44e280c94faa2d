//! What a server tells about itself, and which pages of other origins it lets in.
//! Which origins may open a socket is in `socket_contract::connect`.

use awc::http::Method;

use super::eleven_records;
use crate::support::http::{Http, text};
use crate::support::server::{Plan, Server};

#[actix_web::test]
async fn openapi_describes_every_call_and_asyncapi_is_beside_it() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let openapi = http.get("/api/openapi.json").await.expect(200);
    assert!(text(&openapi["openapi"]).starts_with("3.1"), "{}", openapi["openapi"]);
    let calls = [
        ("/api/users", &["post"][..]),
        ("/api/users/me", &["get", "patch"]),
        ("/api/users/me/password", &["put"]),
        ("/api/users/{}/ban", &["put", "delete"]),
        ("/api/users/{}/role", &["put"]),
        ("/api/accounts", &["post"]),
        ("/api/sessions", &["get", "post"]),
        ("/api/sessions/refresh", &["post"]),
        ("/api/sessions/current", &["delete"]),
        ("/api/sessions/{}", &["delete"]),
        ("/api/availability", &["get"]),
        ("/.well-known/jwks.json", &["get"]),
        ("/api/rooms", &["get", "post"]),
        ("/api/rooms/{}", &["get"]),
        ("/api/rooms/{}/members", &["get"]),
        ("/api/rooms/{}/members/me", &["put", "delete"]),
        ("/api/rooms/{}/messages", &["get", "post"]),
        ("/api/rooms/{}/events", &["get"]),
        ("/healthz", &["get"]),
        ("/readyz", &["get"]),
        ("/metrics", &["get"]),
    ];
    let described = openapi["paths"].as_object().unwrap();
    for (path, methods) in calls {
        let found = described.iter().find(|(name, _)| without_parameter_names(name) == path);
        let (_, found) = found.unwrap_or_else(|| panic!("{path} is not described"));
        for method in methods {
            assert!(found.get(*method).is_some(), "{method} {path} is not described");
        }
    }
    let asyncapi = http.get("/api/asyncapi.json").await.expect(200);
    assert_eq!(text(&asyncapi["asyncapi"]), "3.0.0");
    let docs = http.get("/api/docs").await;
    assert_eq!(docs.status, 200);
    assert!(docs.header("content-type").starts_with("text/html"), "{docs:?}");
}

#[actix_web::test]
async fn a_healthy_server_says_so_and_shows_figures() {
    let server = Server::start().await;
    let (http, _, _) = eleven_records(&server).await;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(http.get(path).await.status, 200, "{path}");
    }
    let metrics = http.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("text/plain"), "{}", metrics.header("content-type"));
    let text = metrics.text();
    for kind in ["# TYPE klatsch_", " counter", " gauge", " histogram", "_bucket{", "_total"] {
        assert!(text.contains(kind), "no {kind} in\n{text}");
    }
}

#[actix_web::test]
async fn other_origins_are_let_in_only_by_the_setting() {
    let friend = "https://friend.example";
    let strict = Server::start().await;
    let open = Plan::default().set("server.allowed_origins", friend).start().await;
    let preflight = |server: &Server| {
        Http::to(server)
            .call(Method::OPTIONS, "/api/rooms")
            .header("origin", friend)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .answer()
    };
    let refused = preflight(&strict).await;
    assert_eq!(refused.header("access-control-allow-origin"), "", "{refused:?}");
    let allowed = preflight(&open).await;
    assert_eq!(allowed.header("access-control-allow-origin"), friend, "{allowed:?}");
    let simple = Http::to(&open).call(Method::GET, "/api/rooms").header("origin", friend).answer().await;
    assert_eq!(simple.header("access-control-allow-origin"), friend, "{simple:?}");
    let own = format!("http://{}", strict.address());
    Http::to(&strict).call(Method::GET, "/api/rooms").header("origin", &own).answer().await.expect(200);
}

/// `/api/rooms/{id}` and `/api/rooms/{room}` both as `/api/rooms/{}`.
fn without_parameter_names(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
