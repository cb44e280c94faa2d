//! The server's orderly stop: everybody is told, and what has a RECEIPT stays (D1).

use super::Hall;
use crate::support::stomp::{Heard, VERSIONS, chat, content};

/// D1, for an orderly stop.
#[actix_web::test]
async fn sigterm_is_an_error_and_4000_and_keeps_what_has_a_receipt() {
    let mut hall = Hall::open().await;
    let mut listeners = Vec::new();
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        listeners.push(stomp);
    }
    let mut talker = hall.stomp().await;
    for n in 0..100 {
        let receipt = n.to_string();
        let headers = [("destination", &*chat(&hall.room)), ("receipt", &receipt)];
        talker.send("SEND", &headers, &content(&receipt)).await;
    }
    talker.receipt("0").await;
    hall.server.ask_to_stop();
    for mut stomp in listeners {
        stomp.ends_with("going_away", 4000).await;
    }
    let mut received = vec!["0".to_owned()];
    loop {
        match talker.hear().await {
            Heard::Frame(frame) if frame.command == "RECEIPT" => {
                received.push(frame.header("receipt-id").to_owned())
            }
            Heard::Frame(_) | Heard::Beat => {}
            Heard::Closed(4000) | Heard::Cut => break,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }
    assert!(hall.server.has_stopped().await.success(), "{}", hall.server.log());
    hall.server.must_not_have_panicked();
    hall.server.restart().await;
    let said = hall.said().await;
    assert!(received.iter().all(|receipt| said.contains(receipt)), "{received:?} {said:?}");
    let expected: Vec<String> = (0..said.len()).map(|n| n.to_string()).collect();
    assert_eq!(said, expected);
}
