//! Roles, mutes, bans, kicks, handing over and closing, as those who do it and those whom it concerns see it.
//! Every combination of who and whom is tried by the properties of the library.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::House;
use crate::support::http::{Http, id_of, messages_of, text};
use crate::support::socket::Socket;
use crate::support::sse::{Events, Heard};
use crate::support::stomp::{Stomp, chat, content};
use crate::support::until;

#[actix_web::test]
async fn an_owner_names_moderators_who_look_after_members_and_nobody_above() {
    let house = House::open().await;
    let cleo = Http::to(&house.server).user("Cleo").await;
    Http::to(&house.server).acting_as(&cleo).enter(&house.room).await;
    let role = |user| house.of("members", user) + "/role";
    house.member.put_with(&role(&cleo), json!({ "role": "moderator" })).await.problem(403, "forbidden");
    house.member.delete(&house.of("members", &cleo)).await.problem(403, "forbidden");

    house.owner.put_with(&role(&house.bob), json!({ "role": "moderator" })).await.expect(204);
    let last = house.owner.history(&house.room).await.pop().unwrap();
    let seq = last["seq"].clone();
    house.owner.put_with(&role(&house.bob), json!({ "role": "moderator" })).await.expect(204);
    assert_eq!(house.owner.look_at(&house.room).await["head"]["seq"], seq, "what is so makes no record");
    assert_eq!(
        (&last["kind"], &last["sender"], &last["user"], &last["role"]),
        (&json!("role_changed"), &house.ada.shown(), &house.bob.shown(), &json!("moderator"))
    );
    let members = house.owner.get(&house.path("/members")).await.expect(200);
    let roles: Vec<Value> =
        members["members"].as_array().unwrap().iter().map(|m| m["role"].clone()).collect();
    assert_eq!(roles, ["owner", "moderator", "member"]);

    house.member.delete(&house.of("members", &house.ada)).await.problem(403, "forbidden");
    house.member.put(&house.of("bans", &house.ada)).await.problem(403, "forbidden");
    house.member.put(&house.of("mutes", &house.bob)).await.problem(403, "forbidden");
    house.member.delete(&house.path("")).await.problem(403, "forbidden");
    house.member.delete(&house.of("members", &cleo)).await.expect(204);
    house.owner.put_with(&role(&cleo), json!({ "role": "moderator" })).await.invalid("user");
    house.owner.put_with(&role(&house.ada), json!({ "role": "member" })).await.problem(403, "forbidden");
    for bad in [json!({}), json!({ "role": "king" }), json!({ "role": 1 })] {
        house.owner.put_with(&role(&house.bob), bad).await.invalid("role");
    }
    let nobody = house.path("/bans/nobody");
    house.owner.put(&nobody).await.problem(404, "user_not_found");
}

#[actix_web::test]
async fn who_is_muted_says_nothing_over_any_surface_until_it_is_over() {
    let house = House::open().await;
    let mut socket = Socket::of(&house.server, &house.bob).await;
    socket.join(&house.room).await;
    let mut stomp = Stomp::of(&house.server, &house.bob).await;
    stomp.listen_for_errors().await;
    let first = json!({ "body": "before", "client_id": "c1" });
    house.member.post(&messages_of(&house.room), first.clone()).await.expect(201);

    let mute = json!({ "seconds": 3600, "reason": " too loud " });
    house.owner.put_with(&house.of("mutes", &house.bob), mute).await.expect(204);
    let record = house.owner.history(&house.room).await.pop().unwrap();
    assert_eq!((&record["kind"], &record["reason"]), (&json!("muted"), &json!("too loud")));
    let until = record["until"].clone();

    let problem = house.member.post(&messages_of(&house.room), json!({ "body": "x" })).await;
    let problem = problem.problem(403, "muted");
    assert_eq!((&problem["until"], &problem["reason"]), (&until, &json!("too loud")));
    let error = socket.refused("send", json!({ "room": house.room, "body": "x" }), "muted").await;
    assert_eq!((&error["until"], &error["reason"]), (&until, &json!("too loud")));
    let receipt = stomp.ask("SEND", &[("destination", &chat(&house.room))], &content("x")).await;
    let problem = stomp.problem("muted", &receipt).await;
    assert_eq!((&problem["until"], &problem["reason"]), (&until, &json!("too loud")));
    house.member.post(&messages_of(&house.room), first).await.expect(200);

    let standing = house.standing(&house.member).await;
    assert_eq!((&standing["role"], &standing["muted_until"]), (&json!("member"), &until));
    let list = house.owner.get(&house.path("/mutes")).await.expect(200);
    let entry = json!({ "user": house.bob.shown(), "until": until, "reason": "too loud" });
    assert_eq!(list, json!({ "mutes": [entry], "next": null }));
    house.member.get(&house.path("/mutes")).await.problem(403, "forbidden");
    Http::to(&house.server).get(&house.path("/mutes")).await.problem(401, "unauthenticated");
    let seen = Http::to(&house.server).get(&house.of("members", &house.bob)).await.expect(200);
    assert!(seen.get("muted_until").is_none(), "a stranger sees what is held against Bob: {seen}");

    house.owner.delete(&house.of("mutes", &house.bob)).await.expect(204);
    house.member.say(&house.room, "after").await;
    for bad in [json!({ "seconds": 0 }), json!({ "seconds": -1 }), json!({ "seconds": "x" })] {
        house.owner.put_with(&house.of("mutes", &house.bob), bad).await.invalid("seconds");
    }
    let long = json!({ "reason": "x".repeat(201) });
    house.owner.put_with(&house.of("mutes", &house.bob), long).await.invalid("reason");
}

#[actix_web::test]
async fn a_mute_of_a_second_lasts_a_second() {
    let house = House::open().await;
    house.owner.put_with(&house.of("mutes", &house.bob), json!({ "seconds": 1 })).await.expect(204);
    let began = Instant::now();
    let refused = house.member.post(&messages_of(&house.room), json!({ "body": "x" })).await;
    refused.problem(403, "muted");
    until("Bob may speak", || async {
        let body = json!({ "body": "y" });
        house.member.post(&messages_of(&house.room), body).await.status == 201
    })
    .await;
    assert!(began.elapsed() < Duration::from_secs(10), "it took {:?}", began.elapsed());
    assert_eq!(house.owner.get(&house.path("/mutes")).await.expect(200)["mutes"], json!([]));
}

#[actix_web::test]
async fn who_is_banned_loses_membership_and_every_subscription_and_may_not_come_back() {
    let house = House::open().await;
    let mut socket = Socket::of(&house.server, &house.bob).await;
    socket.join(&house.room).await;
    let mut stomp = Stomp::of(&house.server, &house.bob).await;
    stomp.subscribe("hall", &house.room, &[]).await;
    let mut events = Events::of(&house.server, &house.room, &house.bob).await;
    assert_eq!(events.event().await.name, "joined");
    let mut stranger = Events::open(&house.server, &house.room, "", None).await;
    assert_eq!(stranger.event().await.name, "joined");

    house.owner.put_with(&house.of("bans", &house.bob), json!({ "reason": "spam" })).await.expect(204);
    let record = socket.record().await;
    assert_eq!((&record["kind"], &record["user"]), (&json!("banned"), &house.bob.shown()));
    assert_eq!((&record["until"], &record["reason"]), (&Value::Null, &json!("spam")));
    let parted = socket.push("parted").await;
    assert_eq!((&parted["room"], &parted["code"]), (&json!(house.room), &json!("banned")));
    assert_eq!(events.record().await["kind"], "banned");
    let parted = events.event().await;
    assert_eq!((parted.name.as_str(), &parted.data["code"]), ("parted", &json!("banned")));
    assert!(matches!(events.hear().await, Heard::End));
    let message = stomp.message("hall").await.json();
    assert_eq!((&message["type"], &message["sender"]), (&json!("LEAVE"), &json!("Bob")));
    assert_eq!(message["record"]["kind"], "banned");

    let said = house.owner.say(&house.room, "he is gone").await;
    assert_eq!(stranger.record().await["kind"], "banned", "who is nobody in particular reads on");
    assert_eq!(stranger.record().await, said);
    let refused = house.member.put(&house.path("/members/me")).await.problem(403, "banned");
    assert_eq!((&refused["until"], &refused["reason"]), (&Value::Null, &json!("spam")));
    house.member.post(&messages_of(&house.room), json!({ "body": "x" })).await.problem(403, "banned");
    house.member.get(&house.path("/events")).await.problem(403, "banned");
    socket.refused("join", json!({ "room": house.room }), "banned").await;
    let standing = house.standing(&house.member).await;
    assert_eq!((&standing["member"], &standing["banned_until"]), (&json!(false), &Value::Null));
    assert!(standing.get("banned_until").is_some() && standing["reason"] == "spam", "{standing}");
    let entry = json!({ "user": house.bob.shown(), "until": null, "reason": "spam" });
    let list = house.owner.get(&house.path("/bans")).await.expect(200);
    assert_eq!(list, json!({ "bans": [entry], "next": null }));

    house.owner.delete(&house.of("bans", &house.bob)).await.expect(204);
    house.member.enter(&house.room).await;
    assert!(stomp.messages_there("hall").is_empty(), "a subscription outlived the ban");
    assert!(socket.waiting_pushes().all(|push| push["type"] != "record"), "it outlived the ban");
}

#[actix_web::test]
async fn who_is_kicked_may_join_a_public_room_again_and_what_anybody_reads_goes_on() {
    let house = House::open().await;
    let mut socket = Socket::of(&house.server, &house.bob).await;
    socket.join(&house.room).await;
    let mut stomp = Stomp::of(&house.server, &house.bob).await;
    stomp.subscribe("hall", &house.room, &[]).await;
    house.owner.delete(&format!("{}?reason=calm%20down", house.of("members", &house.bob))).await.expect(204);
    assert_eq!(socket.record().await["reason"], "calm down");
    assert_eq!(socket.push("parted").await["code"], "not_a_member");
    assert_eq!(stomp.message("hall").await.json()["type"], "LEAVE");
    house.member.post(&messages_of(&house.room), json!({ "body": "x" })).await.problem(403, "not_a_member");
    house.owner.say(&house.room, "on").await;
    assert_eq!(stomp.message("hall").await.json()["content"], "on", "the room is public");
    socket.join(&house.room).await;
    assert_eq!(house.owner.look_at(&house.room).await["members"], 2);
}

#[actix_web::test]
async fn a_room_that_is_handed_over_has_one_owner() {
    let house = House::open().await;
    let role = house.of("members", &house.bob) + "/role";
    house.owner.put_with(&role, json!({ "role": "owner" })).await.expect(204);
    assert_eq!(house.standing(&house.member).await["role"], "owner");
    assert_eq!(house.standing(&house.owner).await["role"], "moderator");
    house.owner.delete(&house.path("")).await.problem(403, "forbidden");
    house.member.delete(&house.of("members", &house.ada)).await.expect(204);
    let created_by = house.owner.look_at(&house.room).await["created_by"].clone();
    assert_eq!(created_by, house.ada.shown(), "who made it is for ever");
}

#[actix_web::test]
async fn a_closed_room_can_be_read_and_left_and_its_name_is_free() {
    let house = House::open().await;
    let mut watching = Socket::of(&house.server, &house.ada).await;
    watching.ask("watch", json!({ "what": "rooms" })).await;
    let mut socket = Socket::of(&house.server, &house.bob).await;
    socket.join(&house.room).await;
    house.owner.delete(&house.path("?reason=done")).await.expect(204);
    house.owner.delete(&house.path("")).await.expect(204);
    let record = socket.record().await;
    assert_eq!((&record["kind"], &record["reason"]), (&json!("room_closed"), &json!("done")));
    assert_eq!(socket.push("parted").await["code"], "room_closed");
    loop {
        let push = watching.push("room").await;
        if push["change"] == "closed" {
            break assert_eq!(push["room"]["closed"], true, "{push}");
        }
    }

    let shown = house.owner.look_at(&house.room).await;
    assert_eq!((&shown["closed"], &shown["name"]), (&json!(true), &json!("hall")));
    assert_eq!(house.owner.history(&house.room).await.len(), 3);
    for (answer, code) in [
        (house.member.post(&messages_of(&house.room), json!({ "body": "x" })).await, "room_closed"),
        (house.owner.put(&house.of("mutes", &house.bob)).await, "room_closed"),
    ] {
        answer.problem(409, code);
    }
    let cleo = Http::to(&house.server).user("Cleo").await;
    let cleo = Http::to(&house.server).acting_as(&cleo);
    cleo.put(&house.path("/members/me")).await.problem(409, "room_closed");
    assert_eq!(cleo.get("/api/rooms").await.expect(200)["rooms"], json!([]));
    assert_eq!(cleo.get("/api/rooms?name=hall").await.expect(200)["rooms"], json!([]));
    let again = cleo.room("hall").await;
    assert_ne!(id_of(&again), house.room);
    house.member.delete(&house.path("/members/me")).await.expect(204);
    let mine = house.member.get("/api/users/me/rooms").await.expect(200);
    assert_eq!(mine["rooms"], json!([]));
    let mine = house.owner.get("/api/users/me/rooms").await.expect(200);
    assert_eq!(
        (text(&mine["rooms"][0]["id"]), &mine["rooms"][0]["closed"]),
        (house.room.clone(), &json!(true))
    );
}
