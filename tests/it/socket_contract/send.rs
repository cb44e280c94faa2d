//! Sending: the ack and the record, and one order for everybody (D2, D6).
//! Sending the same again is in `idempotence`.

use serde_json::{Value, json};

use super::hall;
use crate::support::socket::Socket;

#[actix_web::test]
async fn an_ack_names_the_place_of_the_record() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.refused("send", json!({ "room": room, "body": "x" }), "not_a_member").await;
    http.enter(&room).await;
    // A member need not be subscribed to send.
    let ack = socket.say_with(&room, "hello", json!({ "client_id": "c1" })).await;
    let record = &http.history(&room).await[1];
    for name in ["room", "seq", "at", "client_id"] {
        assert_eq!(ack[name], record[name], "{name}");
    }
    let plain = socket.say(&room, "without").await;
    assert!(plain.get("client_id").is_none_or(Value::is_null), "{plain}");
}

/// D6.
#[actix_web::test]
async fn the_sender_is_who_is_connected() {
    let (server, http, ada, room) = hall().await;
    let bob = http.user("Bob").await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.join(&room).await;
    let forged = json!({ "sender": bob.shown(), "user": bob.id, "token": bob.token });
    socket.say_with(&room, "I am Bob", forged).await;
    assert_eq!(socket.record().await["sender"], ada.shown());
}

/// D2: every reader over every protocol.
#[actix_web::test]
async fn everybody_sees_the_same_records_in_the_same_order() {
    let (server, http, _, room) = hall().await;
    let mut sockets = Vec::new();
    for n in 0..4 {
        let (mut socket, _) = Socket::guest(&server, &format!("guest {n}")).await;
        socket.join(&room).await;
        sockets.push(socket);
    }
    let (mut events, _) = crate::support::sse::joined(&server, &room, "", None).await;
    for n in 0..25 {
        for socket in &mut sockets {
            socket.begin("send", json!({ "room": room, "body": n.to_string() })).await;
        }
    }
    let mut lists = Vec::new();
    for socket in &mut sockets {
        let mut list = Vec::new();
        while list.len() < 100 {
            let record = socket.record().await;
            if record["kind"] == "message" {
                list.push(record);
            }
        }
        lists.push(list);
    }
    let mut list = Vec::new();
    for _ in 0..100 {
        list.push(events.record().await);
    }
    lists.push(list);
    let history = http.history(&room).await;
    for list in lists {
        assert_eq!(list, history[4..]);
    }
}
