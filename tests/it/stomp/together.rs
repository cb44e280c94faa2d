//! STOMP beside the native socket and event streams: one room, one order (D2).

use serde_json::{Value, json};

use super::Hall;
use crate::support::socket::Socket;
use crate::support::sse;
use crate::support::stomp::{Stomp, VERSIONS, chat, content};

/// D2.
#[actix_web::test]
async fn d2_stomp_native_and_event_streams_see_one_order() {
    let hall = Hall::open().await;
    let mut readers: Vec<Stomp> = Vec::new();
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        readers.push(stomp);
    }
    let mut native = Socket::of(&hall.server, &hall.ada).await;
    native.join(&hall.room).await;
    let (mut events, _) = sse::joined(&hall.server, &hall.room, "", None).await;

    let mut talkers = Vec::new();
    for n in 0..4 {
        let mut stomp = Stomp::guest(&hall.server, &format!("Talker {n}")).await;
        stomp.join(&hall.room).await;
        talkers.push(stomp);
    }
    for n in 0..50 {
        for talker in &mut talkers {
            talker.ask("SEND", &[("destination", &chat(&hall.room))], &content(&n.to_string())).await;
        }
        native.begin("send", json!({ "room": hall.room, "body": n.to_string() })).await;
    }
    let count = 4 + 5 * 50;
    let by_native = native.records(count).await;
    for expected in &by_native {
        assert_eq!(&events.record().await, expected);
    }
    for stomp in &mut readers {
        for expected in &by_native {
            let message = stomp.message("room").await;
            assert_eq!(shown(&message.json()), of_record(expected));
            assert_eq!(message.number("seq"), expected["seq"].as_u64().unwrap());
        }
    }
    assert_eq!(hall.http.history(&hall.room).await[1..], by_native);
}

fn shown(body: &Value) -> Value {
    json!([body["sender"], body["type"], body["content"], body["timestamp"]])
}

fn of_record(record: &Value) -> Value {
    let (kind, content) = match record["kind"].as_str() {
        Some("message") => ("CHAT", record["body"].clone()),
        Some("joined") => ("JOIN", json!("")),
        _ => ("LEAVE", json!("")),
    };
    json!([record["sender"]["nickname"], kind, content, record["at"]])
}
