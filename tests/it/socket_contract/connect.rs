//! Connecting: by nickname, secret and token, in time, and from an origin that is welcome.
//! What may be asked for once connected is in the files beside this one.

use serde_json::{Value, json};

use super::hall;
use crate::support::http::{Http, text, user_from};
use crate::support::raw::RawSocket;
use crate::support::server::{Plan, Server};
use crate::support::socket::{Opening, Socket};

#[actix_web::test]
async fn a_guest_connects_with_a_nickname_and_gets_a_token() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    let connected = socket.ask("connect", json!({ "nickname": " Ada  L " })).await;
    assert_eq!(connected["type"], "connected", "{connected}");
    assert_eq!(connected["user"]["nickname"], "Ada L");
    assert_eq!(connected["heartbeat_s"], 25);
    assert!(!text(&connected["session"]).is_empty());
    let ada = user_from(&connected);

    let me = Http::to(&server).acting_as(&ada).get("/api/users/me").await.expect(200);
    assert_eq!(me, ada.me());

    let mut second = Socket::open(&server).await;
    let again = second.connect(&ada).await;
    assert_eq!(again["user"], ada.shown());
    assert_ne!(again["session"], connected["session"]);
    assert!(again.get("token").is_none_or(|token| token.is_null() || token == &ada.token), "{again}");
}

#[actix_web::test]
async fn a_secret_opens_the_same_identity_again() {
    let server = Server::start().await;
    let pair = json!({ "nickname": "Ada", "secret": "a secret of one's own" });
    let mut users = Vec::new();
    for _ in 0..2 {
        let connected = Socket::open(&server).await.ask("connect", pair.clone()).await;
        users.push(user_from(&connected));
    }
    assert_eq!(users[0].shown(), users[1].shown());
    let wrong = json!({ "nickname": "Ada", "secret": "somebody else's secret" });
    Socket::open(&server).await.refused("connect", wrong, "nickname_taken").await;
}

#[actix_web::test]
async fn a_refused_nickname_leaves_the_socket_open() {
    let (server, _, _, _) = hall().await;
    let mut socket = Socket::open(&server).await;
    for taken in ["Ada", "ada", " ＡＤＡ"] {
        socket.refused("connect", json!({ "nickname": taken }), "nickname_taken").await;
    }
    for bad in [json!(""), json!("x".repeat(33)), json!("a\u{0}"), json!(7)] {
        socket.invalid("connect", json!({ "nickname": bad }), "nickname").await;
    }
    socket.invalid("connect", json!({ "nickname": "Bob", "secret": "short" }), "secret").await;
    socket.refused("connect", json!({}), "invalid").await;
    let connected = socket.ask("connect", json!({ "nickname": "Bob" })).await;
    assert_eq!(connected["type"], "connected", "{connected}");
}

#[actix_web::test]
async fn a_bad_token_is_closed_with_4500() {
    let server = Server::start().await;
    let mut socket = Socket::open(&server).await;
    socket.refused("connect", json!({ "token": "no-such-token" }), "unauthenticated").await;
    socket.is_closed_with(4500).await;
}

#[actix_web::test]
async fn a_second_connect_is_refused_and_harmless() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.refused("connect", json!({ "token": ada.token }), "already_connected").await;
    socket.refused("connect", json!({ "nickname": "Bob" }), "already_connected").await;
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
}

#[actix_web::test]
async fn before_connect_there_is_only_ping() {
    let (server, _, ada, room) = hall().await;
    let mut socket = Socket::open(&server).await;
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    for kind in ["join", "leave", "part"] {
        socket.refused(kind, json!({ "room": room }), "unauthenticated").await;
    }
    socket.refused("send", json!({ "room": room, "body": "hello" }), "unauthenticated").await;
    for kind in ["watch", "unwatch"] {
        socket.refused(kind, json!({ "what": "rooms" }), "unauthenticated").await;
    }
    socket.connect(&ada).await;
}

#[actix_web::test]
async fn who_does_not_connect_in_time_is_closed_with_4500() {
    let server = Plan::default().set("socket.connect_timeout_s", 3).start().await;
    assert_eq!(RawSocket::open(&server).await.close_code().await, Some(4500));
    let mut pinging = Socket::open(&server).await;
    assert_eq!(pinging.ask("ping", json!({})).await["type"], "pong");
    pinging.is_closed_with(4500).await;

    // Connected in time: the deadline that closed the others does not close this one.
    let (mut connected, _) = Socket::guest(&server, "Ada").await;
    assert_eq!(RawSocket::open(&server).await.close_code().await, Some(4500));
    assert_eq!(connected.ask("ping", json!({})).await["type"], "pong");
}

#[actix_web::test]
async fn an_origin_must_be_the_own_one_or_allowed() {
    let friend = "https://friend.example";
    let strict = Server::start().await;
    let open = Plan::default().set("server.allowed_origins", friend).start().await;
    let own = format!("http://{}", strict.address());
    let cases = [
        (&strict, own.as_str(), true),
        (&strict, friend, false),
        (&strict, "null", false),
        (&strict, "http://127.0.0.1:1", false),
        (&strict, "https://127.0.0.1.friend.example", false),
        (&open, friend, true),
        (&open, "http://friend.example", false),
        (&open, "https://friend.example.evil.example", false),
    ];
    for (server, origin, welcome) in cases {
        let how = Opening { headers: &[("origin", origin)], receive_buffer: None };
        match Socket::open_as(server, how).await {
            Ok(_) => assert!(welcome, "{origin} was let in"),
            Err(refused) => {
                assert!(!welcome, "{origin} was refused: {refused:?}");
                assert_eq!(refused.status, 403, "{refused:?}");
                let problem: Value = serde_json::from_str(&refused.body).unwrap();
                assert_eq!(problem["code"], "origin_not_allowed", "{problem}");
            }
        }
    }
}

#[actix_web::test]
async fn the_socket_is_no_page() {
    let server = Server::start().await;
    let answer = Http::to(&server).get("/api/socket").await;
    assert!((400..500).contains(&answer.status), "{answer:?}");
    assert!(answer.header("content-type").starts_with("application/problem+json"), "{answer:?}");
}

#[actix_web::test]
async fn extensions_and_protocols_that_a_browser_offers_are_declined() {
    let server = Server::start().await;
    let headers = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];
    let mut socket =
        Socket::open_as(&server, Opening { headers: &headers, receive_buffer: None }).await.unwrap();
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
}

/// Behind a proxy and by name, the own origin is that of the host that was asked for.
#[actix_web::test]
async fn the_own_origin_is_that_of_the_host_that_was_asked() {
    let server = Server::start().await;
    let cases = [
        ("localhost:8080", "http://localhost:8080", true),
        ("chat.example", "https://chat.example", true),
        ("chat.example", "https://CHAT.example", true),
        ("chat.example", "https://evil.example", false),
        ("chat.example", "https://chat.example.evil.example", false),
        ("chat.example:8080", "https://chat.example", false),
    ];
    for (host, origin, welcome) in cases {
        let headers = [("host", host), ("origin", origin)];
        let opened = Socket::open_as(&server, Opening { headers: &headers, receive_buffer: None }).await;
        assert_eq!(opened.is_ok(), welcome, "{origin} on {host}");
    }
}
