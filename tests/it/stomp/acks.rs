//! Ack modes: `auto`, `client` (cumulative), `client-individual`, and ACK and NACK as each version names deliveries.

use super::Hall;
use crate::support::server::Plan;
use crate::support::stomp::{Frame, Stomp, VERSIONS};

/// A hall whose subscriptions may leave so many deliveries unacknowledged, with a talker.
async fn hall(unacked_max: u64) -> (Hall, Stomp) {
    let hall = Hall::planned(Plan::default().set("stomp.unacked_max", unacked_max)).await;
    let talker = hall.stomp().await;
    (hall, talker)
}

async fn acknowledge(stomp: &mut Stomp, command: &str, message: &Frame) {
    let headers = naming(stomp.version(), message);
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
    stomp.done(command, &headers, "").await;
}

/// How a version names a delivery.
fn naming(version: &str, message: &Frame) -> Vec<(&'static str, String)> {
    let [subscription, id, ack] =
        ["subscription", "message-id", "ack"].map(|name| message.header(name).to_owned());
    match version {
        "1.2" => vec![("id", ack)],
        "1.1" => vec![("subscription", subscription), ("message-id", id)],
        _ => vec![("message-id", id)],
    }
}

#[actix_web::test]
async fn only_1_2_has_the_header_ack_and_only_where_acknowledgments_are_wanted() {
    let (hall, mut talker) = hall(100).await;
    for version in VERSIONS {
        for (mode, wanted) in
            [(None, false), (Some("auto"), false), (Some("client"), true), (Some("client-individual"), true)]
        {
            let mut stomp = hall.stomp_of_version(version).await;
            let mode: Vec<_> = mode.map(|mode| ("ack", mode)).into_iter().collect();
            stomp.subscribe("a@b", &hall.room, &mode).await;
            talker.say(&hall.room, "hello").await;
            let message = stomp.message("a@b").await;
            assert_eq!(message.find("ack").is_some(), wanted && version == "1.2", "{version}: {message:?}");
            assert!(!message.header("message-id").is_empty());
        }
    }
}

#[actix_web::test]
async fn in_mode_auto_nothing_needs_to_be_acknowledged() {
    let (hall, mut talker) = hall(3).await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        for n in 0..10 {
            talker.say(&hall.room, &n.to_string()).await;
        }
        stomp.messages("room", 10).await;
    }
}

#[actix_web::test]
async fn in_mode_client_one_ack_stands_for_all_before_it() {
    let (hall, mut talker) = hall(5).await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[("ack", "client")]).await;
        for _ in 0..5 {
            for n in 0..5 {
                talker.say(&hall.room, &n.to_string()).await;
            }
            let messages = stomp.messages("room", 5).await;
            acknowledge(&mut stomp, "ACK", &messages[4]).await;
        }
    }
}

#[actix_web::test]
async fn in_mode_client_individual_an_ack_stands_for_one() {
    let (hall, mut talker) = hall(5).await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[("ack", "client-individual")]).await;
        for n in 0..5 {
            talker.say(&hall.room, &n.to_string()).await;
        }
        let messages = stomp.messages("room", 5).await;
        acknowledge(&mut stomp, "ACK", &messages[4]).await;
        talker.say(&hall.room, "one more").await;
        stomp.message("room").await;
        talker.say(&hall.room, "one too many").await;
        stomp.ends_with("too_slow", 4001).await;
    }
}

#[actix_web::test]
async fn a_nack_ends_a_delivery_like_an_ack_and_never_brings_it_again() {
    let (hall, mut talker) = hall(3).await;
    for version in ["1.1", "1.2"] {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[("ack", "client-individual")]).await;
        for n in 0..10 {
            talker.say(&hall.room, &n.to_string()).await;
            let message = stomp.message("room").await;
            assert_eq!(message.json()["content"], n.to_string());
            acknowledge(&mut stomp, "NACK", &message).await;
        }
    }
    assert_eq!(hall.http.figure("klatsch_stomp_nacks_total").await, 20.0);
}

#[actix_web::test]
async fn what_was_never_delivered_cannot_be_acknowledged() {
    let (hall, mut talker) = hall(100).await;
    let mut stomp = hall.stomp().await;
    stomp.subscribe("room", &hall.room, &[("ack", "client")]).await;
    talker.say(&hall.room, "hello").await;
    let message = stomp.message("room").await;
    for id in ["room@1", "room@3", "other@2", "room@18446744073709551615"] {
        stomp.refused("ACK", &[("id", id)], "", "not_found").await;
        stomp.refused("NACK", &[("id", id)], "", "not_found").await;
    }
    acknowledge(&mut stomp, "ACK", &message).await;
    // Once more is no harm.
    acknowledge(&mut stomp, "ACK", &message).await;
    stomp.send("ACK", &[("id", "nonsense")], "").await;
    stomp.ends_with("malformed", 4502).await;
}

#[actix_web::test]
async fn a_subscription_that_has_ended_has_nothing_to_acknowledge() {
    let (hall, mut talker) = hall(100).await;
    let mut stomp = hall.stomp().await;
    stomp.subscribe("room", &hall.room, &[("ack", "client")]).await;
    talker.say(&hall.room, "hello").await;
    let message = stomp.message("room").await;
    stomp.done("UNSUBSCRIBE", &[("id", "room")], "").await;
    stomp.refused("ACK", &[("id", message.header("ack"))], "", "not_found").await;
}

/// Who acknowledges what it gets is never closed, however much it missed.
#[actix_web::test]
async fn a_replay_beyond_the_bound_is_no_reason_to_close() {
    let (hall, mut talker) = hall(10).await;
    for n in 1..=600 {
        talker
            .ask(
                "SEND",
                &[("destination", &crate::support::stomp::chat(&hall.room))],
                &crate::support::stomp::content(&n.to_string()),
            )
            .await;
    }
    talker.say(&hall.room, "the last one").await;
    for after in [590, 580, 300, 0] {
        let mut stomp = hall.stomp().await;
        let epoch = hall.http.look_at(&hall.room).await["head"]["epoch"].as_str().unwrap().to_owned();
        let after_text = format!("{epoch}:{after}");
        stomp.subscribe("room", &hall.room, &[("ack", "client"), ("after", &after_text)]).await;
        for seq in after + 1..=602 {
            let message = stomp.message("room").await;
            assert_eq!(message.number("seq"), seq);
            stomp.send("ACK", &[("id", message.header("ack"))], "").await;
        }
    }
}
