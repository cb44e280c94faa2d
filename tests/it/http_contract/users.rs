//! Users: who one is, how a nickname is compared, what a token opens.
//! Connecting as one is in `socket_contract::connect`.

use awc::http::Method;
use serde_json::json;

use super::{assert_names, assert_url_safe};
use crate::support::http::{Http, id_of, messages_of, text, user_from};
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;

#[actix_web::test]
async fn a_new_user_gets_an_identity_and_a_token() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let made = http.post("/api/users", json!({ "nickname": "Ada" })).await.expect(201);
    assert_names(&made, &["user", "token"]);
    assert_names(&made["user"], &["id", "nickname"]);
    assert_eq!(made["user"]["nickname"], "Ada");
    assert_url_safe(&text(&made["user"]["id"]));

    let ada = user_from(&made);
    let me = http.acting_as(&ada).get("/api/users/me").await.expect(200);
    assert_eq!(me, ada.me());
}

#[actix_web::test]
async fn nicknames_are_unique_however_they_are_written() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let made = http.post("/api/users", json!({ "nickname": "  Ada   Lovelace " })).await.expect(201);
    assert_eq!(made["user"]["nickname"], "Ada Lovelace", "spaces are prepared, case is kept");
    for same in ["Ada Lovelace", "ada lovelace", "ADA  LOVELACE", "Ａｄａ Lovelace", "Ada\u{3000}Lovelace"]
    {
        let answer = http.post("/api/users", json!({ "nickname": same })).await;
        answer.problem(409, "nickname_taken");
    }
    http.user("AdaLovelace").await;

    http.user("Ünal").await;
    http.post("/api/users", json!({ "nickname": "u\u{308}nal" })).await.problem(409, "nickname_taken");
}

#[actix_web::test]
async fn a_nickname_has_1_to_32_characters_after_preparation() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let longest = "가".repeat(32);
    for good in ["x", &longest, &format!("  {}  ", "b".repeat(32)), "유나", "😀", "🦀", "a.b-c_d@e"] {
        http.post("/api/users", json!({ "nickname": good })).await.expect(201);
    }
    let expanding = "ﬃ".repeat(11);
    for bad in ["", " ", "\u{3000}", &"c".repeat(33), &expanding, "a\u{7}b", "a\nb", "a\u{0}b"] {
        http.post("/api/users", json!({ "nickname": bad })).await.invalid("nickname");
    }
    for bad in
        [json!({}), json!({ "nickname": null }), json!({ "nickname": 7 }), json!({ "nickname": ["x"] })]
    {
        http.post("/api/users", bad).await.invalid("nickname");
    }
}

#[actix_web::test]
async fn with_a_secret_making_a_user_can_be_repeated() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let pair = json!({ "nickname": "Ada", "secret": "a secret of one's own" });
    let first = user_from(&http.post("/api/users", pair.clone()).await.expect(201));
    let second = user_from(&http.post("/api/users", pair).await.expect(200));
    assert_eq!(second.shown(), first.shown());
    assert_ne!(second.token, first.token);
    for token in [&first.token, &second.token] {
        let me = http.with_token(token).get("/api/users/me").await.expect(200);
        assert_eq!(me, first.me(), "earlier tokens stay good");
    }

    let wrong = json!({ "nickname": "Ada", "secret": "somebody else's secret" });
    http.post("/api/users", wrong).await.problem(409, "nickname_taken");
    http.post("/api/users", json!({ "nickname": "Ada" })).await.problem(409, "nickname_taken");

    http.user("Bob").await;
    let late = json!({ "nickname": "Bob", "secret": "a secret that comes late" });
    http.post("/api/users", late).await.problem(409, "nickname_taken");
}

#[actix_web::test]
async fn a_secret_has_16_to_64_characters() {
    let server = Server::start().await;
    let http = Http::to(&server);
    for (n, good) in ["s".repeat(16), "s".repeat(64), "비".repeat(64)].iter().enumerate() {
        let body = json!({ "nickname": format!("user {n}"), "secret": good });
        http.post("/api/users", body).await.expect(201);
    }
    for bad in [json!("s".repeat(15)), json!("s".repeat(65)), json!(""), json!(1234567890123456789_u64)] {
        http.post("/api/users", json!({ "nickname": "somebody", "secret": bad })).await.invalid("secret");
    }
}

#[actix_web::test]
async fn who_acts_needs_a_token() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let room = id_of(&http.acting_as(&ada).room("hall").await);
    let member = format!("/api/rooms/{room}/members/me");
    let acting = [
        (Method::GET, "/api/users/me", None),
        (Method::POST, "/api/rooms", Some(json!({ "name": "another" }))),
        (Method::PUT, &member, None),
        (Method::DELETE, &member, None),
        (Method::POST, &messages_of(&room), Some(json!({ "body": "hello" }))),
    ];
    for (method, path, body) in acting {
        let call = |http: &Http| {
            let call = http.call(method.clone(), path);
            match &body {
                Some(body) => call.json(body),
                None => call,
            }
        };
        let basic = format!("Basic {}", ada.token);
        let attempts = [
            call(&http),
            call(&http.with_token("no-such-token")),
            call(&http.with_token("")),
            call(&http).header("authorization", &basic),
            call(&http).header("authorization", &ada.token),
        ];
        for attempt in attempts {
            let answer = attempt.answer().await;
            answer.problem(401, "unauthenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        }
    }
}

#[actix_web::test]
async fn reading_needs_no_token() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let room = id_of(&http.acting_as(&ada).room("hall").await);
    for path in ["/api/rooms".into(), format!("/api/rooms/{room}"), messages_of(&room)] {
        http.get(&path).await.expect(200);
    }
    http.get(&format!("/api/rooms/{room}/members")).await.expect(200);
}

#[actix_web::test]
async fn tokens_and_secrets_are_neither_stored_nor_logged() {
    let server = Plan::default().on_sqlite().set("telemetry.log", "debug").start().await;
    let http = Http::to(&server);
    let secret = "a secret that nobody else may read";
    let made = http.post("/api/users", json!({ "nickname": "Ada", "secret": secret })).await.expect(201);
    let ada = user_from(&made);
    http.acting_as(&ada).room("hall").await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.join("hall").await;

    let mut stored = Vec::new();
    for file in std::fs::read_dir(server.database_file().parent().unwrap()).unwrap() {
        stored.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let stored = String::from_utf8_lossy(&stored);
    assert!(stored.contains(&ada.id), "this is not the database");
    for hidden in [&ada.token, secret] {
        assert!(!stored.contains(hidden), "{hidden} is in the database");
        assert!(!server.log().contains(hidden), "{hidden} is in the log");
    }
}
