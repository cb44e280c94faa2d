//! Heart-beats: the server's come in time, the client's are missed, and both only where they were agreed on.

use std::time::{Duration, Instant};

use super::Hall;
use crate::support::server::Plan;
use crate::support::stomp::{Heard, LATER, Stomp};

/// A server whose time between two is short.
async fn lively() -> Hall {
    Hall::planned(Plan::default().set("stomp.heartbeat_ms", 2000)).await
}

async fn connected(hall: &Hall, version: &str, offer: &str) -> Stomp {
    let mut stomp = Stomp::open(&hall.server).await;
    let connected = stomp.connect(version, &[("passcode", &hall.ada.token), ("heart-beat", offer)]).await;
    assert_eq!(connected.header("heart-beat"), "2000,2000");
    stomp
}

#[actix_web::test]
async fn the_server_beats_at_least_as_often_as_it_promised() {
    let hall = lively().await;
    for version in LATER {
        let mut stomp = connected(&hall, version, "0,1000").await;
        let begun = Instant::now();
        let mut last = begun;
        let mut longest = Duration::ZERO;
        for _ in 0..4 {
            let heard = stomp.hear().await;
            assert!(matches!(heard, Heard::Beat), "{heard:?}");
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }
        // Promised every 2 s; a busy machine may take as long again.
        assert!(longest < Duration::from_secs(4), "{longest:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[actix_web::test]
async fn a_client_that_promised_heart_beats_and_falls_silent_is_closed() {
    let hall = lively().await;
    for version in LATER {
        let mut stomp = connected(&hall, version, "1000,0").await;
        let begun = Instant::now();
        stomp.ends_with("heartbeat_missed", 4002).await;
        assert!(
            begun.elapsed() >= Duration::from_secs(4),
            "twice the time is allowed: {:?}",
            begun.elapsed()
        );
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }
}

#[actix_web::test]
async fn a_client_that_beats_lives_and_nothing_else_is_wanted_of_it() {
    let hall = lively().await;
    let mut stomp = connected(&hall, "1.2", "1000,1000").await;
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(9) {
        stomp.tell("\n").await;
        let _ = tokio::time::timeout(Duration::from_secs(1), stomp.hear_patiently()).await;
    }
    stomp.say(&hall.room, "alive").await;
}

#[actix_web::test]
async fn without_an_agreement_nobody_beats_and_nobody_is_missed() {
    let hall = lively().await;
    let offers = [("1.1", Some("0,0")), ("1.2", None), ("1.2", Some("0,0"))];
    let mut quiet = Vec::new();
    for (version, offer) in offers {
        let mut stomp = Stomp::open(&hall.server).await;
        let mut headers = vec![("passcode", &*hall.ada.token)];
        headers.extend(offer.map(|offer| ("heart-beat", offer)));
        stomp.connect(version, &headers).await;
        quiet.push(stomp);
    }
    quiet.push(Stomp::of_version(&hall.server, &hall.ada, "1.0").await);
    tokio::time::sleep(Duration::from_secs(7)).await;
    for stomp in &mut quiet {
        let begun = Instant::now();
        let sent = stomp.ask("BEGIN", &[("transaction", "t")], "").await;
        let heard = stomp.hear().await;
        assert!(matches!(&heard, Heard::Frame(frame) if frame.header("receipt-id") == sent), "{heard:?}");
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}

#[actix_web::test]
async fn a_server_without_heart_beats_says_so() {
    let hall = Hall::planned(Plan::default().set("stomp.heartbeat_ms", 0)).await;
    let mut stomp = Stomp::open(&hall.server).await;
    let headers = [("passcode", &*hall.ada.token), ("heart-beat", "1000,1000")];
    assert_eq!(stomp.connect("1.2", &headers).await.header("heart-beat"), "0,0");
}

#[actix_web::test]
async fn an_offer_that_is_none_breaks_the_frame() {
    let hall = lively().await;
    for offer in ["", "1000", "a,b", "-1,0", "1,2,3", "1.5,0"] {
        let mut stomp = Stomp::open(&hall.server).await;
        let token = &hall.ada.token;
        stomp.tell(&format!("CONNECT\naccept-version:1.2\npasscode:{token}\nheart-beat:{offer}\n\n\0")).await;
        stomp.ends_with("malformed", 4502).await;
    }
}
