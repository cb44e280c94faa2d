//! Rooms for two: one for each pair, which both may join and nobody else ever may.
//! Strangers are tried as in private rooms.

use serde_json::{Value, json};

use super::stranger;
use crate::support::http::{Http, id_of, messages_of};
use crate::support::server::Server;
use crate::support::socket::Socket;

#[actix_web::test]
async fn there_is_one_room_for_each_pair_whoever_opens_it() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let (ada_user, bob_user) = (http.user("Ada").await, http.user("Bob").await);
    let (ada, bob) = (http.acting_as(&ada_user), http.acting_as(&bob_user));
    let opened = ada.post("/api/direct", json!({ "nickname": "bob" })).await.expect(201);
    let room = id_of(&opened);
    assert_eq!((&opened["visibility"], &opened["name"]), (&json!("direct"), &json!("Bob")));
    assert_eq!((&opened["with"], &opened["members"]), (&bob_user.shown(), &json!(1)));
    ada.say(&room, "are you there?").await;

    let expected = bob.get("/api/users/me/invitations").await.expect(200);
    assert_eq!((id_of(&expected["rooms"][0]), &expected["rooms"][0]["name"]), (room.clone(), &json!("Ada")));
    bob.get(&messages_of(&room)).await.problem(403, "not_a_member");
    let again = bob.post("/api/direct", json!({ "nickname": "Ada" })).await.expect(200);
    assert_eq!(
        (id_of(&again), &again["with"], &again["members"]),
        (room.clone(), &ada_user.shown(), &json!(2))
    );
    assert_eq!(bob.history(&room).await[1]["body"], "are you there?");
    let mut socket = Socket::of(&server, &bob_user).await;
    assert_eq!(socket.join(&room).await["room"]["name"], "Ada");
    for (http, name) in [(&ada, "Bob"), (&bob, "Ada")] {
        let mine = http.get("/api/users/me/rooms").await.expect(200);
        let room = &mine["rooms"][0];
        assert_eq!(
            (&room["name"], &room["role"], &mine["next"]),
            (&json!(name), &json!("member"), &Value::Null)
        );
    }
    for (http, nickname) in [(&ada, "ADA"), (&ada, "")] {
        http.post("/api/direct", json!({ "nickname": nickname })).await.invalid("nickname");
    }
    ada.post("/api/direct", json!({ "nickname": "Nobody" })).await.problem(404, "user_not_found");
    http.post("/api/direct", json!({ "nickname": "Bob" })).await.problem(401, "unauthenticated");

    // One may leave and come back, alone or not.
    ada.delete(&format!("/api/rooms/{room}/members/me")).await.expect(204);
    assert_eq!(id_of(&ada.get("/api/users/me/invitations").await.expect(200)["rooms"][0]), room);
    ada.enter(&room).await;
}

#[actix_web::test]
async fn both_at_once_open_the_same_room() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let (ada, bob) = (http.user("Ada").await, http.user("Bob").await);
    let (ada, bob) = (http.acting_as(&ada), http.acting_as(&bob));
    let first = ada.post("/api/direct", json!({ "nickname": "Bob" }));
    let second = bob.post("/api/direct", json!({ "nickname": "Ada" }));
    let (first, second) = futures_util::future::join(first, second).await;
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 201]);
    assert_eq!(id_of(&first.expect(first.status)), id_of(&second.expect(second.status)));
}

#[actix_web::test]
async fn nobody_else_comes_in_and_nobody_moderates() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let (ada_user, bob_user) = (http.user("Ada").await, http.user("Bob").await);
    let eve = http.user("Eve").await;
    let (ada, bob) = (http.acting_as(&ada_user), http.acting_as(&bob_user));
    let room = id_of(&ada.post("/api/direct", json!({ "nickname": "Bob" })).await.expect(201));
    bob.enter(&room).await;
    let path = |rest: &str| format!("/api/rooms/{room}{rest}");
    ada.put(&path("/invitations/Eve")).await.problem(403, "forbidden");
    ada.post(&path("/invitation-links"), json!({})).await.problem(403, "forbidden");
    ada.put(&path(&format!("/bans/{}", bob_user.id))).await.problem(403, "forbidden");
    ada.delete(&path(&format!("/members/{}", bob_user.id))).await.problem(403, "forbidden");
    ada.delete(&path("")).await.problem(403, "forbidden");
    stranger::finds_nothing(&server, &eve, &room, "Bob", &bob_user).await;
}
