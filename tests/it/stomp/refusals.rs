//! What a room or the server does not want: a problem in the client's own queue, and the connection lives.
//! With `stomp.refusals = "error"` it is an ERROR, as the letter of the specification has it.

use serde_json::json;

use super::Hall;
use crate::support::server::Plan;
use crate::support::stomp::{ERRORS, Stomp, VERSIONS, chat, content};

#[actix_web::test]
async fn a_refused_send_is_a_problem_with_its_receipt_and_the_connection_lives() {
    let hall = Hall::open().await;
    let long = "x".repeat(8193);
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        for (destination, body, code, field) in [
            (chat(&hall.room), content(""), "invalid", json!("body")),
            (chat(&hall.room), content(" \n"), "invalid", json!("body")),
            (chat(&hall.room), content(&long), "invalid", json!("body")),
            (chat(&hall.room), json!({ "type": "CHAT" }).to_string(), "invalid", json!("content")),
            (chat(&hall.room), json!({ "content": 17 }).to_string(), "invalid", json!("content")),
            (
                chat(&hall.room),
                json!({ "content": "x", "type": "SHOUT" }).to_string(),
                "invalid",
                json!("type"),
            ),
            (chat(&hall.room), json!({ "content": "x", "type": 1 }).to_string(), "invalid", json!("type")),
            (chat(&hall.room), "[1]".to_owned(), "malformed", json!(null)),
            (chat(&hall.room), "not JSON".to_owned(), "malformed", json!(null)),
            (chat(&hall.room), String::new(), "malformed", json!(null)),
            (chat("nowhere"), content("x"), "room_not_found", json!(null)),
            ("/app/chat/send".to_owned(), content("x"), "not_found", json!(null)),
            ("/topic/rooms".to_owned(), content("x"), "not_found", json!(null)),
            ("anywhere".to_owned(), content("x"), "not_found", json!(null)),
        ] {
            let problem = stomp.refused("SEND", &[("destination", &destination)], &body, code).await;
            assert_eq!(problem["field"], field, "{version} {destination} {body:.80}");
        }
        stomp.say(&hall.room, "alive").await;
        let receipts = stomp.waiting().filter(|frame| frame.command == "RECEIPT").count();
        assert_eq!(receipts, 0, "what was refused has no RECEIPT");
    }
}

#[actix_web::test]
async fn a_refusal_without_a_receipt_or_a_listener_is_no_matter() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::of(&hall.server, &hall.ada).await;
    stomp.send("SEND", &[("destination", "/nowhere"), ("receipt", "r")], "{}").await;
    stomp.say(&hall.room, "alive").await;
    assert_eq!(stomp.waiting().count(), 0, "nobody listens");
    stomp.listen_for_errors().await;
    stomp.send("SEND", &[("destination", "/nowhere")], "{}").await;
    let problem = stomp.message("errors").await;
    assert_eq!((problem.header("code"), problem.find("receipt-id")), ("not_found", None));
    stomp.done("UNSUBSCRIBE", &[("id", "errors")], "").await;
    stomp.send("SEND", &[("destination", "/nowhere")], "{}").await;
    stomp.say(&hall.room, "alive").await;
    assert_eq!(stomp.waiting().count(), 0, "nobody listens any more");
}

#[actix_web::test]
async fn the_queue_of_refusals_is_ones_own() {
    let hall = Hall::open().await;
    let (mut one, mut two) = (hall.stomp().await, hall.stomp().await);
    one.refused("SEND", &[("destination", "/nowhere")], "{}", "not_found").await;
    two.say(&hall.room, "x").await;
    assert_eq!(two.waiting().count(), 0);
}

#[actix_web::test]
async fn where_the_letter_is_wanted_a_refusal_is_an_error_and_the_end() {
    let hall = Hall::planned(Plan::default().set("stomp.refusals", "error")).await;
    for version in VERSIONS {
        let mut stomp = Stomp::of_version(&hall.server, &hall.ada, version).await;
        stomp.done("SUBSCRIBE", &[("id", "errors"), ("destination", ERRORS)], "").await;
        stomp.send("SEND", &[("destination", &chat("nowhere")), ("receipt", "r")], &content("x")).await;
        let error = stomp.ends_with("room_not_found", 4502).await;
        assert_eq!(error.header("receipt-id"), "r", "{version}");
        assert_eq!(error.json()["code"], "room_not_found");
        assert_eq!(stomp.waiting().count(), 0, "no RECEIPT, no problem");
    }
}
