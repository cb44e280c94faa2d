//! Somebody who has no business in a private room, and everything that they may try.
//! All of it must be refused as if there were no such room.

use serde_json::json;

use crate::support::http::{Http, User, messages_of};
use crate::support::server::Server;
use crate::support::socket::Socket;
use crate::support::stomp::{Stomp, chat, content, topic};

/// Panics where `user` can find, read or do anything in a room that they must not know.
pub(crate) async fn finds_nothing(server: &Server, user: &User, room: &str, name: &str, other: &User) {
    let anonymous = Http::to(server);
    let known = anonymous.acting_as(user);
    for http in [&anonymous, &known] {
        reads_nothing(http, room, name).await;
    }
    changes_nothing(&known, room, user, other).await;

    let mut socket = Socket::of(server, user).await;
    let text = |field: &str, value: &str| json!({ field: value, "body": "x" });
    socket.refused("join", json!({ "room": room }), "room_not_found").await;
    socket.refused("join", json!({ "room": name }), "room_not_found").await;
    socket
        .refused("join", json!({ "room": room, "after": { "epoch": "e", "seq": 0 } }), "room_not_found")
        .await;
    socket.refused("send", text("room", room), "room_not_found").await;

    let mut stomp = Stomp::of(server, user).await;
    stomp.listen_for_errors().await;
    let receipt = stomp.ask("SUBSCRIBE", &[("id", "1"), ("destination", &topic(room))], "").await;
    stomp.problem("room_not_found", &receipt).await;
    let after = [("id", "2"), ("destination", &*topic(room)), ("after", "0")];
    let receipt = stomp.ask("SUBSCRIBE", &after, "").await;
    stomp.problem("room_not_found", &receipt).await;
    for body in [content("x"), json!({ "type": "JOIN" }).to_string()] {
        let receipt = stomp.ask("SEND", &[("destination", &chat(room))], &body).await;
        stomp.problem("room_not_found", &receipt).await;
    }
}

async fn reads_nothing(http: &Http, room: &str, name: &str) {
    let list = http.get("/api/rooms?limit=500").await.expect(200);
    assert!(!list.to_string().contains(room), "the list has a private room: {list}");
    let found = http.call("GET".parse().unwrap(), "/api/rooms").query(&[("name", name)]).answer().await;
    assert_eq!(found.expect(200)["rooms"], json!([]), "it is found by its name");
    for rest in [
        "",
        "/members",
        "/messages",
        "/messages?after=0",
        "/messages?before=9",
        "/messages?after=0&wait=1",
        "/messages?after=e:9",
        "/events",
        "/events?after=0",
    ] {
        http.get(&format!("/api/rooms/{room}{rest}")).await.problem(404, "room_not_found");
    }
}

async fn changes_nothing(http: &Http, room: &str, user: &User, other: &User) {
    let path = |rest: &str| format!("/api/rooms/{room}{rest}");
    http.post(&messages_of(room), json!({ "body": "x" })).await.problem(404, "room_not_found");
    for get in ["/members/me", "/mutes", "/bans", "/invitation-links"] {
        http.get(&path(get)).await.problem(404, "room_not_found");
    }
    for get in [format!("/members/{}", user.id), format!("/members/{}", other.id)] {
        http.get(&path(&get)).await.problem(404, "room_not_found");
    }
    let about = |user: &User| {
        [
            format!("/mutes/{}", user.id),
            format!("/bans/{}", user.id),
            format!("/invitations/{}", user.nickname),
        ]
    };
    for put in about(user).into_iter().chain(about(other)).chain(["/members/me".to_owned()]) {
        http.put(&path(&put)).await.problem(404, "room_not_found");
    }
    for delete in about(user).into_iter().chain([String::new(), format!("/members/{}", other.id)]) {
        http.delete(&path(&delete)).await.problem(404, "room_not_found");
    }
    let role = path(&format!("/members/{}/role", other.id));
    http.put_with(&role, json!({ "role": "member" })).await.problem(404, "room_not_found");
    http.post(&path("/invitation-links"), json!({})).await.problem(404, "room_not_found");
    http.delete(&path("/invitation-links/x")).await.problem(404, "room_not_found");
    // Leaving where one is not is no error, and says nothing of whether there is such a room.
    let left = http.delete(&path("/members/me")).await;
    assert!(left.status == 204 || left.status == 404, "{left:?}");
}
