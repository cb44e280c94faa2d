//! A forged sender in every field of a payload, over every protocol (D6): it is ignored, or the frame refused.
//! Who somebody is comes from how they showed it, and from nowhere else.

use serde_json::{Value, json};

use super::House;
use crate::support::http::messages_of;
use crate::support::socket::{Socket, merged};
use crate::support::sockjs::{SERVICE, SockJs, Transport};
use crate::support::sse::Events;
use crate::support::stomp::{Stomp, chat};

/// Every name under which a client might try to be somebody else, saying that they are Ada.
fn forgeries(house: &House) -> Vec<Value> {
    let (id, name) = (json!(house.ada.id), json!(house.ada.nickname));
    let mut all = Vec::new();
    for field in [
        "sender",
        "user",
        "from",
        "author",
        "user_id",
        "userId",
        "sender_id",
        "senderId",
        "nickname",
        "username",
        "user-name",
        "user-id",
        "login",
        "as_admin",
        "role",
        "kind",
        "origin",
        "token",
        "seq",
        "at",
    ] {
        for value in [id.clone(), name.clone(), house.ada.shown(), json!([house.ada.shown()]), json!(true)] {
            all.push(json!({ field: value }));
        }
    }
    all
}

/// D6: panics unless everything that was said since is Bob's, and there are so many records of it.
async fn all_are_bobs(house: &House, before: usize, said: usize) {
    let history = house.owner.history(&house.room).await;
    assert_eq!(history.len(), before + said);
    for record in &history[before..] {
        assert_eq!(record["sender"], house.bob.shown(), "{record}");
        assert_eq!(record["kind"], "message", "{record}");
        assert!(record.get("as_admin").is_none() && record.get("user").is_none(), "{record}");
    }
}

#[actix_web::test]
async fn d6_http_knows_the_sender_by_the_token_alone() {
    let house = House::open().await;
    let mut said = 0;
    for forged in forgeries(&house) {
        let answer = house
            .member
            .post(&messages_of(&house.room), merged(json!({ "body": "x" }), forged.clone()))
            .await;
        match answer.status {
            201 => said += 1,
            _ => drop(answer.problem(422, "invalid")),
        }
        // The same in the query, and in headers that a proxy might be thought to add.
        let path = format!("{}?sender={}&user={}", messages_of(&house.room), house.ada.id, house.ada.id);
        house.member.post(&path, merged(json!({ "body": "x" }), forged)).await;
        said += 1;
    }
    let call = house.member.call("POST".parse().unwrap(), &messages_of(&house.room));
    let call = call.header("x-user-id", &house.ada.id).header("x-forwarded-user", &house.ada.nickname);
    call.json(&json!({ "body": "x" })).answer().await.expect(201);
    all_are_bobs(&house, 2, said + 1).await;
    let join = house.member.put_with(&house.path("/members/me"), json!({ "user": house.ada.shown() })).await;
    assert_eq!(join.expect(200)["members"], 2);
    // What is done about others is done in one's own name too.
    let kick = format!("/members/{}?sender={}", house.ada.id, house.ada.id);
    house.member.delete(&house.path(&kick)).await.problem(403, "forbidden");
    let role = house.of("members", &house.bob) + "/role";
    let body = json!({ "role": "owner", "sender": house.ada.shown(), "as_admin": true });
    house.member.put_with(&role, body).await.problem(403, "forbidden");
    let ban = json!({ "seconds": 5, "sender": house.ada.shown(), "as_admin": true, "authority": "admin" });
    house.member.put_with(&house.of("bans", &house.ada), ban).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn d6_the_native_socket_knows_the_sender_by_connect_alone() {
    let house = House::open().await;
    let mut socket = Socket::of(&house.server, &house.bob).await;
    let mut said = 0;
    for forged in forgeries(&house) {
        let send = merged(json!({ "room": house.room, "body": "x" }), forged.clone());
        let reply = socket.ask("send", send).await;
        match reply["type"].as_str() {
            Some("ack") => said += 1,
            _ => {
                assert_eq!((&reply["type"], &reply["code"]), (&json!("error"), &json!("invalid")), "{reply}")
            }
        }
        let join = socket.ask("join", merged(json!({ "room": house.room }), forged)).await;
        assert!(join["type"] == "joined" || join["code"] == "invalid", "{join}");
    }
    let again = json!({ "token": house.ada.token });
    socket.refused("connect", again, "already_connected").await;
    socket.say(&house.room, "still Bob").await;
    all_are_bobs(&house, 2, said + 1).await;
}

#[actix_web::test]
async fn d6_stomp_knows_the_sender_by_connect_alone() {
    let house = House::open().await;
    let mut stomp = Stomp::of(&house.server, &house.bob).await;
    stomp.listen_for_errors().await;
    let headers = [
        ("sender", house.ada.nickname.as_str()),
        ("user-name", &house.ada.nickname),
        ("user-id", &house.ada.id),
        ("login", &house.ada.nickname),
        ("passcode", &house.ada.token),
        ("authorization", "Bearer x"),
    ];
    let mut said = 0;
    for forged in forgeries(&house) {
        let body = merged(json!({ "content": "x", "roomId": house.room }), forged);
        stomp.done("SEND", &[("destination", &chat(&house.room))], &body.to_string()).await;
        said += 1;
    }
    for header in headers {
        let body = json!({ "content": "x", "sender": house.ada.nickname }).to_string();
        stomp.done("SEND", &[("destination", &chat(&house.room)), header], &body).await;
        said += 1;
    }
    all_are_bobs(&house, 2, said).await;
}

#[actix_web::test]
async fn d6_sockjs_carries_the_same_sessions() {
    let house = House::open().await;
    let mut session = SockJs::open(&house.server, Transport::Xhr, "forged").await;
    assert_eq!(session.ask("connect", json!({ "token": house.bob.token })).await["type"], "connected");
    let mut said = 0;
    for forged in forgeries(&house) {
        let send = merged(json!({ "room": house.room, "body": "x" }), forged);
        let reply = session.ask("send", send).await;
        match reply["type"].as_str() {
            Some("ack") => said += 1,
            _ => assert_eq!(reply["code"], "invalid", "{reply}"),
        }
    }
    all_are_bobs(&house, 2, said).await;
    // A session belongs to who connected in it, whoever posts to its address with which token.
    let stolen = json!({ "type": "send", "id": 9999, "room": house.room, "body": "whose?" });
    let path = format!("{SERVICE}/000/forged/xhr_send");
    let call = house.owner.call("POST".parse().unwrap(), &path);
    let sent = call.body("text/plain", json!([stolen.to_string()]).to_string()).answer().await;
    assert_eq!(sent.status, 204, "{sent:?}");
    while session.message().await["id"] != 9999 {}
    all_are_bobs(&house, 2, said + 1).await;
}

#[actix_web::test]
async fn d6_who_reads_by_stream_or_poll_sends_with_the_token_of_the_call() {
    let house = House::open().await;
    let mut events = Events::of(&house.server, &house.room, &house.ada).await;
    events.event().await;
    let polled = {
        let (http, path) = (house.owner.clone(), format!("{}?after=2&wait=30", messages_of(&house.room)));
        actix_web::rt::spawn(async move { http.get(&path).await })
    };
    let forged = json!({ "body": "not Ada", "sender": house.ada.shown(), "client_id": "c" });
    let record = house.member.post(&messages_of(&house.room), forged.clone()).await.expect(201);
    assert_eq!(record["sender"], house.bob.shown());
    assert_eq!(events.record().await, record);
    assert_eq!(polled.await.unwrap().expect(200)["records"], json!([record]));
    // The same client id of somebody else is another message.
    let own = house.owner.post(&messages_of(&house.room), forged).await.expect(201);
    assert_eq!(own["sender"], house.ada.shown());
}
