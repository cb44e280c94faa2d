//! Leaving and parting, on several sockets of one user.
//! Its records in history are in `http_contract::members`.

use serde_json::{Value, json};

use super::{hall, next_is};
use crate::support::http::seqs;
use crate::support::socket::Socket;

#[actix_web::test]
async fn leaving_ends_membership_on_every_socket_of_the_user() {
    let (server, http, ada, room) = hall().await;
    let (mut bob, _) = Socket::guest(&server, "Bob").await;
    bob.join(&room).await;
    let mut phone = Socket::of(&server, &ada).await;
    let mut laptop = Socket::of(&server, &ada).await;
    phone.join(&room).await;
    laptop.join(&room).await;

    let left = phone.ask("leave", json!({ "room": room })).await;
    assert_eq!((&left["type"], &left["room"]), (&json!("left"), &json!(room)));
    let parted = laptop.push("parted").await;
    assert_eq!((&parted["room"], &parted["code"]), (&json!(room), &json!("not_a_member")));
    for socket in [&mut phone, &mut laptop] {
        socket.refused("send", json!({ "room": room, "body": "x" }), "not_a_member").await;
    }
    assert_eq!(seqs(&bob.records(2).await), [2, 3]);
    bob.say(&room, "she is gone").await;

    // The own `left` is not pushed there, nor what came after it.
    laptop.join(&room).await;
    let marker = bob.say(&room, "marker").await;
    next_is(&mut laptop, &marker).await;
    let kinds: Vec<Value> = http.history(&room).await.iter().map(|record| record["kind"].clone()).collect();
    assert_eq!(kinds, ["joined", "joined", "left", "message", "joined", "message"]);
}

#[actix_web::test]
async fn leaving_over_http_is_told_to_the_sockets() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.join(&room).await;
    http.delete(&format!("/api/rooms/{room}/members/me")).await.expect(204);
    let parted = socket.push("parted").await;
    assert_eq!((&parted["room"], &parted["code"]), (&json!(room), &json!("not_a_member")));
    assert_eq!(socket.waiting_pushes().count(), 0, "the own `left` is not pushed");
}

#[actix_web::test]
async fn parting_stops_the_records_and_keeps_the_membership() {
    let (server, http, ada, room) = hall().await;
    let mut phone = Socket::of(&server, &ada).await;
    let mut laptop = Socket::of(&server, &ada).await;
    phone.join(&room).await;
    laptop.join(&room).await;

    let parted = phone.ask("part", json!({ "room": room })).await;
    assert_eq!((&parted["type"], &parted["room"]), (&json!("parted"), &json!(room)));
    assert!(parted.get("code").is_none_or(Value::is_null), "{parted}");
    let ack = phone.say(&room, "to the others").await;
    next_is(&mut laptop, &ack).await;
    assert_eq!(http.look_at(&room).await["members"], 1);

    phone.join(&room).await;
    let marker = laptop.say(&room, "marker").await;
    next_is(&mut phone, &marker).await;
    next_is(&mut laptop, &marker).await;
}

#[actix_web::test]
async fn leaving_or_parting_where_one_is_not_is_no_error() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    for _ in 0..2 {
        assert_eq!(socket.ask("leave", json!({ "room": room })).await["type"], "left");
        assert_eq!(socket.ask("part", json!({ "room": room })).await["type"], "parted");
    }
    assert!(http.history(&room).await.is_empty());
}
