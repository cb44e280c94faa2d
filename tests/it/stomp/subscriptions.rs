//! SUBSCRIBE and UNSUBSCRIBE: what is heard, from where on, and what an id is good for. D3 in STOMP.

use serde_json::json;

use super::Hall;
use crate::support::http::{id_of, text};
use crate::support::server::Plan;
use crate::support::stomp::{Frame, Stomp, VERSIONS, topic};

fn seqs(messages: &[Frame]) -> Vec<u64> {
    messages.iter().map(|message| message.number("seq")).collect()
}

#[actix_web::test]
async fn a_message_has_everything_that_the_specification_and_a_resume_need() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        stomp.say_with(&hall.room, "hello", &[("client-id", version)]).await;
        let message = stomp.message("room").await;
        let record = hall.http.history(&hall.room).await.pop().unwrap();
        assert_eq!(message.header("destination"), topic(&hall.room));
        assert_eq!(message.number("seq"), record["seq"].as_u64().unwrap());
        assert_eq!(message.header("client-id"), version);
        let epoch = hall.http.look_at(&hall.room).await["head"]["epoch"].clone();
        assert_eq!(message.header("epoch"), text(&epoch));
        let expected = json!({
            "roomId": hall.room, "sender": "Ada", "content": "hello", "type": "CHAT", "timestamp": record["at"],
        });
        assert_eq!(message.json(), expected, "{version}");
    }
}

#[actix_web::test]
async fn message_ids_are_unique_among_rooms_and_subscriptions_of_a_record() {
    let hall = Hall::open().await;
    let other = id_of(&hall.http.room("The Other").await);
    hall.http.enter(&other).await;
    let mut stomp = hall.stomp().await;
    let mut ids = Vec::new();
    for (subscription, room) in [("a", &hall.room), ("b", &other)] {
        stomp.subscribe(subscription, room, &[]).await;
        for n in 0..3 {
            hall.http.say(room, &n.to_string()).await;
        }
        ids.extend(
            stomp
                .messages(subscription, 3)
                .await
                .iter()
                .map(|message| message.header("message-id").to_owned()),
        );
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

#[actix_web::test]
async fn a_subscription_ends_with_unsubscribe_and_its_id_is_free_again() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        for _ in 0..2 {
            stomp.subscribe("room", &hall.room, &[]).await;
            hall.http.say(&hall.room, "heard").await;
            assert_eq!(stomp.message("room").await.json()["content"], "heard");
            stomp.done("UNSUBSCRIBE", &[("id", "room")], "").await;
            hall.http.say(&hall.room, "not heard").await;
        }
        // Of what was never subscribed, too: it is over.
        stomp.done("UNSUBSCRIBE", &[("id", "never")], "").await;
        assert!(stomp.waiting().all(|frame| frame.command != "MESSAGE"), "{version}");
    }
}

#[actix_web::test]
async fn in_1_0_a_subscription_needs_no_id() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp_of_version("1.0").await;
    let topic = topic(&hall.room);
    for _ in 0..2 {
        stomp.done("SUBSCRIBE", &[("destination", &topic), ("ack", "client")], "").await;
        hall.http.say(&hall.room, "heard").await;
        let message = stomp.frame("MESSAGE").await;
        assert_eq!((message.find("subscription"), message.header("destination")), (None, &*topic));
        stomp.done("ACK", &[("message-id", message.header("message-id"))], "").await;
        stomp.done("UNSUBSCRIBE", &[("destination", &topic)], "").await;
        hall.http.say(&hall.room, "not heard").await;
    }
    assert!(stomp.waiting().all(|frame| frame.command != "MESSAGE"));
}

#[actix_web::test]
async fn an_id_in_use_breaks_the_protocol() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        stomp
            .send("SUBSCRIBE", &[("id", "room"), ("destination", "/topic/rooms"), ("receipt", "r")], "")
            .await;
        let error = stomp.ends_with("malformed", 4502).await;
        assert_eq!(error.header("receipt-id"), "r", "{version}");
    }
}

#[actix_web::test]
async fn two_subscriptions_of_one_room_are_two() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    stomp.subscribe("one", &hall.room, &[]).await;
    stomp.subscribe("two", &hall.room, &[]).await;
    hall.http.say(&hall.room, "both").await;
    assert_eq!(stomp.message("one").await.json(), stomp.message("two").await.json());
    stomp.done("UNSUBSCRIBE", &[("id", "one")], "").await;
    hall.http.say(&hall.room, "the second").await;
    assert_eq!(stomp.message("two").await.json()["content"], "the second");
}

#[actix_web::test]
async fn a_subscription_that_was_refused_leaves_its_id_free() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        for (destination, code) in [
            ("/topic/nowhere", "not_found"),
            ("/topic/chat/nowhere", "room_not_found"),
            ("/topic/chat/", "not_found"),
            ("/topic/chat/nowhere", "room_not_found"),
        ] {
            let headers = [("id", "room"), ("destination", destination)];
            let receipt = stomp.ask("SUBSCRIBE", &headers, "").await;
            let problem = stomp.frame("MESSAGE").await;
            assert_eq!(problem.header("receipt-id"), receipt);
            let refused = problem.header("code");
            assert!([code, "room_not_found"].contains(&refused), "{destination}: {problem:?}");
        }
        stomp.subscribe("room", &hall.room, &[]).await;
        hall.http.say(&hall.room, "hello").await;
        stomp.message("room").await;
    }
}

/// D3, from memory and, where there is more than a node remembers, from storage.
#[actix_web::test]
async fn d3_after_gives_everything_above_it_once_and_in_order() {
    for remembered in [1000, 5] {
        let hall = Hall::planned(Plan::default().set("rooms.ring_records", remembered)).await;
        for n in 2..=300 {
            hall.http.say(&hall.room, &n.to_string()).await;
        }
        let epoch = text(&hall.http.look_at(&hall.room).await["head"]["epoch"]);
        for after in [0, 1, 250, 297, 300] {
            for version in VERSIONS {
                let mut stomp = hall.stomp_of_version(version).await;
                let position = format!("{epoch}:{after}");
                stomp.subscribe("room", &hall.room, &[("after", &position)]).await;
                let old = stomp.messages("room", 300 - after).await;
                assert_eq!(seqs(&old), (after as u64 + 1..=300).collect::<Vec<_>>(), "{version}");
            }
        }
        let mut stomp = hall.stomp().await;
        stomp.subscribe("room", &hall.room, &[]).await;
        hall.http.say(&hall.room, "live").await;
        assert_eq!(stomp.message("room").await.number("seq"), 301, "without a position there is nothing old");
    }
}

/// D3.
#[actix_web::test]
async fn d3_a_reader_resumes_after_its_last_message_over_any_number_of_kills() {
    let mut hall = Hall::open().await;
    let mut heard: Vec<u64> = Vec::new();
    let mut position = format!("{}:0", text(&hall.http.look_at(&hall.room).await["head"]["epoch"]));
    for round in 0..5 {
        let mut stomp = hall.stomp().await;
        stomp.subscribe("room", &hall.room, &[("after", &position)]).await;
        for n in 0..20 {
            hall.http.say(&hall.room, &format!("{round}.{n}")).await;
        }
        while heard.len() < (round + 1) * 15 {
            let message = stomp.message("room").await;
            heard.push(message.number("seq"));
            position = message.position();
        }
        hall.server.kill();
        hall.server.restart().await;
    }
    assert_eq!(heard, (1..=75).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_position_that_cannot_be_honoured_is_a_problem_and_the_subscription_is_live() {
    let hall = Hall::open().await;
    hall.http.say(&hall.room, "old").await;
    let head = hall.http.look_at(&hall.room).await["head"].clone();
    let epoch = text(&head["epoch"]);
    for version in VERSIONS {
        for lost in ["another:1".to_owned(), format!("{epoch}:4711")] {
            let mut stomp = hall.stomp_of_version(version).await;
            let topic = topic(&hall.room);
            let headers = [("id", "room"), ("destination", &*topic), ("after", &*lost)];
            let receipt = stomp.ask("SUBSCRIBE", &headers, "").await;
            let head = hall.http.look_at(&hall.room).await["head"].clone();
            let problem = stomp.problem("position_lost", &receipt).await;
            assert_eq!(problem["head"], head, "{version} {lost}");
            assert_eq!(problem["missing"], json!({ "from": 1, "to": head["seq"] }));
            hall.http.say(&hall.room, "live").await;
            let message = stomp.message("room").await;
            assert_eq!(message.number("seq"), head["seq"].as_u64().unwrap() + 1, "nothing old comes");
        }
    }
}

#[actix_web::test]
async fn a_position_that_is_none_is_refused() {
    let hall = Hall::open().await;
    let mut stomp = hall.stomp().await;
    for after in ["", "nonsense:x", ":1", "e:-1"] {
        let topic = topic(&hall.room);
        let headers = [("id", "room"), ("destination", &*topic), ("after", after)];
        let problem = stomp.refused("SUBSCRIBE", &headers, "", "invalid").await;
        assert_eq!(problem["field"], "after", "{after:?}");
    }
    stomp.subscribe("room", &hall.room, &[]).await;
}

#[actix_web::test]
async fn changes_of_the_list_of_rooms_are_pushed() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp
            .done("SUBSCRIBE", &[("id", "rooms"), ("destination", "/topic/rooms"), ("ack", "client")], "")
            .await;
        let made = hall.http.room(&format!("made for {version}")).await;
        let push = stomp.message("rooms").await;
        assert_eq!(push.header("destination"), "/topic/rooms");
        assert!(!push.header("message-id").is_empty());
        let body = push.json();
        assert_eq!((&body["change"], &body["room"]["id"]), (&json!("created"), &made["id"]), "{body}");
        if version == "1.2" {
            stomp.done("ACK", &[("id", push.header("ack"))], "").await;
        }
        hall.http.enter(&id_of(&made)).await;
        let body = stomp.message("rooms").await.json();
        assert_eq!((&body["change"], &body["room"]["members"]), (&json!("changed"), &json!(1)), "{body}");
        stomp.done("UNSUBSCRIBE", &[("id", "rooms")], "").await;
    }
}

#[actix_web::test]
async fn reading_needs_no_membership() {
    let hall = Hall::open().await;
    let mut stranger = Stomp::guest(&hall.server, "Stranger").await;
    stranger.subscribe("room", &hall.room, &[]).await;
    hall.http.say(&hall.room, "hello").await;
    stranger.message("room").await;
    assert_eq!(hall.http.look_at(&hall.room).await["members"], 1);
}
