//! Requests in general: ids, shapes, fields, and not waiting for replies.
//! What each request does when it is right is in the files beside this one.

use serde_json::{Value, json};

use super::{hall, position};
use crate::support::http::bodies;
use crate::support::socket::{Socket, assert_refusal};

#[actix_web::test]
async fn an_id_is_repeated_by_the_reply() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    for id in [json!(7), json!(0), json!(-1), json!("seven"), json!(""), json!("7"), json!("🦀")] {
        socket.tell(json!({ "type": "ping", "id": id })).await;
        let pong = socket.reply(&id).await;
        assert_eq!(pong, json!({ "type": "pong", "id": id }));
        socket.tell(json!({ "type": "join", "id": id, "room": "nope" })).await;
        assert_refusal(&socket.reply(&id).await, "room_not_found");
    }
    for id in [json!(true), json!([1]), json!({ "a": 1 })] {
        socket.tell(json!({ "type": "ping", "id": id })).await;
        let error = socket.error("invalid").await;
        assert_eq!(error["field"], "id", "{error}");
    }
    socket.tell(json!({ "type": "ping" })).await;
    assert_eq!(socket.push("pong").await, json!({ "type": "pong" }));
}

#[actix_web::test]
async fn what_is_no_request_is_refused_and_the_socket_lives() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    for text in ["", "hello", "{", "{\"type\":\"ping\"", "[]", "1", "\"x\"", "null", "{\"type\":\"\\ud800\"}"]
    {
        socket.tell_text(text).await;
        socket.error("malformed").await;
    }
    socket.invalid("ping", json!({ "type": 7 }), "type").await;
    socket.tell(json!({ "id": 1000 })).await;
    let error = socket.reply(&json!(1000)).await;
    assert_refusal(&error, "invalid");
    assert_eq!(error["field"], "type");
    for kind in ["", "nope", "Ping", "connected"] {
        socket.refused(kind, json!({}), "unknown_type").await;
    }
    assert_eq!(socket.ask("ping", json!({ "unknown": "fields are ignored" })).await["type"], "pong");
}

#[actix_web::test]
async fn the_20th_text_in_a_row_that_is_not_json_closes_with_4502() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    for _ in 0..2 {
        for _ in 0..19 {
            socket.tell_text("not json").await;
        }
        assert_eq!(socket.ask("ping", json!({})).await["type"], "pong", "19 are forgiven");
    }
    for _ in 0..20 {
        socket.tell_text("not json").await;
    }
    socket.is_closed_with(4502).await;
    let refused = socket.waiting_pushes().filter(|push| push["code"] == "malformed").count();
    assert!(refused >= 57, "{refused} refusals");
}

#[actix_web::test]
async fn fields_are_checked_by_name() {
    let (server, http, ada, room) = hall().await;
    http.enter(&room).await;
    let mut socket = Socket::of(&server, &ada).await;
    let cases = [
        ("join", json!({}), "room"),
        ("join", json!({ "room": 7 }), "room"),
        ("join", json!({ "room": room, "last": -1 }), "last"),
        ("join", json!({ "room": room, "last": "3" }), "last"),
        ("join", json!({ "room": room, "after": true }), "after"),
        ("join", json!({ "room": room, "after": { "epoch": "e" } }), "after"),
        ("join", json!({ "room": room, "after": { "epoch": "e", "seq": -1 } }), "after"),
        ("join", json!({ "room": room, "after": { "epoch": 1, "seq": 1 } }), "after"),
        ("send", json!({ "body": "x" }), "room"),
        ("send", json!({ "room": room }), "body"),
        ("send", json!({ "room": room, "body": 1 }), "body"),
        ("send", json!({ "room": room, "body": " \n" }), "body"),
        ("send", json!({ "room": room, "body": "a\u{0}" }), "body"),
        ("send", json!({ "room": room, "body": "x".repeat(8193) }), "body"),
        ("send", json!({ "room": room, "body": "x", "client_id": "" }), "client_id"),
        ("send", json!({ "room": room, "body": "x", "client_id": "i".repeat(65) }), "client_id"),
        ("send", json!({ "room": room, "body": "x", "client_id": 5 }), "client_id"),
        ("leave", json!({}), "room"),
        ("part", json!({ "room": [] }), "room"),
        ("watch", json!({}), "what"),
        ("watch", json!({ "what": "people" }), "what"),
        ("unwatch", json!({ "what": 3 }), "what"),
    ];
    for (kind, fields, field) in cases {
        socket.invalid(kind, fields, field).await;
    }
    let both = json!({ "room": room, "after": position("e", 1), "last": 3 });
    let error = socket.refused("join", both, "invalid").await;
    assert!(["after", "last"].map(Value::from).contains(&error["field"]), "{error}");
    for kind in ["join", "leave"] {
        socket.refused(kind, json!({ "room": "nope" }), "room_not_found").await;
    }
    socket.refused("send", json!({ "room": "nope", "body": "x" }), "room_not_found").await;
    assert_eq!(http.history(&room).await.len(), 1, "a refusal leaves no record");
}

#[actix_web::test]
async fn requests_need_not_wait_for_their_replies() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::open(&server).await;
    let connect = socket.begin("connect", json!({ "token": ada.token })).await;
    let join = socket.begin("join", json!({ "room": room })).await;
    let mut sends = Vec::new();
    for n in 0..100 {
        sends.push(socket.begin("send", json!({ "room": room, "body": n.to_string() })).await);
    }
    let leave = socket.begin("leave", json!({ "room": room })).await;
    let late = socket.begin("send", json!({ "room": room, "body": "too late" })).await;

    assert_eq!(socket.reply(&connect).await["type"], "connected");
    assert_eq!(socket.reply(&join).await["position"]["seq"], 1);
    for (n, send) in sends.iter().enumerate() {
        let ack = socket.reply(send).await;
        assert_eq!((&ack["type"], &ack["seq"]), (&json!("ack"), &json!(n + 2)), "{ack}");
    }
    assert_eq!(socket.reply(&leave).await["type"], "left");
    assert_refusal(&socket.reply(&late).await, "not_a_member");
    let history = http.history(&room).await;
    let wanted: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    assert_eq!(bodies(&history), wanted);
}

#[actix_web::test]
async fn requests_are_taken_in_their_order() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    let steps = [
        ("send", "error"),
        ("join", "joined"),
        ("send", "ack"),
        ("leave", "left"),
        ("send", "error"),
        ("join", "joined"),
        ("part", "parted"),
        ("send", "ack"),
        ("leave", "left"),
        ("leave", "left"),
        ("send", "error"),
    ];
    for round in 0..5 {
        let mut asked = Vec::new();
        for (kind, _) in steps {
            asked.push(socket.begin(kind, json!({ "room": room, "body": "x" })).await);
        }
        for ((kind, wanted), id) in steps.iter().zip(&asked) {
            let reply = socket.reply(id).await;
            assert_eq!(reply["type"], *wanted, "{kind} in round {round}: {reply}");
        }
    }
    let kinds: Vec<Value> = http.history(&room).await.iter().map(|record| record["kind"].clone()).collect();
    assert_eq!(kinds, ["joined", "message", "left", "joined", "message", "left"].repeat(5));
}
