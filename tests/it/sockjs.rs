//! SockJS: every transport carries a conversation, and what becomes of its sessions.
//! The native protocol is what is said here; what its words mean is in `socket_contract`.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::json;

use crate::storage_faults::Lock;
use crate::support::http::{Http, id_of, text};
use crate::support::raw::{RawSocket, opcode};
use crate::support::server::{Plan, Server};
use crate::support::sockjs::{SERVICE, SockJs, Stream, Transport};
use crate::support::{breath, until};

async fn sessions(http: &Http) -> f64 {
    http.figure("klatsch_connections{transport=\"sockjs\"}").await
}

#[actix_web::test]
async fn every_transport_carries_a_conversation_both_ways() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let room = id_of(&Http::to(&server).acting_as(&ada).room("hall").await);
    for transport in Transport::ALL {
        let mut session = SockJs::open(&server, transport, &format!("{transport:?}")).await;
        let connected = session.ask("connect", json!({ "token": ada.token })).await;
        assert_eq!(connected["user"]["nickname"], "Ada", "{transport:?}: {connected}");
        assert_eq!(session.ask("join", json!({ "room": room })).await["type"], "joined", "{transport:?}");
        let body = "한글 😀 \u{2028}\u{200d}\u{ffff}</script>\"\\\n";
        session.tell(&[json!({ "type": "send", "room": room, "body": body })]).await;
        let said = session.record_of_kind("message").await;
        assert_eq!(said["body"], body, "{transport:?}");
    }
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_websocket_carries_frames_of_sockjs() {
    let server = Plan::default().set("sockjs.heartbeat_s", 1).start().await;
    let mut socket = RawSocket::open_at(&server, &format!("{SERVICE}/0/websocket/websocket")).await;
    assert_eq!(text_of(&mut socket).await, "o");
    for sent in ["", "[]", r#"["{\"type\":\"connect\",\"nickname\":\"Ada\"}"]"#] {
        socket.send_text(sent).await;
    }
    let connected = text_of(&mut socket).await;
    assert!(connected.starts_with(r#"a["{\"type\":\"connected\""#), "{connected}");
    // One text is taken as well as an array of them.
    socket.send_text(r#""{\"type\":\"ping\"}""#).await;
    while text_of(&mut socket).await != r#"a["{\"type\":\"pong\"}"]"# {}
    while text_of(&mut socket).await != "h" {}
    socket.send_text("[\"x").await;
    assert_eq!(socket.close_code().await, Some(4502));
}

#[actix_web::test]
async fn a_plain_websocket_needs_no_frames_of_sockjs() {
    let server = Server::start().await;
    for path in [SERVICE.to_owned(), format!("{SERVICE}/websocket")] {
        let mut socket = RawSocket::open_at(&server, &path).await;
        socket.send_text(r#"{"type":"connect","nickname":"Ada","secret":"the-secret-of-ada"}"#).await;
        assert!(text_of(&mut socket).await.starts_with(r#"{"type":"connected""#), "{path}");
    }
}

#[actix_web::test]
async fn a_stop_is_said_in_the_frames_of_a_websocket() {
    let mut server = Server::start().await;
    let mut socket = RawSocket::open_at(&server, &format!("{SERVICE}/0/stop/websocket")).await;
    assert_eq!(text_of(&mut socket).await, "o");
    server.ask_to_stop();
    assert!(text_of(&mut socket).await.contains("closing"));
    assert_eq!(text_of(&mut socket).await, r#"c[4000,"going_away"]"#);
    assert_eq!(socket.close_code().await, Some(4000));
    drop(socket);
    assert!(server.has_stopped().await.success());
}

#[actix_web::test]
async fn without_websockets_clients_are_told_so_and_refused() {
    let server = Plan::default().set("sockjs.websocket", false).start().await;
    let http = Http::to(&server);
    assert_eq!(http.get(&format!("{SERVICE}/info")).await.expect(200)["websocket"], false);
    http.get(&format!("{SERVICE}/0/off/websocket")).await.problem(404, "not_found");
}

/// The next text, pings passed over.
async fn text_of(socket: &mut RawSocket) -> String {
    loop {
        let frame = socket.hear().await.unwrap();
        if frame.opcode == opcode::TEXT {
            return String::from_utf8(frame.payload).unwrap();
        }
    }
}

#[actix_web::test]
async fn a_session_survives_between_polls_and_misses_nothing() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let mut session = SockJs::open(&server, Transport::Xhr, "between").await;
    session.ask("connect", json!({ "token": ada.token })).await;
    session.ask("join", json!({ "room": room })).await;
    for word in ["one", "two", "three"] {
        http.say(&room, word).await;
    }
    let mut heard = Vec::new();
    for _ in 0..3 {
        heard.push(text(&session.record_of_kind("message").await["body"]));
    }
    assert_eq!(heard, ["one", "two", "three"]);
}

#[actix_web::test]
async fn a_session_that_nobody_receives_ends() {
    let server = Plan::default().set("sockjs.disconnect_s", 1).start().await;
    let http = Http::to(&server);
    let session = SockJs::open(&server, Transport::Xhr, "left").await;
    let left = Instant::now();
    assert_eq!(session.send("[]").await.status, 204);
    until("the end of the session", async || sessions(&http).await == 0.0).await;
    assert!(left.elapsed() >= Duration::from_millis(900), "it ended after {:?}", left.elapsed());
    session.send("[]").await.problem(404, "not_found");
    // Its name is free again.
    assert_eq!(session.poll().await.text(), "o\n");
}

#[actix_web::test]
async fn a_second_receiver_is_refused_and_the_first_goes_on() {
    let server = Server::start().await;
    for transport in [Transport::XhrStreaming, Transport::EventSource, Transport::HtmlFile] {
        let mut first = SockJs::open(&server, transport, &format!("{transport:?}")).await;
        let mut second = SockJs::new(&server, transport, &format!("{transport:?}"));
        assert_eq!(second.frame().await, r#"c[2010,"Another connection still open"]"#);
        assert_eq!(first.ask("ping", json!({})).await["type"], "pong");
    }
}

#[actix_web::test]
async fn a_stream_that_broke_off_ends_its_session() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let mut session = SockJs::open(&server, Transport::XhrStreaming, "broken").await;
    session.break_off();
    until("the end of the conversation", async || sessions(&http).await == 0.0).await;
    assert_eq!(session.frame().await, r#"c[1002,"Connection interrupted"]"#);
    // What is sent to a session that has ended is thrown away, as by a socket that closes.
    assert_eq!(session.send("[\"late\"]").await.status, 204);
}

#[actix_web::test]
async fn garbage_is_answered_with_an_error_and_kills_nothing() {
    let server = Server::start().await;
    let mut session = SockJs::open(&server, Transport::Xhr, "garbage").await;
    for garbage in ["[\"x", "{}", "[1]", "null", "\u{0}", "[[]]", "]", &"[".repeat(50_000)] {
        let answer = session.send(garbage.to_owned()).await;
        assert_eq!((answer.status, answer.text().as_str()), (500, "Broken JSON encoding."), "{garbage:.20}");
    }
    let answer = session.send(vec![b'"', 0xff, 0xfe, b'"']).await;
    assert!(matches!(answer.status, 204 | 500), "{answer:?}");
    let answer = session.send("").await;
    assert_eq!((answer.status, answer.text().as_str()), (500, "Payload expected."));
    session.send("x".repeat(100_000)).await.problem(413, "too_large");
    assert_eq!(session.ask("ping", json!({})).await["type"], "pong");
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn who_sends_faster_than_the_node_can_store_is_held_up_and_then_refused() {
    let plan = Plan::default().on_sqlite().set("database.busy_timeout_ms", 60_000);
    let plan = plan.set("limits.body_bytes", 700).set("server.request_bytes", 1024);
    let server = plan.set("socket.in_flight", 1).set("sockjs.disconnect_s", 60).start().await;
    let ada = Http::to(&server).user("Ada").await;
    let room = id_of(&Http::to(&server).acting_as(&ada).room("hall").await);
    let mut session = SockJs::open(&server, Transport::Xhr, "fast").await;
    session.ask("connect", json!({ "token": ada.token })).await;
    session.ask("join", json!({ "room": room })).await;

    let lock = Lock::on(&server);
    let send = |body: &str| json!({ "type": "send", "room": room, "body": body.repeat(600) });
    session.tell(&[send("a")]).await;
    let refused = session.send(json!([send("b").to_string()]).to_string()).await;
    refused.problem(503, "overloaded");
    drop(lock);

    assert!(text(&session.record_of_kind("message").await["body"]).starts_with('a'));
    session.tell(&[send("c")]).await;
    assert!(text(&session.record_of_kind("message").await["body"]).starts_with('c'));
}

#[actix_web::test]
async fn a_callback_that_is_more_than_a_name_is_refused() {
    let server = Server::start().await;
    let http = Http::to(&server);
    for transport in ["jsonp", "htmlfile"] {
        for callback in ["alert(1)//", "a%20b", "%3Cscript%3E", "x%0a"] {
            let answer = http.get(&format!("{SERVICE}/0/callback/{transport}?c={callback}")).await;
            assert_eq!(answer.status, 500);
            assert_eq!(answer.text(), "invalid \"callback\" parameter");
        }
        let answer = http.get(&format!("{SERVICE}/0/callback/{transport}")).await;
        assert_eq!(answer.text(), "\"callback\" parameter required");
    }
    assert_eq!(sessions(&http).await, 0.0);
}

#[actix_web::test]
async fn sending_to_a_session_of_another_node_is_not_found() {
    let (one, other) = (Server::start().await, Server::start().await);
    let session = SockJs::open(&one, Transport::Xhr, "elsewhere").await;
    let strayed = SockJs::new(&other, Transport::Xhr, "elsewhere");
    strayed.send("[\"x\"]").await.problem(404, "not_found");
    assert_eq!(session.send("[]").await.status, 204);
}

#[actix_web::test]
async fn thousands_of_abandoned_sessions_are_freed() {
    let server = Plan::default().set("sockjs.disconnect_s", 1).set("sockjs.sessions", 3000).start().await;
    let http = Http::to(&server);
    let mut refused = 0;
    for batch in 0..40 {
        let calls = (0..100).map(|number| {
            let call = http.call(Method::POST, &format!("{SERVICE}/0/s{batch}-{number}/xhr"));
            async move { call.answer().await.status }
        });
        let statuses = futures_util::future::join_all(calls).await;
        assert!(statuses.iter().all(|status| matches!(status, 200 | 503)), "{statuses:?}");
        refused += statuses.iter().filter(|status| **status == 503).count();
    }
    println!("{refused} of 4000 sessions were refused as too many");
    until("the end of all sessions", async || sessions(&http).await == 0.0).await;
    assert_eq!(SockJs::new(&server, Transport::Xhr, "after").poll().await.text(), "o\n");
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn more_sessions_than_may_be_are_refused() {
    let server = Plan::default().set("sockjs.sessions", 2).start().await;
    for name in ["a", "b"] {
        SockJs::open(&server, Transport::Xhr, name).await;
    }
    SockJs::new(&server, Transport::Xhr, "c").poll().await.problem(503, "overloaded");
}

#[actix_web::test]
async fn a_stop_says_goodbye_to_every_transport() {
    let mut server = Server::start().await;
    let mut sessions = Vec::new();
    for transport in [Transport::XhrStreaming, Transport::EventSource, Transport::HtmlFile] {
        sessions.push(SockJs::open(&server, transport, &format!("{transport:?}")).await);
    }
    let polling = SockJs::open(&server, Transport::Xhr, "polling").await;
    let waiting = actix_web::rt::spawn(async move { polling.poll().await.text() });
    // Nothing shows that a poll is held, and a busy machine may take its time to hold it.
    for _ in 0..50 {
        breath().await;
    }
    server.ask_to_stop();
    for session in &mut sessions {
        let mut frame = session.frame().await;
        if frame.starts_with('a') {
            // The words of the native protocol come first.
            assert!(frame.contains("closing"), "{frame}");
            frame = session.frame().await;
        }
        assert_eq!(frame, r#"c[4000,"going_away"]"#);
    }
    assert!(waiting.await.unwrap().contains("closing"));
    assert!(server.has_stopped().await.success());
}

#[actix_web::test]
async fn who_never_says_who_they_are_is_ended() {
    let server = Plan::default().set("socket.connect_timeout_s", 1).start().await;
    let mut session = SockJs::open(&server, Transport::XhrStreaming, "stranger").await;
    assert_eq!(session.of_type("closing").await["code"], 4500);
    assert_eq!(session.frame().await, r#"c[4500,"unauthenticated"]"#);
}

#[actix_web::test]
async fn an_idle_session_gets_signs_of_life() {
    let server = Plan::default().set("sockjs.heartbeat_s", 1).start().await;
    for transport in Transport::ALL {
        let mut session = SockJs::open(&server, transport, &format!("{transport:?}")).await;
        assert_eq!(session.frame().await, "h", "{transport:?}");
    }
}

#[actix_web::test]
async fn a_stream_ends_after_its_limit_and_the_next_goes_on() {
    let server = Plan::default().set("sockjs.response_bytes", 1024).start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let path = format!("{SERVICE}/000/limited/xhr_streaming");
    let mut stream = Stream::open(&server.address(), Method::POST, &path).await;
    stream.until("o\n").await.unwrap();
    let session = SockJs::new(&server, Transport::XhrStreaming, "limited");
    session
        .tell(&[json!({ "type": "connect", "token": ada.token }), json!({ "type": "join", "room": room })])
        .await;
    while !stream.until("\n").await.unwrap().contains("joined") {}
    http.say(&room, &"x".repeat(2000)).await;
    assert!(stream.until("\n").await.unwrap().contains("xxx"));
    assert_eq!(stream.until("\n").await, None);
    let mut next = SockJs::new(&server, Transport::XhrStreaming, "limited");
    assert_eq!(next.ask("ping", json!({})).await["type"], "pong");
}

#[actix_web::test]
async fn a_reader_that_is_too_slow_is_told_so() {
    let server = Plan::default().set("socket.outbox_bytes", 16_384).start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let mut session = SockJs::open(&server, Transport::Xhr, "slow").await;
    session.ask("connect", json!({ "token": ada.token })).await;
    session.ask("join", json!({ "room": room })).await;
    for _ in 0..6 {
        http.say(&room, &"x".repeat(4000)).await;
    }
    assert_eq!(session.of_type("closing").await["code"], 4001);
    for _ in 0..2 {
        assert_eq!(session.frame().await, r#"c[4001,"too_slow"]"#);
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_is_refused_unless_it_is_listed() {
    let server = Plan::default().set("server.allowed_origins", "https://chat.example").start().await;
    let http = Http::to(&server);
    let from = |origin, name| {
        let path = format!("{SERVICE}/0/{name}/xhr");
        http.call(Method::POST, &path).header("origin", origin).answer()
    };
    let answer = from("https://chat.example", "listed").await;
    assert_eq!(answer.text(), "o\n");
    assert_eq!(answer.header("access-control-allow-origin"), "https://chat.example");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let answer = from("https://evil.example", "foreign").await;
    answer.problem(403, "origin_not_allowed");
    assert_eq!(answer.header("access-control-allow-origin"), "");
}
