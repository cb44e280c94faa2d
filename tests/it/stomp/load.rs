//! Who floods, who never acknowledges and who never reads: bounded, ended with a reason, and nobody else feels it (D5).

use std::time::Duration;

use super::Hall;
use crate::support::server::{Plan, Server};
use crate::support::stomp::{ERRORS, Heard, Opening, Stomp, chat, content, topic, written};
use crate::support::{until, within};

const BODY: usize = 4000;

async fn hall() -> Hall {
    let plan = Plan::default().set("socket.outbox_bytes", 1 << 20).set("socket.send_buffer_bytes", 128 << 10);
    Hall::planned(plan).await
}

fn grown(server: &Server, before: Option<u64>) -> u64 {
    server.resident_bytes().unwrap_or_default().saturating_sub(before.unwrap_or_default())
}

/// A connection whose kernel takes little, and that is not read.
async fn deaf(hall: &Hall) -> Stomp {
    let how = Opening { receive_buffer: Some(64 << 10), ..Opening::default() };
    let mut stomp = Stomp::open_as(&hall.server, how).await;
    stomp.connect("1.2", &[("passcode", &hall.ada.token)]).await;
    stomp
}

/// D5.
#[actix_web::test]
async fn d5_who_never_reads_is_closed_and_the_room_goes_on() {
    let hall = hall().await;
    let mut slow = Vec::new();
    for _ in 0..10 {
        let mut stomp = deaf(&hall).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        slow.push(stomp);
    }
    let mut good = hall.stomp().await;
    good.subscribe("room", &hall.room, &[]).await;
    let before = hall.server.resident_bytes();
    for n in 0..1200 {
        good.say(&hall.room, &format!("{n:04000}")).await;
        let message = good.message("room").await;
        assert_eq!(message.number("seq"), n + 2);
        assert!(message.body.len() > BODY);
    }
    until("the slow ones to be evicted", async || hall.http.figure("klatsch_evictions_total").await >= 10.0)
        .await;
    assert!(grown(&hall.server, before) < 96 << 20, "grown by {}", grown(&hall.server, before));
    for mut stomp in slow {
        // A gapless beginning, and the end.
        let mut last = 1;
        let end = loop {
            match stomp.hear().await {
                Heard::Frame(frame) if frame.command == "MESSAGE" => {
                    last += 1;
                    assert_eq!(frame.number("seq"), last);
                }
                Heard::Frame(frame) => assert_eq!(frame.header("code"), "too_slow", "{frame:?}"),
                Heard::Beat => {}
                end => break end,
            }
        };
        assert!(matches!(end, Heard::Closed(4001) | Heard::Cut), "{end:?}");
        assert!(last < 1200);
    }
    hall.server.must_not_have_panicked();
}

/// D5.
#[actix_web::test]
async fn d5_who_never_acknowledges_is_closed_with_a_reason_and_may_resume() {
    let plan = Plan::default().set("stomp.unacked_max", 100);
    let hall = Hall::planned(plan).await;
    let mut good = hall.stomp().await;
    good.subscribe("room", &hall.room, &[]).await;
    for mode in ["client", "client-individual"] {
        let mut stomp = hall.stomp().await;
        stomp.subscribe("room", &hall.room, &[("ack", mode)]).await;
        for n in 0..101 {
            good.say(&hall.room, &n.to_string()).await;
            good.message("room").await;
        }
        stomp.ends_with("too_slow", 4001).await;
        let last = stomp.messages_there("room").pop().unwrap();
        let mut again = hall.stomp().await;
        again.subscribe("room", &hall.room, &[("after", &last)]).await;
        let head = hall.http.look_at(&hall.room).await["head"]["seq"].as_u64().unwrap();
        good.say(&hall.room, "live").await;
        good.message("room").await;
        let mut seq = last.rsplit_once(':').unwrap().1.parse::<u64>().unwrap();
        while seq <= head {
            seq += 1;
            assert_eq!(again.message("room").await.number("seq"), seq);
        }
    }
}

#[actix_web::test]
async fn a_flood_of_frames_whose_answers_nobody_reads_costs_no_memory() {
    let hall = hall().await;
    for (what, frame) in [
        ("refusals", written("1.2", "SEND", &[("destination", "/nowhere"), ("receipt", "r")], "{}")),
        ("receipts", written("1.2", "UNSUBSCRIBE", &[("id", "x"), ("receipt", &"r".repeat(250))], "")),
        (
            "messages",
            written("1.2", "SEND", &[("destination", &chat(&hall.room)), ("receipt", "r")], &content("x")),
        ),
        ("heart-beats", "\n".to_owned()),
    ] {
        let mut stomp = deaf(&hall).await;
        stomp.send("SUBSCRIBE", &[("id", "errors"), ("destination", ERRORS)], "").await;
        stomp.send("SUBSCRIBE", &[("id", "room"), ("destination", &topic(&hall.room))], "").await;
        let before = hall.server.resident_bytes();
        let flood = frame.repeat(60_000 / frame.len());
        let mut sent = 0;
        while sent < 24 << 20 {
            match tokio::time::timeout(Duration::from_secs(2), stomp.try_tell(&flood)).await {
                Ok(Ok(())) => sent += flood.len(),
                // Cut off, or held back: both bound what it costs.
                Ok(Err(_)) | Err(_) => break,
            }
        }
        let grown = grown(&hall.server, before);
        assert!(grown < 64 << 20, "{what}: the server grew by {grown} bytes after {sent}");
    }
    within("an answer to somebody else", hall.http.say(&hall.room, "still here")).await;
    hall.server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_flood_that_is_read_is_taken_whole() {
    let hall = hall().await;
    let mut stomp = hall.stomp().await;
    let frame = |n: usize| {
        let receipt = n.to_string();
        written(
            "1.2",
            "SEND",
            &[("destination", &chat(&hall.room)), ("receipt", &receipt)],
            &content(&receipt),
        )
    };
    let flood: String = (0..400).map(frame).collect();
    stomp.tell(&flood[..60_000.min(flood.len())]).await;
    if flood.len() > 60_000 {
        stomp.tell(&flood[60_000..]).await;
    }
    for n in 0..400 {
        stomp.receipt(&n.to_string()).await;
    }
    assert_eq!(hall.said().await, (0..400).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[actix_web::test]
async fn subscriptions_and_transactions_of_a_connection_are_bounded() {
    let hall = hall().await;
    let mut stomp = hall.stomp().await;
    let topic = topic(&hall.room);
    for n in 0..998 {
        stomp.send("SUBSCRIBE", &[("id", &n.to_string()), ("destination", &topic)], "").await;
    }
    stomp.done("SUBSCRIBE", &[("id", "the last"), ("destination", &topic)], "").await;
    let headers = [("id", "one more"), ("destination", &*topic)];
    stomp.refused("SUBSCRIBE", &headers, "", "overloaded").await;
    for n in 0..17 {
        stomp.send("BEGIN", &[("transaction", &n.to_string())], "").await;
    }
    stomp.ends_with("malformed", 4502).await;
}
