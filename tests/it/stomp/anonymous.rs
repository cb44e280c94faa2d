//! `stomp.anonymous = "bind"`: a client that names itself only in its payloads is whom it names first.

use serde_json::json;

use super::Hall;
use crate::support::server::Plan;
use crate::support::stomp::{Stomp, VERSIONS, chat, content, content_with};

async fn hall() -> Hall {
    Hall::planned(Plan::default().set("stomp.anonymous", "bind")).await
}

/// A client that did not say who it is, and listens for refusals.
async fn stranger(hall: &Hall, version: &str) -> Stomp {
    let mut stomp = Stomp::open(&hall.server).await;
    let connected = stomp.connect(version, &[]).await;
    assert_eq!((connected.find("user-id"), connected.find("token")), (None, None));
    stomp.listen_for_errors().await;
    stomp
}

fn from(sender: &str, kind: &str) -> String {
    content_with("hello", json!({ "sender": sender, "type": kind }))
}

#[actix_web::test]
async fn the_first_sender_is_bound_and_another_is_refused() {
    let hall = hall().await;
    for version in VERSIONS {
        let name = format!("Bob {version}");
        let mut stomp = stranger(&hall, version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let destination = chat(&hall.room);
        let to = [("destination", &*destination)];
        stomp.done("SEND", &to, &from(&name, "JOIN")).await;
        stomp.done("SEND", &to, &from(&name, "CHAT")).await;
        // The same name in other letters is the same name.
        stomp.done("SEND", &to, &from(&name.to_uppercase(), "CHAT")).await;
        for other in ["Mallory", "Ada"] {
            stomp.refused("SEND", &to, &from(other, "CHAT"), "forbidden").await;
        }
        let problem = stomp.refused("SEND", &to, &content("nameless"), "invalid").await;
        assert_eq!(problem["field"], "sender");
        for message in stomp.messages("room", 3).await {
            assert_eq!(message.json()["sender"], name);
        }
    }
}

#[actix_web::test]
async fn a_taken_name_is_a_problem_and_another_may_be_tried() {
    let hall = hall().await;
    for version in VERSIONS {
        let mut stomp = stranger(&hall, version).await;
        let destination = chat(&hall.room);
        let to = [("destination", &*destination)];
        for _ in 0..2 {
            stomp.refused("SEND", &to, &from("Ada", "JOIN"), "nickname_taken").await;
        }
        stomp.refused("SEND", &to, &from("", "JOIN"), "invalid").await;
        stomp.done("SEND", &to, &from(&format!("Eve {version}"), "JOIN")).await;
        stomp.done("SEND", &to, &from(&format!("Eve {version}"), "CHAT")).await;
        let more = stomp.waiting().count();
        assert_eq!(more, 0, "one problem a refusal: {:?}", stomp.waiting().collect::<Vec<_>>());
    }
    let history = hall.http.history(&hall.room).await;
    assert!(history.iter().all(|record| record["sender"]["nickname"] != "Ada" || record["kind"] == "joined"));
}

/// Everything in one breath: the name, what is said under it, and what is said under another.
#[actix_web::test]
async fn a_name_counts_for_what_follows_it_at_once() {
    let hall = hall().await;
    let mut stomp = stranger(&hall, "1.2").await;
    let destination = chat(&hall.room);
    let to = [("destination", &*destination)];
    let join = stomp.ask("SEND", &to, &from("Bob", "JOIN")).await;
    let said = stomp.ask("SEND", &to, &from("Bob", "CHAT")).await;
    let forged = stomp.ask("SEND", &to, &from("Eve", "CHAT")).await;
    stomp.receipt(&join).await;
    stomp.receipt(&said).await;
    stomp.problem("forbidden", &forged).await;
}

#[actix_web::test]
async fn a_stranger_reads_and_one_with_a_login_is_bound_to_it() {
    let hall = hall().await;
    let mut reader = stranger(&hall, "1.2").await;
    reader.subscribe("room", &hall.room, &[]).await;
    let mut known = hall.stomp().await;
    known.done("SEND", &[("destination", &chat(&hall.room))], &from("Mallory", "CHAT")).await;
    assert_eq!(reader.message("room").await.json()["sender"], "Ada");
    // A stranger may stay one for as long as it likes, and a bad token is not a stranger.
    let mut bad = Stomp::open(&hall.server).await;
    bad.is_refused(&[("passcode", "no token")], "unauthenticated", 4500).await;
}

#[actix_web::test]
async fn a_server_with_accounts_demands_a_login() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::open(&hall.server).await;
    stomp.is_refused(&[], "unauthenticated", 4500).await;
}
