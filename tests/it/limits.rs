//! How often somebody may act: over every protocol, by address, session and user, and what becomes of who does not stop.
//! Every other test turns limits off; what a flood costs the others is measured in `benches/flood.rs`.

use std::io::ErrorKind::WouldBlock;

use awc::http::Method;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::http::{Answer, Http, User, id_of, messages_of, text};
use crate::support::raw::{RawSocket, opcode};
use crate::support::server::{Plan, Server};
use crate::support::socket::{NotUpgraded, Opening, Socket};
use crate::support::sockjs::{SockJs, Transport};
use crate::support::stomp::{Heard, Stomp, chat, content, written};
use crate::support::{breath, until};

/// A plan with limits in force, of which those of a session are soon reached.
fn limited() -> Plan {
    Plan::default()
        .set("limits.enabled", true)
        .set("limits.session_commands_burst", 500)
        .set("limits.session_commands_per_s", 50)
}

/// A sign-up from an address that a trusted proxy names.
async fn sign_up_from(http: &Http, address: &str, nickname: &str) -> Answer {
    let call = http.call(Method::POST, "/api/users").header("x-forwarded-for", address);
    call.json(&json!({ "nickname": nickname })).answer().await
}

/// What every refusal for a rate says, and the limit that it names.
fn must_say_when(answer: &Answer, limit: &str) {
    let problem = answer.problem(429, "rate_limited");
    assert_eq!(problem["retry"], "later", "{problem}");
    let millis = problem["retry_after_ms"].as_u64().unwrap();
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!(millis > 0 && seconds == millis.div_ceil(1000), "{problem} but Retry-After {seconds}");
    assert_eq!(answer.header("ratelimit"), format!("\"{limit}\";r=0;t={seconds}"));
    let policy = answer.header("ratelimit-policy");
    assert!(policy.starts_with(&format!("\"{limit}\";q=")) && policy.contains(";w="), "{policy}");
}

#[actix_web::test]
async fn sign_ups_of_an_address_are_limited_over_every_protocol_and_coming_back_is_none() {
    let server = limited()
        .set("limits.address_sign_ups_burst", 4)
        .set("limits.address_sign_ups_per_h", 1)
        .start()
        .await;
    let http = Http::to(&server);
    let secret = json!({ "nickname": "Ada", "secret": "0123456789abcdef" });
    http.post("/api/users", secret.clone()).await.expect(201);
    http.post("/api/users", json!({ "nickname": "Ada" })).await.problem(409, "nickname_taken");
    http.post("/api/users", json!({ "nickname": "" })).await.invalid("nickname");
    for _ in 0..10 {
        http.post("/api/users", secret.clone()).await.expect(200);
    }
    let (_ben, _) = Socket::guest(&server, "Ben").await;
    let _cleo = Stomp::guest(&server, "Cleo").await;
    http.user("Dan").await;

    must_say_when(&http.post("/api/users", json!({ "nickname": "Eve" })).await, "address-sign-ups");
    let mut socket = Socket::open(&server).await;
    let refused = socket.refused("connect", json!({ "nickname": "Eve" }), "rate_limited").await;
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 1_000, "{refused}");
    let mut stomp = Stomp::open(&server).await;
    stomp.is_refused(&[("login", "Eve")], "rate_limited", 4000).await;
    // Who is somebody already is not concerned.
    assert_eq!(http.figure("klatsch_limited_total{limit=\"address-sign-ups\"}").await, 3.0);
}

#[actix_web::test]
async fn an_address_is_what_a_trusted_proxy_says_and_nothing_that_a_client_says() {
    let plan = || limited().set("limits.address_sign_ups_burst", 1).set("limits.address_sign_ups_per_h", 1);
    let server = plan().set("server.trusted_proxies", "127.0.0.0/8, 10.0.0.0/8").start().await;
    let http = Http::to(&server);
    sign_up_from(&http, "192.0.2.1", "Ada").await.expect(201);
    sign_up_from(&http, "192.0.2.2", "Ben").await.expect(201);
    must_say_when(&sign_up_from(&http, "192.0.2.1", "Cleo").await, "address-sign-ups");
    // To the left of the rightmost stranger anything may stand.
    must_say_when(
        &sign_up_from(&http, "198.51.100.9, 192.0.2.1, 10.0.0.1", "Cleo").await,
        "address-sign-ups",
    );
    sign_up_from(&http, "2001:db8:1:1::1", "Dan").await.expect(201);
    must_say_when(&sign_up_from(&http, "2001:db8:1:1:ffff::2", "Eve").await, "address-sign-ups");
    sign_up_from(&http, "2001:db8:1:2::1", "Eve").await.expect(201);
    let forwarded = http.call(Method::POST, "/api/users").header("forwarded", "for=\"[2001:db8:1:2::9]:80\"");
    must_say_when(&forwarded.json(&json!({ "nickname": "Fay" })).answer().await, "address-sign-ups");

    let server = plan().start().await;
    let http = Http::to(&server);
    sign_up_from(&http, "192.0.2.1", "Ada").await.expect(201);
    must_say_when(&sign_up_from(&http, "192.0.2.2", "Ben").await, "address-sign-ups");
}

#[actix_web::test]
async fn a_socket_that_asks_too_often_is_refused_and_served_again_and_others_notice_nothing() {
    let server = limited()
        .set("limits.session_commands_burst", 5)
        .set("limits.session_commands_per_s", 2)
        .start()
        .await;
    let (mut ada, _) = Socket::guest(&server, "Ada").await;
    for _ in 0..4 {
        assert_eq!(ada.ask("ping", json!({})).await["type"], "pong");
    }
    let refused = ada.refused("ping", json!({}), "rate_limited").await;
    assert_eq!(refused["retry"], "later", "{refused}");
    let wait = refused["retry_after_ms"].as_u64().unwrap();
    assert!((1..=500).contains(&wait), "{refused}");
    let (mut ben, _) = Socket::guest(&server, "Ben").await;
    assert_eq!(ben.ask("ping", json!({})).await["type"], "pong");
    while ada.ask("ping", json!({})).await["type"] != "pong" {
        breath().await;
    }
}

#[actix_web::test]
async fn a_socket_that_floods_on_is_closed_with_4003() {
    let server = limited().start().await;
    let (mut ada, user) = Socket::guest(&server, "Ada").await;
    let room = id_of(&Http::to(&server).acting_as(&user).room("hall").await);
    ada.join(&room).await;
    let (mut ben, _) = Socket::guest(&server, "Ben").await;
    ben.join(&room).await;
    for _ in 0..2_000 {
        // The server may have cut it by now.
        let send = json!({ "type": "send", "room": room, "body": "x" });
        if ada.try_tell(send).await.is_err() {
            break;
        }
    }
    ada.is_closed_with(4003).await;
    assert_eq!(ben.ask("ping", json!({})).await["type"], "pong");
    let http = Http::to(&server);
    assert_eq!(http.figure("klatsch_floods_total").await, 1.0);
    assert!(http.look_at(&room).await["head"]["seq"].as_u64().unwrap() < 600);
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_flood_of_pings_or_of_what_cannot_be_read_is_one_too() {
    let server = limited().start().await;
    for (code, payload) in
        [(opcode::PING, ""), (opcode::TEXT, "no JSON"), (opcode::TEXT, r#"{"type":"dance"}"#)]
    {
        let mut socket = RawSocket::open(&server).await;
        let mut sent = 0;
        while sent < 3_000
            && socket.write(&crate::support::raw::frame(code, payload.as_bytes())).await.is_ok()
        {
            sent += 1;
        }
        let expected = if payload == "no JSON" { 4502 } else { 4003 };
        assert_eq!(socket.close_code().await, Some(expected), "{payload:?} after {sent}");
    }
}

#[actix_web::test]
async fn large_messages_are_as_much_as_many() {
    let server = limited().set("limits.session_bytes_burst", 20_000).set("limits.session_bytes_per_s", 1024);
    let server = server.start().await;
    let (mut ada, user) = Socket::guest(&server, "Ada").await;
    let room = id_of(&Http::to(&server).acting_as(&user).room("hall").await);
    ada.join(&room).await;
    let body = "x".repeat(8_000);
    for _ in 0..2 {
        ada.say(&room, &body).await;
    }
    let refused = ada.refused("send", json!({ "room": room, "body": body }), "rate_limited").await;
    assert!(refused["retry_after_ms"].as_u64().unwrap() > 1_000, "{refused}");
}

#[actix_web::test]
async fn stomp_hears_of_it_in_its_queue_and_at_last_by_error() {
    let server =
        limited().set("limits.session_commands_burst", 8).set("limits.session_refusals", 5).start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let room = id_of(&http.acting_as(&ada).room("hall").await);
    let mut stomp = Stomp::of(&server, &ada).await;
    stomp.listen_for_errors().await;
    stomp.join(&room).await;
    let destination = chat(&room);
    let mut refused = 0;
    // A client that cannot keep its pace does not know when it is cut.
    for number in 0..400 {
        let receipt = format!("r{number}");
        let headers = [("destination", destination.as_str()), ("receipt", receipt.as_str())];
        let frame = written("1.2", "SEND", &headers, &content("x"));
        if stomp.try_tell(&frame).await.is_err() {
            break;
        }
        refused = number;
    }
    assert!(refused > 10);
    stomp.ends_with("over_rate", 4003).await;
    let told = stomp.waiting().filter(|frame| frame.body.contains("rate_limited")).count();
    assert_eq!(told, 5, "refusals in the queue before the end");
}

#[actix_web::test]
async fn a_transaction_of_which_a_part_was_too_much_says_nothing() {
    let server = limited()
        .set("limits.session_commands_burst", 6)
        .set("limits.session_commands_per_s", 1)
        .start()
        .await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let room = id_of(&http.acting_as(&ada).room("hall").await);
    http.acting_as(&ada).enter(&room).await;
    let mut stomp = Stomp::of(&server, &ada).await;
    stomp.listen_for_errors().await;
    stomp.send("BEGIN", &[("transaction", "t")], "").await;
    let destination = chat(&room);
    for _ in 0..6 {
        let headers = [("destination", destination.as_str()), ("transaction", "t")];
        stomp.send("SEND", &headers, &content("part")).await;
    }
    // A COMMIT that is itself too much leaves the transaction open; one more than is needed finds none.
    let commit = written("1.2", "COMMIT", &[("transaction", "t"), ("receipt", "c")], "");
    loop {
        stomp.try_tell(&commit).await.unwrap();
        match stomp.hear().await {
            Heard::Frame(frame) if frame.command == "MESSAGE" => {
                assert_eq!(frame.header("code"), "rate_limited", "{frame:?}");
            }
            Heard::Frame(frame) if frame.command == "ERROR" => break,
            other => panic!("{other:?}"),
        }
        breath().await;
    }
    let history = http.history(&room).await;
    assert!(history.iter().all(|record| record["kind"] != "message"), "{history:?}");
}

#[actix_web::test]
async fn a_sockjs_session_that_floods_on_is_closed() {
    let server = limited().start().await;
    for transport in [Transport::ALL[0], Transport::ALL[1]] {
        let mut session = SockJs::open(&server, transport, &format!("{transport:?}")).await;
        let connected = session.ask("connect", json!({ "nickname": format!("{transport:?}") })).await;
        assert_eq!(connected["type"], "connected");
        let pings: Vec<Value> = (0..300).map(|_| json!({ "type": "ping" })).collect();
        for _ in 0..4 {
            session.tell(&pings).await;
        }
        let closing = session.of_type("closing").await;
        assert_eq!(closing["code"], 4003, "{closing}");
    }
}

#[actix_web::test]
async fn what_a_user_does_is_counted_over_sockets_and_http_together() {
    let server =
        limited().set("limits.user_commands_burst", 10).set("limits.user_commands_per_s", 1).start().await;
    let http = Http::to(&server);
    let (ada, ben) = (http.user("Ada").await, http.user("Ben").await);
    let mut socket = Socket::of(&server, &ada).await;
    for _ in 0..5 {
        assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    }
    let of_ada = http.acting_as(&ada);
    let answers: Vec<Answer> = {
        let mut answers = Vec::new();
        for _ in 0..8 {
            answers.push(of_ada.get("/api/users/me").await);
        }
        answers
    };
    assert!(answers[..5].iter().all(|answer| answer.status == 200));
    must_say_when(answers.last().unwrap(), "user-commands");
    socket.refused("ping", json!({}), "rate_limited").await;
    must_say_when(&of_ada.post(&messages_of("any"), json!({ "body": "x" })).await, "user-commands");
    http.acting_as(&ben).get("/api/users/me").await.expect(200);
    http.get("/api/rooms").await.expect(200);
}

#[actix_web::test]
async fn rooms_of_a_user_are_limited_and_one_that_was_not_made_does_not_count() {
    let server = limited().set("limits.user_rooms_burst", 2).set("limits.user_rooms_per_h", 1).start().await;
    let http = Http::to(&server);
    let (ada, ben) = (http.user("Ada").await, http.user("Ben").await);
    let of_ada = http.acting_as(&ada);
    of_ada.room("one").await;
    for _ in 0..3 {
        of_ada.post("/api/rooms", json!({ "name": "one" })).await.problem(409, "room_name_taken");
    }
    of_ada.room("two").await;
    must_say_when(&of_ada.post("/api/rooms", json!({ "name": "three" })).await, "user-rooms");
    let of_ben = http.acting_as(&ben);
    of_ben.room("three").await;
    // A room of two is one too, and one that is there need not be made.
    must_say_when(&of_ada.post("/api/direct", json!({ "nickname": "Ben" })).await, "user-rooms");
    of_ben.post("/api/direct", json!({ "nickname": "Ada" })).await.expect(201);
    of_ada.post("/api/direct", json!({ "nickname": "Ben" })).await.expect(200);
}

#[actix_web::test]
async fn an_address_holds_so_many_connections_and_another_when_one_is_closed() {
    let server = limited().set("limits.address_connections", 4);
    let server = server.set("server.trusted_proxies", "127.0.0.1").start().await;
    let from = |address: &'static str| {
        let server = &server;
        async move {
            let headers = [("x-forwarded-for", address)];
            Socket::open_as(server, Opening { headers: &headers, ..Opening::default() }).await
        }
    };
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(from("192.0.2.1").await.unwrap());
    }
    let Err(NotUpgraded { status, body }) = from("192.0.2.1").await else { panic!("a fifth is open") };
    assert!(status == 429 && body.contains("rate_limited"), "{status} {body}");
    assert!(from("192.0.2.2").await.is_ok());
    drop(open.pop());
    until("a seat is free", async || from("192.0.2.1").await.is_ok()).await;
}

#[actix_web::test]
async fn connections_beyond_all_measure_are_cut_before_they_say_anything() {
    let server = limited().set("limits.address_connections", 4).start().await;
    let mut connections = Vec::new();
    for _ in 0..12 {
        connections.push(TcpStream::connect(server.address()).await.unwrap());
    }
    // Which of them are too many is decided by the order in which the node's threads take them up.
    let is_cut = |connection: &TcpStream| !matches!(connection.try_read(&mut [0]), Err(error) if error.kind() == WouldBlock);
    until("four are cut", async || connections.iter().filter(|connection| is_cut(connection)).count() == 4)
        .await;
    connections.clear();
    until("there is room again", async || {
        crate::support::raw::status_of(server.port(), "/healthz").await == Some(200)
    })
    .await;
}

#[actix_web::test]
async fn requests_of_an_address_are_limited_but_for_those_of_operators() {
    let server = limited()
        .set("limits.address_requests_burst", 10)
        .set("limits.address_requests_per_s", 1)
        .start()
        .await;
    let http = Http::to(&server);
    let mut answers = Vec::new();
    for _ in 0..12 {
        answers.push(http.get("/api/rooms").await);
    }
    assert!(answers[..10].iter().all(|answer| answer.status == 200));
    must_say_when(answers.last().unwrap(), "address-requests");
    for path in ["/", "/api/none", "/ws/info", "/api/sockjs/0/none/xhr", "/assets/none.js"] {
        assert_eq!(http.get(path).await.status, 429, "{path}");
    }
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(http.get(path).await.status, 200, "{path}");
    }
}

#[actix_web::test]
async fn a_page_of_another_origin_may_read_why_it_was_refused() {
    let plan = limited().set("limits.address_requests_burst", 1).set("limits.address_requests_per_s", 1);
    let server: Server = plan.set("server.allowed_origins", "https://a.example").start().await;
    let http = Http::to(&server);
    let ask = || http.call(Method::GET, "/api/rooms").header("origin", "https://a.example").answer();
    ask().await.expect(200);
    let refused = ask().await;
    must_say_when(&refused, "address-requests");
    assert_eq!(refused.header("access-control-allow-origin"), "https://a.example");
    let exposed = refused.header("access-control-expose-headers").to_lowercase();
    for name in ["retry-after", "ratelimit", "ratelimit-policy"] {
        assert!(exposed.contains(name), "{exposed}");
    }
}

#[actix_web::test]
async fn a_body_that_is_announced_as_too_large_is_refused_on_every_route() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada: User = http.user("Ada").await;
    let large = "x".repeat(70_000);
    for (method, path) in [
        (Method::POST, "/api/users"),
        (Method::PUT, "/api/rooms/a/members/me"),
        (Method::POST, "/ws/a/b/xhr"),
    ] {
        let call = http.acting_as(&ada).call(method, path).body("application/json", large.clone());
        call.answer().await.problem(413, "too_large");
    }
    assert_eq!(text(&http.acting_as(&ada).get("/api/users/me").await.expect(200)["nickname"]), "Ada");
}

#[actix_web::test]
async fn log_ins_that_fail_are_limited_by_address_whosever_login_it_is() {
    let server =
        limited().set("limits.address_log_ins_burst", 3).set("limits.address_log_ins_per_h", 1).start().await;
    let http = Http::to(&server);
    let account = json!({ "login": "ada", "password": "correct horse battery", "nickname": "Ada" });
    http.post("/api/accounts", account).await.expect(201);
    let log_in = async |login: &str, password: &str| {
        http.post("/api/sessions", json!({ "login": login, "password": password })).await
    };
    for _ in 0..5 {
        log_in("ada", "correct horse battery").await.expect(201);
    }
    for login in ["ben", "cleo", "dan"] {
        log_in(login, "a wrong password").await.problem(401, "bad_credentials");
    }
    must_say_when(&log_in("eve", "a wrong password").await, "address-log-ins");
    must_say_when(&log_in("ada", "correct horse battery").await, "address-log-ins");
}
