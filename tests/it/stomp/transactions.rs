//! Transactions: what is sent in one is appended at COMMIT, in order, all of it or nothing.

use serde_json::json;

use super::Hall;
use crate::support::http::{bodies, id_of};
use crate::support::stomp::{Stomp, VERSIONS, chat, content};

/// SEND in a transaction, with a receipt of its own, which is not waited for.
async fn send_in(stomp: &mut Stomp, transaction: &str, room: &str, text: &str) -> String {
    let destination = chat(room);
    stomp.ask("SEND", &[("destination", &destination), ("transaction", transaction)], &content(text)).await
}

async fn begin(stomp: &mut Stomp, transaction: &str) {
    stomp.done("BEGIN", &[("transaction", transaction)], "").await;
}

async fn commit(stomp: &mut Stomp, transaction: &str) {
    stomp.done("COMMIT", &[("transaction", transaction)], "").await;
}

#[actix_web::test]
async fn nothing_of_a_transaction_is_there_before_its_commit_and_all_of_it_after() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        begin(&mut stomp, "t").await;
        let receipts = [
            send_in(&mut stomp, "t", &hall.room, "one").await,
            send_in(&mut stomp, "t", &hall.room, "two").await,
        ];
        stomp.say(&hall.room, "outside").await;
        let third = send_in(&mut stomp, "t", &hall.room, "three").await;
        let before = stomp.waiting().find(|frame| receipts.contains(&frame.header("receipt-id").to_owned()));
        assert_eq!(before, None, "nothing is durable before the COMMIT");
        commit(&mut stomp, "t").await;
        for receipt in receipts.into_iter().chain([third]) {
            stomp.receipt(&receipt).await;
        }
        for expected in ["outside", "one", "two", "three"] {
            assert_eq!(stomp.message("room").await.json()["content"], expected, "{version}");
        }
    }
    assert_eq!(hall.said().await, ["outside", "one", "two", "three"].repeat(3));
}

#[actix_web::test]
async fn what_is_aborted_was_never_said() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        begin(&mut stomp, "t").await;
        send_in(&mut stomp, "t", &hall.room, "never").await;
        stomp.done("ABORT", &[("transaction", "t")], "").await;
        // The name is free again.
        begin(&mut stomp, "t").await;
        send_in(&mut stomp, "t", &hall.room, version).await;
        commit(&mut stomp, "t").await;
    }
    assert_eq!(hall.said().await, VERSIONS);
}

#[actix_web::test]
async fn what_is_open_when_the_connection_ends_is_aborted() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    begin(&mut stomp, "t").await;
    send_in(&mut stomp, "t", &hall.room, "never").await;
    stomp.done("DISCONNECT", &[], "").await;
    let mut stomp = hall.stomp().await;
    stomp.send("COMMIT", &[("transaction", "t")], "").await;
    stomp.ends_with("malformed", 4502).await;
    assert_eq!(hall.said().await, [""; 0]);
}

#[actix_web::test]
async fn transactions_beside_each_other_do_not_mix() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    begin(&mut stomp, "a").await;
    begin(&mut stomp, "b").await;
    for (transaction, text) in [("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2")] {
        send_in(&mut stomp, transaction, &hall.room, text).await;
    }
    commit(&mut stomp, "b").await;
    commit(&mut stomp, "a").await;
    assert_eq!(hall.said().await, ["b1", "b2", "a1", "a2"]);
}

#[actix_web::test]
async fn one_refused_send_means_that_nothing_is_appended() {
    let hall = Hall::open().await;
    let other = id_of(&hall.http.room("Where Ada is not").await);
    let long = "x".repeat(9000);
    for version in VERSIONS {
        for (destination, body, code) in [
            (chat(&other), content("not inside"), "not_a_member"),
            (chat("nowhere"), content("no room"), "room_not_found"),
            ("/app/nowhere".to_owned(), content("no destination"), "not_found"),
            (chat(&hall.room), content(&long), "invalid"),
            (chat(&hall.room), "not JSON".to_owned(), "malformed"),
            (chat(&hall.room), json!({ "type": "JOIN" }).to_string(), "invalid"),
            (chat(&hall.room), json!({ "content": "x", "type": "SHOUT" }).to_string(), "invalid"),
        ] {
            let mut stomp = hall.stomp_of_version(version).await;
            begin(&mut stomp, "t").await;
            send_in(&mut stomp, "t", &hall.room, "before").await;
            stomp.send("SEND", &[("destination", &destination), ("transaction", "t")], &body).await;
            // A later fault of another kind is not the one that is told.
            let headers = [("destination", "/app/elsewhere"), ("transaction", "t")];
            if code != "not_a_member" && code != "room_not_found" {
                stomp.send("SEND", &headers, "{").await;
            }
            send_in(&mut stomp, "t", &hall.room, "behind").await;
            stomp.refused("COMMIT", &[("transaction", "t")], "", code).await;
            let receipts = stomp.waiting().filter(|frame| frame.command == "RECEIPT").count();
            assert_eq!(receipts, 0, "{version} {code}");
            // The transaction is over, and the connection lives.
            begin(&mut stomp, "t").await;
        }
    }
    assert_eq!(hall.said().await, [""; 0]);
}

#[actix_web::test]
async fn a_transaction_over_two_rooms_is_done_in_both_or_in_none() {
    let hall = Hall::open().await;
    let other = id_of(&hall.http.room("The Other").await);
    let mut stomp = hall.stomp().await;
    begin(&mut stomp, "t").await;
    for (room, text) in [(&hall.room, "1"), (&other, "2"), (&hall.room, "3")] {
        send_in(&mut stomp, "t", room, text).await;
    }
    stomp.refused("COMMIT", &[("transaction", "t")], "", "not_a_member").await;
    assert_eq!(hall.said().await, [""; 0]);

    hall.http.enter(&other).await;
    begin(&mut stomp, "t").await;
    for (room, text) in [(&hall.room, "1"), (&other, "2"), (&hall.room, "3")] {
        send_in(&mut stomp, "t", room, text).await;
    }
    commit(&mut stomp, "t").await;
    assert_eq!(hall.said().await, ["1", "3"]);
    assert_eq!(bodies(&hall.http.history(&other).await), ["2"]);
}

#[actix_web::test]
async fn a_commit_that_is_repeated_after_a_reconnect_is_done_once() {
    let hall = Hall::open().await;
    for _ in 0..2 {
        let mut stomp = hall.stomp().await;
        begin(&mut stomp, "t").await;
        for id in ["a", "b", "c"] {
            let headers = [("destination", &*chat(&hall.room)), ("transaction", "t"), ("client-id", id)];
            stomp.send("SEND", &headers, &content(id)).await;
        }
        commit(&mut stomp, "t").await;
    }
    assert_eq!(hall.said().await, ["a", "b", "c"]);
}

#[actix_web::test]
async fn transactions_that_are_unknown_or_begun_twice_break_the_protocol() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        for (command, more) in [
            ("COMMIT", vec![]),
            ("ABORT", vec![]),
            ("SEND", vec![("destination", "/app/chat/send/x")]),
            ("BEGIN", vec![]),
        ] {
            let mut stomp = hall.stomp_of_version(version).await;
            let name = if command == "BEGIN" { "known" } else { "unknown" };
            begin(&mut stomp, "known").await;
            let headers = [&[("transaction", name), ("receipt", "r")], &more[..]].concat();
            stomp.send(command, &headers, if command == "SEND" { "{}" } else { "" }).await;
            let error = stomp.ends_with("malformed", 4502).await;
            assert_eq!(error.header("receipt-id"), "r", "{version} {command}");
        }
    }
}

#[actix_web::test]
async fn an_ack_in_a_transaction_counts_when_that_is_committed() {
    let plan = crate::support::server::Plan::default().set("stomp.unacked_max", 3);
    let hall = Hall::planned(plan).await;
    let mut stomp = hall.stomp().await;
    stomp.subscribe("room", &hall.room, &[("ack", "client")]).await;
    for round in 0..4 {
        for n in 0..3 {
            hall.http.say(&hall.room, &format!("{round}.{n}")).await;
        }
        let last = stomp.messages("room", 3).await.pop().unwrap();
        begin(&mut stomp, "t").await;
        stomp.send("ACK", &[("id", last.header("ack")), ("transaction", "t")], "").await;
        if round < 3 {
            commit(&mut stomp, "t").await;
        } else {
            stomp.done("ABORT", &[("transaction", "t")], "").await;
        }
    }
    hall.http.say(&hall.room, "one too many").await;
    stomp.ends_with("too_slow", 4001).await;
}
