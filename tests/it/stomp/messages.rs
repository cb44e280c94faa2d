//! The chat: who may speak, JOIN and LEAVE, user headers, idempotence (D4), and who the sender is (D6).

use serde_json::json;

use super::Hall;
use crate::support::http::text;
use crate::support::socket::Socket;
use crate::support::stomp::{Stomp, VERSIONS, chat, content, content_with};

#[actix_web::test]
async fn join_makes_a_member_once_and_leave_ends_it() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = Stomp::open(&hall.server).await;
        let name = format!("Guest {version}");
        stomp.connect(version, &[("login", &name)]).await;
        stomp.listen_for_errors().await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let destination = chat(&hall.room);
        let to = [("destination", &*destination)];
        stomp.refused("SEND", &to, &content("too early"), "not_a_member").await;
        for _ in 0..3 {
            stomp.join(&hall.room).await;
        }
        stomp.say(&hall.room, "inside").await;
        for _ in 0..2 {
            stomp.done("SEND", &to, r#"{"type":"LEAVE"}"#).await;
        }
        stomp.refused("SEND", &to, &content("too late"), "not_a_member").await;
        for (kind, said) in [("JOIN", ""), ("CHAT", "inside"), ("LEAVE", "")] {
            let body = stomp.message("room").await.json();
            assert_eq!(
                (&body["type"], &body["content"], &body["sender"]),
                (&json!(kind), &json!(said), &json!(name))
            );
        }
        let more = stomp.waiting().find(|frame| frame.header("subscription") == "room");
        assert_eq!(more, None, "a JOIN that changes nothing is no notice");
    }
}

/// D6.
#[actix_web::test]
async fn d6_a_sender_in_the_payload_is_ignored() {
    let hall = Hall::open().await;
    hall.http.user("Mallory").await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        for forged in [json!("Mallory"), json!("Nobody"), json!(17), json!({ "id": "x" }), json!(null)] {
            let more =
                json!({ "sender": forged, "roomId": "elsewhere", "timestamp": "1970", "seq": 1, "id": "x" });
            stomp.done("SEND", &[("destination", &chat(&hall.room))], &content_with("forged", more)).await;
            let body = stomp.message("room").await.json();
            assert_eq!((&body["sender"], &body["roomId"]), (&json!("Ada"), &json!(hall.room)));
            assert_ne!(body["timestamp"], "1970");
        }
    }
    let history = hall.http.history(&hall.room).await;
    assert!(history.iter().all(|record| record["sender"] == hall.ada.shown()), "{history:?}");
}

/// D6: headers of a MESSAGE cannot be forged either.
#[actix_web::test]
async fn d6_headers_with_a_meaning_are_the_servers_own() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    stomp.subscribe("room", &hall.room, &[]).await;
    let forged = [
        ("destination", &*chat(&hall.room)),
        ("seq", "4711"),
        ("epoch", "forged"),
        ("message-id", "forged"),
        ("subscription", "forged"),
        ("ack", "forged"),
        ("user-name", "Mallory"),
        ("user-id", "forged"),
        (" seq", "4711"),
        ("\u{feff}epoch", "forged"),
        ("Authorization", "Bearer secret"),
        ("login", "secret"),
        ("passcode", "secret"),
        ("kept", "yes"),
    ];
    stomp.done("SEND", &forged, &content("hello")).await;
    let message = stomp.message("room").await;
    assert_eq!((message.number("seq"), message.header("kept")), (2, "yes"));
    for (name, value) in &message.headers {
        assert!(
            !["4711", "forged", "Mallory", "secret", "Bearer secret"].contains(&&**value),
            "{name}:{value}"
        );
    }
    assert_eq!(hall.http.history(&hall.room).await[1]["headers"], json!({ "kept": "yes" }));
}

#[actix_web::test]
async fn headers_of_the_user_are_kept_in_the_record_on_every_surface_and_for_ever() {
    let mut hall = Hall::open().await;
    let mut native = Socket::of(&hall.server, &hall.ada).await;
    native.join(&hall.room).await;
    let mut stomp = hall.stomp().await;
    stomp.say_with(&hall.room, "hello", &[("x-thing", "a:b\nc"), ("priority", "9"), ("priority", "1")]).await;
    let expected = json!({ "x-thing": "a:b\nc", "priority": "9" });
    assert_eq!(native.record().await["headers"], expected);
    assert_eq!(hall.http.history(&hall.room).await[1]["headers"], expected);

    hall.server.kill();
    hall.server.restart().await;
    assert_eq!(hall.http.history(&hall.room).await[1]["headers"], expected);
    let epoch = text(&hall.http.look_at(&hall.room).await["head"]["epoch"]);
    let mut stomp = hall.stomp().await;
    stomp.subscribe("room", &hall.room, &[("after", &format!("{epoch}:1"))]).await;
    let message = stomp.message("room").await;
    assert_eq!((message.header("x-thing"), message.header("priority")), ("a:b\nc", "9"));
    // Who sends none has none.
    let record = hall.http.say(&hall.room, "plain").await;
    assert_eq!(record.get("headers"), None);
}

#[actix_web::test]
async fn headers_of_the_user_are_bounded() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    let destination = chat(&hall.room);
    let names: Vec<String> = (0..17).map(|n| format!("h{n}")).collect();
    let mut headers: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "v")).collect();
    headers.push(("destination", &destination));
    let problem = stomp.refused("SEND", &headers, &content("17 headers"), "invalid").await;
    assert_eq!(problem["field"], "headers");
    stomp.done("SEND", &headers[1..], &content("16 headers")).await;
    for (length, fits) in [(1020, true), (1021, false)] {
        let long = "x".repeat(length);
        let headers = [("destination", &*destination), ("long", &*long)];
        match fits {
            true => stomp.done("SEND", &headers, &content("1 KiB")).await,
            false => drop(stomp.refused("SEND", &headers, &content("more"), "invalid").await),
        }
    }
    assert_eq!(hall.said().await, ["16 headers", "1 KiB"]);
}

/// D4.
#[actix_web::test]
async fn d4_a_client_id_makes_a_send_idempotent_over_reconnects_and_surfaces() {
    let mut hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.say_with(&hall.room, version, &[("client-id", "c-1")]).await;
        stomp.say_with(&hall.room, "again", &[("client-id", "c-1")]).await;
        hall.server.kill();
        hall.server.restart().await;
    }
    let mut native = Socket::of(&hall.server, &hall.ada).await;
    native.join(&hall.room).await;
    let ack = native.say_with(&hall.room, "again", json!({ "client_id": "c-1" })).await;
    assert_eq!(ack["seq"], 2);
    assert_eq!(hall.said().await, ["1.0"]);
    let mut stomp = hall.stomp().await;
    let long = "x".repeat(65);
    let headers = [("destination", &*chat(&hall.room)), ("client-id", &long)];
    let problem = stomp.refused("SEND", &headers, &content("x"), "invalid").await;
    assert_eq!(problem["field"], "client_id");
}

#[actix_web::test]
async fn messages_of_one_connection_keep_their_order() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    let mut last = String::new();
    for n in 0..500 {
        last = stomp.ask("SEND", &[("destination", &chat(&hall.room))], &content(&n.to_string())).await;
    }
    stomp.receipt(&last).await;
    assert_eq!(hall.said().await, (0..500).map(|n| n.to_string()).collect::<Vec<_>>());
}
