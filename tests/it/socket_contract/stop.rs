//! The orderly stop: everybody is told, and what was acknowledged stays (D1).
//! The disorderly one is in `durability`.

use serde_json::json;

use super::{hall, hall_with_records};
use crate::support::http::Http;
use crate::support::socket::{Heard, Socket};

/// D1, for an orderly stop.
#[actix_web::test]
async fn sigterm_says_closing_and_keeps_what_was_acknowledged() {
    let (mut server, _, ada, room) = hall().await;
    let mut listener = Socket::of(&server, &ada).await;
    listener.join(&room).await;
    let mut talkers = Vec::new();
    for _ in 0..5 {
        talkers.push(Socket::of(&server, &ada).await);
    }
    for round in 0..40 {
        for (n, talker) in talkers.iter_mut().enumerate() {
            let client_id = format!("{round}.{n}");
            let message = json!({ "room": room, "body": client_id, "client_id": client_id });
            talker.begin("send", message).await;
        }
    }
    let first = talkers[0].reply(&json!(2)).await;
    server.ask_to_stop();

    listener.is_closed_with(4000).await;
    let mut acked = vec![first];
    for talker in &mut talkers {
        loop {
            match talker.hear().await {
                Heard::Json(value) if value["type"] == "ack" => acked.push(value),
                Heard::Json(_) => {}
                // What was still on its way to the server may turn the close into a plain cut.
                Heard::Closed(4000) | Heard::Cut => break,
                Heard::Closed(code) => panic!("closed with {code}"),
            }
        }
    }
    assert!(server.has_stopped().await.success(), "{}", server.log());
    server.must_not_have_panicked();

    server.restart().await;
    let history = Http::to(&server).history(&room).await;
    for ack in acked {
        let seq = ack["seq"].as_u64().unwrap() as usize;
        assert_eq!(history[seq - 1]["client_id"], ack["client_id"], "{ack}");
    }
    let mut ids: Vec<&str> = history.iter().filter_map(|record| record["client_id"].as_str()).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "a message is there twice");
}

#[actix_web::test]
async fn sigterm_waits_for_nobody_who_only_listens() {
    let (mut server, _, ada, room) = hall_with_records(1).await;
    let (_events, _) = crate::support::sse::joined(&server, &room, "", None).await;
    let _unconnected = Socket::open(&server).await;
    let mut connected = Socket::of(&server, &ada).await;
    connected.ask("watch", json!({ "what": "rooms" })).await;
    let path = format!("{}?after=1&wait=60", crate::support::http::messages_of(&room));
    let http = Http::to(&server);
    let poll =
        actix_web::rt::spawn(async move { http.call(awc::http::Method::GET, &path).try_answer().await });
    connected.ask("ping", json!({})).await;
    let asked = std::time::Instant::now();
    assert!(server.terminate().await.success(), "{}", server.log());
    // Far below the 60 s of the poll, and far above what a busy machine needs.
    assert!(asked.elapsed() < std::time::Duration::from_secs(40));
    let _ = poll.await.unwrap();
}
