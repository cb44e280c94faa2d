//! RECEIPT: on every frame, after what it is about was done, and for a SEND only once it is durable (D1).

use super::Hall;
use crate::support::stomp::{Frame, Heard, LATER, Stomp, VERSIONS, chat, content, topic};

#[actix_web::test]
async fn every_frame_but_connect_may_ask_for_a_receipt() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        let (destination, topic) = (chat(&hall.room), topic(&hall.room));
        let subscribe = [("id", "room"), ("destination", &*topic), ("ack", "client-individual")];
        stomp.done("SUBSCRIBE", &subscribe, "").await;
        stomp.done("SEND", &[("destination", &destination)], &content("one")).await;
        stomp.done("SEND", &[("destination", &destination)], &content("two")).await;
        for (command, message) in ["ACK", "NACK"].into_iter().zip(stomp.messages("room", 2).await) {
            if (version, command) != ("1.0", "NACK") {
                stomp.done(command, &naming(version, &message), "").await;
            }
        }
        stomp.done("BEGIN", &[("transaction", "t")], "").await;
        stomp.done("ABORT", &[("transaction", "t")], "").await;
        stomp.done("BEGIN", &[("transaction", "t")], "").await;
        stomp.done("COMMIT", &[("transaction", "t")], "").await;
        stomp.done("UNSUBSCRIBE", &[("id", "room")], "").await;
        stomp.done("DISCONNECT", &[], "").await;
        assert_eq!(stomp.close_code().await, Some(1000), "{version}");
    }
}

/// How a version names a delivery in ACK and NACK.
fn naming<'a>(version: &str, message: &'a Frame) -> Vec<(&'a str, &'a str)> {
    match version {
        "1.2" => vec![("id", message.header("ack"))],
        "1.1" => vec![
            ("subscription", message.header("subscription")),
            ("message-id", message.header("message-id")),
        ],
        _ => vec![("message-id", message.header("message-id"))],
    }
}

#[actix_web::test]
async fn a_receipt_repeats_any_name_exactly() {
    let hall = Hall::open().await;
    for version in LATER {
        let mut stomp = hall.stomp_of_version(version).await;
        for name in ["a:b\\c\nd", " ", "日本", &"x".repeat(255)] {
            stomp.send("BEGIN", &[("transaction", name), ("receipt", name)], "").await;
            stomp.receipt(name).await;
        }
    }
}

/// D1.
#[actix_web::test]
async fn d1_a_message_with_a_receipt_survives_a_kill() {
    let mut hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    let mut received = 0;
    for n in 0..200 {
        let receipt = n.to_string();
        let headers = [("destination", &*chat(&hall.room)), ("receipt", &receipt)];
        stomp.send("SEND", &headers, &content(&receipt)).await;
    }
    while received < 40 {
        stomp.frame("RECEIPT").await;
        received += 1;
    }
    hall.server.kill();
    // What came before the cut counts as well.
    while let Heard::Frame(_) | Heard::Beat = stomp.hear().await {
        received += 1;
    }
    hall.server.restart().await;
    let said = hall.said().await;
    assert!(said.len() >= received, "{} of {received} are there", said.len());
    let expected: Vec<String> = (0..said.len()).map(|n| n.to_string()).collect();
    assert_eq!(said, expected, "in the order in which they were sent");
}

#[actix_web::test]
async fn disconnect_waits_for_everything_before_it() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        for n in 0..50 {
            stomp.ask("SEND", &[("destination", &chat(&hall.room))], &content(&n.to_string())).await;
        }
        let goodbye = stomp.ask("DISCONNECT", &[], "").await;
        stomp.send("SEND", &[("destination", &chat(&hall.room))], &content("too late")).await;
        let mut receipts = Vec::new();
        loop {
            match stomp.hear().await {
                Heard::Frame(frame) => receipts.push(frame.header("receipt-id").to_owned()),
                Heard::Beat => {}
                Heard::Closed(code) => break assert_eq!(code, 1000),
                Heard::Cut => panic!("cut after {receipts:?}"),
            }
        }
        assert_eq!(receipts.len(), 51, "{version}");
        assert_eq!(receipts.last(), Some(&goodbye));
    }
    let said = hall.said().await;
    assert_eq!(said.len(), 150);
    assert!(!said.contains(&"too late".to_owned()));
}

#[actix_web::test]
async fn disconnect_needs_no_receipt_and_no_blank_line() {
    let hall = Hall::open().await;
    for frame in ["DISCONNECT\n\n\0", "DISCONNECT\n\0"] {
        let mut stomp = Stomp::of(&hall.server, &hall.ada).await;
        stomp.tell(frame).await;
        assert_eq!(stomp.close_code().await, Some(1000));
    }
}
