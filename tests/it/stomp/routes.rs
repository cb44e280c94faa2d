//! Destinations and names of fields are settings; the two shipped examples are used as they are.

use std::path::PathBuf;

use serde_json::json;

use super::Hall;
use crate::support::server::Plan;
use crate::support::stomp::{Stomp, content};

/// A server with an example of `config/examples`.
async fn example(name: &str) -> Hall {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/examples").join(name);
    Hall::planned(Plan::default().with_arguments(&["--config", file.to_str().unwrap()])).await
}

#[actix_web::test]
async fn the_example_for_pub_and_topic_works_with_the_room_in_either_place() {
    let hall = example("stomp-pub.toml").await;
    let mut stomp = hall.stomp().await;
    let topic = format!("/topic/chat/{}", hall.room);
    stomp.done("SUBSCRIBE", &[("id", "room"), ("destination", &topic)], "").await;
    let send = format!("/pub/chat/send/{}", hall.room);
    stomp.done("SEND", &[("destination", &send)], &content("by destination")).await;
    let body =
        json!({ "roomId": hall.room, "sender": "x", "content": "by payload", "type": "CHAT" }).to_string();
    stomp.done("SEND", &[("destination", "/pub/chat/message")], &body).await;
    for text in ["by destination", "by payload"] {
        let message = stomp.message("room").await;
        let body = message.json();
        assert_eq!((message.header("destination"), &body["content"]), (&*topic, &json!(text)));
        assert_eq!((&body["roomId"], &body["sender"]), (&json!(hall.room), &json!("Ada")));
    }
    let problem =
        stomp.refused("SEND", &[("destination", "/pub/chat/message")], &content("x"), "invalid").await;
    assert_eq!(problem["field"], "room");
    let default = format!("/app/chat/send/{}", hall.room);
    stomp.refused("SEND", &[("destination", &default)], &content("x"), "not_found").await;
}

#[actix_web::test]
async fn the_example_for_legacy_front_ends_works_with_their_names() {
    let hall = example("stomp-legacy.toml").await;
    let mut stomp = Stomp::open(&hall.server).await;
    let connected = stomp.connect("1.1,1.0", &[]).await;
    assert_eq!(connected.find("user-name"), None, "nobody knows yet who it is");
    let topic = format!("/subscribe/{}", hall.room);
    stomp.done("SUBSCRIBE", &[("id", "sub-0"), ("destination", &topic)], "").await;
    let send = async |stomp: &mut Stomp, kind: &str, text: &str| {
        let body =
            json!({ "roomId": hall.room, "nickname": "Bob", "message": text, "type": kind, "time": "now" });
        stomp.done("SEND", &[("destination", "/app-ws-method/sendMessage")], &body.to_string()).await;
    };
    send(&mut stomp, "JOIN", "").await;
    send(&mut stomp, "CHAT", "hello").await;
    send(&mut stomp, "LEAVE", "").await;
    for (kind, text) in [("JOIN", ""), ("CHAT", "hello"), ("LEAVE", "")] {
        let message = stomp.message("sub-0").await;
        assert_eq!(message.header("destination"), topic);
        let body = message.json();
        assert_eq!((&body["type"], &body["message"]), (&json!(kind), &json!(text)), "{body}");
        assert_eq!((&body["nickname"], &body["roomId"]), (&json!("Bob"), &json!(hall.room)));
        assert!(body["time"].is_string() && body.get("content").is_none(), "{body}");
    }

    // Clients of the default route are served beside them, in the same room.
    let mut other = hall.stomp().await;
    other.subscribe("room", &hall.room, &[]).await;
    other.say(&hall.room, "from the other side").await;
    assert_eq!(stomp.message("sub-0").await.json()["message"], "from the other side");
    assert_eq!(other.message("room").await.json()["content"], "from the other side");
}
