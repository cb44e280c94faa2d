//! Server-sent events: what a room's stream begins with, brings, and how it resumes.
//! A stream that nobody reads is in `slow_readers`.

use serde_json::{Value, json};

use crate::support::http::{Http, bodies, id_of, position_text, text};
use crate::support::server::{Plan, Server};
use crate::support::sse::{Events, Heard, joined};

/// A room with Ada inside and ten records; the client acts as Ada.
async fn ten_records(server: &Server) -> (Http, String, String) {
    let ada = Http::to(server).user("Ada").await;
    let http = Http::to(server).acting_as(&ada);
    let room = http.room("hall").await;
    let (id, epoch) = (id_of(&room), text(&room["head"]["epoch"]));
    http.enter(&id).await;
    for n in 2..=10 {
        http.say(&id, &n.to_string()).await;
    }
    (http, id, epoch)
}

#[actix_web::test]
async fn a_stream_begins_with_joined_and_is_live() {
    let server = Server::start().await;
    let (http, room, _) = ten_records(&server).await;
    let (mut events, first) = joined(&server, &room, "", None).await;
    let now = http.look_at(&room).await;
    assert_eq!(first["room"], now);
    assert_eq!(first["head"], now["head"]);
    assert!(first.get("recovered").is_none_or(Value::is_null), "{first}");
    assert!(first.get("missing").is_none_or(Value::is_null), "{first}");
    let said = http.say(&room, "line\nline\r\n\rdata: x\n\nid: 7").await;
    let event = events.event().await;
    assert_eq!(event.name, "record");
    assert_eq!(event.data, said);
    let head = &http.look_at(&room).await["head"];
    assert_eq!(event.id, Some(position_text(head)));
}

/// D3, on this surface.
#[actix_web::test]
async fn a_stream_resumes_after_a_position() {
    let server = Server::start().await;
    let (http, room, epoch) = ten_records(&server).await;
    let position = |seq: u64| format!("{epoch}:{seq}");
    let cases = [
        (String::new(), Some(position(7)), 8),
        (format!("?after={}", position(7)), None, 8),
        ("?after=7".into(), None, 8),
        ("?after=0".into(), None, 1),
        // The browser's own header tells of a later moment than the address it was given.
        (format!("?after={}", position(2)), Some(position(9)), 10),
        (String::new(), Some(position(10)), 11),
    ];
    let mut streams = Vec::new();
    for (query, last_event_id, next) in cases {
        let (mut events, first) = joined(&server, &room, &query, last_event_id.as_deref()).await;
        assert_eq!(first["recovered"], true, "{query} {last_event_id:?}: {first}");
        assert!(first.get("missing").is_none_or(Value::is_null), "{first}");
        for seq in next..=10 {
            assert_eq!(events.record().await["seq"], seq, "{query} {last_event_id:?}");
        }
        streams.push(events);
    }
    http.say(&room, "marker").await;
    for events in &mut streams {
        assert_eq!(events.record().await["seq"], 11);
    }
}

/// D3: never part of a gap.
#[actix_web::test]
async fn a_stream_says_what_it_cannot_resume() {
    let server = Server::start().await;
    let (http, room, epoch) = ten_records(&server).await;
    let mut streams = Vec::new();
    for lost in ["other:3".to_owned(), "other:0".to_owned(), format!("{epoch}:11")] {
        let (events, first) = joined(&server, &room, "", Some(&lost)).await;
        assert_eq!(first["recovered"], false, "{lost}: {first}");
        assert_eq!(first["missing"], json!({ "from": 1, "to": 10 }), "{lost}: {first}");
        streams.push(events);
    }
    http.say(&room, "marker").await;
    for events in &mut streams {
        assert_eq!(events.record().await["seq"], 11);
    }
}

#[actix_web::test]
async fn a_wrong_position_is_invalid() {
    let server = Server::start().await;
    let (http, room, _) = ten_records(&server).await;
    for bad in ["x", "-1", ":1", "e:"] {
        http.get(&format!("/api/rooms/{room}/events?after={bad}")).await.invalid("after");
    }
}

#[actix_web::test]
async fn a_long_past_comes_whole_and_what_happens_meanwhile_follows() {
    let server = Plan::default().set("socket.outbox_bytes", 64 << 10).start().await;
    let (http, room, _) = ten_records(&server).await;
    for n in 11..=300 {
        http.say(&room, &format!("{n} {}", "x".repeat(2000))).await;
    }
    let (mut events, _) = joined(&server, &room, "?after=0", None).await;
    let mut heard = Vec::new();
    for n in 1..=320 {
        if n > 280 && n <= 300 {
            http.say(&room, "meanwhile").await;
        }
        heard.push(events.record().await);
    }
    assert_eq!(heard, http.history(&room).await);
    assert_eq!(bodies(&heard).len(), 319);
}

#[actix_web::test]
async fn a_quiet_stream_has_a_heart_beat() {
    let server = Plan::default().set("socket.heartbeat_s", 1).start().await;
    let (_, room, _) = ten_records(&server).await;
    let mut events = Events::open(&server, &room, "", None).await;
    let mut beats = 0;
    while beats < 2 {
        match events.hear().await {
            Heard::Comment => beats += 1,
            Heard::Event(event) => assert_eq!(event.name, "joined"),
            Heard::End => panic!("the stream ended"),
        }
    }
}
