//! Sockets, streams and polls that are open when their token expires or their session ends.
//! Over two nodes, and within which time, it is shown in `kafka::sessions`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{acting_in, log_in, plan, refresh, sign_up};
use crate::support::http::{Http, User, id_of, messages_of, text};
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;
use crate::support::sse::{Events, Heard};
use crate::support::stomp::Stomp;

/// Tokens that expire after two seconds, for which there are two seconds of patience.
fn short_lived() -> Plan {
    plan().set("auth.access_s", 2).set("auth.renewal_s", 2)
}

async fn socket_in(server: &Server, session: &Value) -> Socket {
    let mut socket = Socket::open(server).await;
    let connected = socket.ask("connect", json!({ "token": session["access_token"] })).await;
    assert_eq!(connected["type"], "connected", "{connected}");
    socket
}

/// Somebody in a session, as the STOMP client takes them.
fn user_of(session: &Value) -> User {
    User {
        id: text(&session["user"]["id"]),
        nickname: text(&session["user"]["nickname"]),
        token: text(&session["access_token"]),
    }
}

#[actix_web::test]
async fn a_socket_whose_token_has_expired_is_told_and_goes_on_with_a_new_one() {
    let server = short_lived().start().await;
    let http = Http::to(&server);
    let mut session = sign_up(&http, "ada").await;
    let room = id_of(&acting_in(&http, &session).room("hall").await);
    let mut socket = socket_in(&server, &session).await;
    socket.join(&room).await;
    for _ in 0..2 {
        let told = socket.push("refresh").await;
        assert_eq!(told["within_s"], 2, "{told}");
        assert!(told["expires_at"].is_string(), "{told}");
        socket.say(&room, "there is time").await;
        session = refresh(&http, &session).await.expect(200);
        let refreshed = socket.ask("refresh", json!({ "token": session["access_token"] })).await;
        assert_eq!(refreshed["type"], "refreshed", "{refreshed}");
        assert!(text(&refreshed["expires_at"]) > text(&told["expires_at"]), "{refreshed}");
    }
    socket.say(&room, "still the same socket").await;
}

#[actix_web::test]
async fn a_socket_that_shows_no_new_token_in_time_is_closed() {
    let server = short_lived().start().await;
    let http = Http::to(&server);
    let (session, others) = (sign_up(&http, "ada").await, sign_up(&http, "bob").await);
    let mut socket = socket_in(&server, &session).await;
    let begin = Instant::now();
    socket.push("refresh").await;
    assert!(begin.elapsed() > Duration::from_millis(900), "told too early: {:?}", begin.elapsed());
    socket.invalid("refresh", json!({}), "token").await;
    socket.refused("refresh", json!({ "token": "nobody's" }), "unauthenticated").await;
    socket.refused("refresh", json!({ "token": session["access_token"] }), "unauthenticated").await;
    let others = refresh(&http, &others).await.expect(200);
    socket.refused("refresh", json!({ "token": others["access_token"] }), "forbidden").await;
    socket.is_closed_with(4500).await;
    assert!(begin.elapsed() > Duration::from_millis(2_900), "closed too early: {:?}", begin.elapsed());
}

#[actix_web::test]
async fn a_stomp_client_whose_token_has_expired_is_told_and_goes_on_with_a_new_one() {
    let server = short_lived().start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let room = id_of(&acting_in(&http, &session).room("hall").await);
    acting_in(&http, &session).enter(&room).await;
    let mut stomp = Stomp::of(&server, &user_of(&session)).await;
    stomp.listen_for_errors().await;
    let told = stomp.message("errors").await;
    assert_eq!(told.header("code"), "unauthenticated");
    assert!(told.body.contains("/app/session/refresh"), "{}", told.body);
    let session = refresh(&http, &session).await.expect(200);
    let destination = ("destination", "/app/session/refresh");
    stomp.refused("SEND", &[destination], "", "invalid").await;
    stomp.refused("SEND", &[destination, ("Authorization", "Bearer nobody's")], "", "unauthenticated").await;
    let bearer = format!("Bearer {}", text(&session["access_token"]));
    stomp.done("SEND", &[destination, ("Authorization", &bearer)], "").await;
    let told = stomp.message("errors").await;
    assert_eq!(told.header("code"), "unauthenticated");
    stomp.say(&room, "still the same connection").await;
    // This time it shows nothing new.
    stomp.ends_with("unauthenticated", 4500).await;
}

#[actix_web::test]
async fn a_stream_with_a_token_ends_when_the_token_expires() {
    let server = short_lived().start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let room = id_of(&acting_in(&http, &session).room("hall").await);
    let mut streams = [stream(&server, &room, Some(&session)).await, stream(&server, &room, None).await];
    ends(&mut streams[0]).await;
    let session = refresh(&http, &session).await.expect(200);
    acting_in(&http, &session).enter(&room).await;
    assert_eq!(streams[1].record().await["kind"], "joined", "who shows nothing reads on");
}

async fn stream(server: &Server, room: &str, session: Option<&Value>) -> Events {
    let bearer = session.map(|session| format!("Bearer {}", text(&session["access_token"])));
    let headers: Vec<(&str, &str)> = bearer.iter().map(|bearer| ("authorization", bearer.as_str())).collect();
    let mut events = Events::open_with(server, room, &headers).await;
    assert_eq!(events.event().await.name, "joined");
    events
}

async fn ends(events: &mut Events) {
    loop {
        match events.hear().await {
            Heard::End => return,
            Heard::Event(event) => panic!("{event:?} instead of the end"),
            Heard::Comment => {}
        }
    }
}

#[actix_web::test]
async fn a_logout_ends_the_sockets_streams_and_polls_of_that_session_alone() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let (goes, stays) = (sign_up(&http, "ada").await, log_in(&http, "ada").await);
    let room = id_of(&acting_in(&http, &goes).room("hall").await);
    let mut socket = socket_in(&server, &goes).await;
    let mut other = socket_in(&server, &stays).await;
    let mut stomp = Stomp::of(&server, &user_of(&goes)).await;
    let mut events = stream(&server, &room, Some(&goes)).await;
    let poll = {
        let http = acting_in(&http, &goes);
        let path = format!("{}?after=0&wait=50", messages_of(&room));
        actix_web::rt::spawn(async move { http.get(&path).await.status })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let begin = Instant::now();
    assert_eq!(acting_in(&http, &goes).delete("/api/sessions/current").await.status, 204);
    socket.is_closed_with(4500).await;
    stomp.ends_with("unauthenticated", 4500).await;
    ends(&mut events).await;
    assert_eq!(poll.await.unwrap(), 200);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    other.join(&room).await;
    other.say(&room, "still here").await;
}

#[actix_web::test]
async fn a_guest_who_gives_up_the_token_is_gone_everywhere() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let mut socket = Socket::of(&server, &ada).await;
    assert_eq!(http.acting_as(&ada).delete("/api/sessions/current").await.status, 204);
    socket.is_closed_with(4500).await;
}

/// A guest's socket lives on when the guest becomes an account: it is the same person.
#[actix_web::test]
async fn a_guest_who_becomes_an_account_stays_connected() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let mut socket = Socket::of(&server, &ada).await;
    let body = json!({ "login": "ada", "password": super::PASSWORD });
    let session = http.acting_as(&ada).post("/api/accounts", body).await.expect(201);
    let refreshed = socket.ask("refresh", json!({ "token": session["access_token"] })).await;
    assert_eq!(refreshed["type"], "refreshed", "{refreshed}");
    assert_eq!(acting_in(&http, &session).delete("/api/sessions/current").await.status, 204);
    socket.is_closed_with(4500).await;
}
