//! Invitations by nickname and by link: who may invite, what who is invited sees, and what makes a link dead.
//! What strangers see of the rooms concerned is in `privacy`.

use serde_json::{Value, json};

use crate::support::http::{Http, User, id_of, messages_of, text};
use crate::support::server::Server;
use crate::support::until;

async fn people(server: &Server) -> [(User, Http); 3] {
    let http = Http::to(server);
    let mut people = Vec::new();
    for name in ["Ada", "Bob", "Cleo Ä/%"] {
        let user = http.user(name).await;
        people.push((user.clone(), http.acting_as(&user)));
    }
    people.try_into().unwrap_or_else(|_| unreachable!("there are three"))
}

#[actix_web::test]
async fn who_is_invited_sees_the_room_and_may_join_it() {
    let server = Server::start().await;
    let [(_, ada), (bob_user, bob), (_, cleo)] = people(&server).await;
    let room = ada.private_room("den").await;
    let path = |rest: &str| format!("/api/rooms/{room}{rest}");
    bob.put(&path("/members/me")).await.problem(404, "room_not_found");
    // The owner need not be a member to invite.
    for _ in 0..2 {
        ada.put(&path("/invitations/BOB")).await.expect(204);
    }
    assert_eq!(bob.get(&path("")).await.expect(200)["name"], "den");
    let mine = bob.get("/api/users/me/invitations").await.expect(200);
    assert_eq!((id_of(&mine["rooms"][0]), &mine["next"]), (room.clone(), &Value::Null));
    bob.get(&messages_of(&room)).await.problem(403, "not_a_member");
    bob.get(&path("/members")).await.problem(403, "not_a_member");
    let standing = bob.get(&path("/members/me")).await.expect(200);
    let expected = json!({ "user": bob_user.shown(), "role": null, "member": false, "invited": true });
    assert_eq!(standing, expected);
    bob.enter(&room).await;
    assert_eq!(bob.get("/api/users/me/invitations").await.expect(200)["rooms"], json!([]));
    let mine = bob.get("/api/users/me/rooms").await.expect(200);
    assert_eq!((id_of(&mine["rooms"][0]), &mine["rooms"][0]["role"]), (room.clone(), &json!("member")));
    let kinds: Vec<Value> = bob.history(&room).await.iter().map(|record| record["kind"].clone()).collect();
    assert_eq!(kinds, ["invited", "joined"]);

    bob.put(&path("/invitations/Cleo%20%C3%84%2F%25")).await.problem(403, "forbidden");
    ada.put(&path("/invitations/Cleo%20%C3%84%2F%25")).await.expect(204);
    cleo.get(&path("")).await.expect(200);
    ada.delete(&path("/invitations/cleo%20%C3%A4%2F%25")).await.expect(204);
    cleo.get(&path("")).await.problem(404, "room_not_found");
    ada.put(&path("/invitations/Cleo%20%C3%84%2F%25")).await.expect(204);
    cleo.delete(&path("/invitations/Cleo%20%C3%84%2F%25")).await.expect(204);
    cleo.get(&path("")).await.problem(404, "room_not_found");
    for nobody in ["Nobody", "%00", "%20", "%FF"] {
        ada.put(&path(&format!("/invitations/{nobody}"))).await.problem(404, "user_not_found");
    }
}

#[actix_web::test]
async fn a_link_invites_whoever_shows_it_as_often_as_it_says() {
    let server = Server::start().await;
    let [(ada_user, ada), (_, bob), (_, cleo)] = people(&server).await;
    let room = ada.private_room("den").await;
    let links = format!("/api/rooms/{room}/invitation-links");
    let link = ada.post(&links, json!({ "uses": 1 })).await.expect(201);
    let token = json!({ "token": link["token"] });
    assert_eq!(
        (&link["created_by"], &link["uses"], &link["used"]),
        (&ada_user.shown(), &json!(1), &json!(0))
    );

    // Who belongs to the room already uses nothing up.
    assert_eq!(id_of(&ada.post("/api/invitations", token.clone()).await.expect(200)), room);
    assert_eq!(id_of(&bob.post("/api/invitations", token.clone()).await.expect(200)), room);
    bob.post("/api/invitations", token.clone()).await.problem(404, "invitation_not_found");
    cleo.post("/api/invitations", token).await.problem(404, "invitation_not_found");
    let record = bob.enter(&room).await["head"]["seq"].clone();
    assert_eq!(record, 2);
    let invited = &bob.history(&room).await[0];
    assert_eq!((&invited["kind"], &invited["sender"]), (&json!("invited"), &ada_user.shown()));

    let link = ada.post(&links, json!({})).await.expect(201);
    let shown = ada.get(&links).await.expect(200);
    assert_eq!((id_of(&shown["links"][0]), shown["links"].as_array().unwrap().len()), (id_of(&link), 1));
    assert!(shown["links"][0].get("token").is_none(), "{shown}");
    bob.get(&links).await.problem(403, "forbidden");
    bob.delete(&format!("{links}/{}", id_of(&link))).await.problem(403, "forbidden");
    ada.delete(&format!("{links}/{}", id_of(&link))).await.expect(204);
    ada.delete(&format!("{links}/{}", id_of(&link))).await.problem(404, "invitation_not_found");
    cleo.post("/api/invitations", json!({ "token": link["token"] }))
        .await
        .problem(404, "invitation_not_found");
    for bad in [json!({ "seconds": 0 }), json!({ "seconds": 40_000_000 }), json!({ "seconds": "x" })] {
        ada.post(&links, bad).await.invalid("seconds");
    }
    ada.post(&links, json!({ "uses": 0 })).await.invalid("uses");
    cleo.post("/api/invitations", json!({})).await.invalid("token");
    Http::to(&server).post("/api/invitations", json!({ "token": "x" })).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_link_is_dead_when_it_expired_or_its_maker_may_not_invite_any_more() {
    let server = Server::start().await;
    let [(_, ada), (bob_user, bob), (cleo_user, cleo)] = people(&server).await;
    let room = ada.private_room("den").await;
    let path = |rest: &str| format!("/api/rooms/{room}{rest}");
    ada.put(&path("/invitations/Bob")).await.expect(204);
    bob.enter(&room).await;
    let role = path(&format!("/members/{}/role", bob_user.id));
    ada.put_with(&role, json!({ "role": "moderator" })).await.expect(204);
    let link = bob.post(&path("/invitation-links"), json!({})).await.expect(201);
    let token = json!({ "token": link["token"] });
    ada.put_with(&role, json!({ "role": "member" })).await.expect(204);
    cleo.post("/api/invitations", token.clone()).await.problem(404, "invitation_not_found");
    ada.put_with(&role, json!({ "role": "moderator" })).await.expect(204);
    ada.put(&path(&format!("/bans/{}", cleo_user.id))).await.expect(204);
    cleo.post("/api/invitations", token.clone()).await.problem(403, "banned");
    ada.delete(&path(&format!("/bans/{}", cleo_user.id))).await.expect(204);
    cleo.post("/api/invitations", token).await.expect(200);
    let used = ada.get(&path("/invitation-links")).await.expect(200)["links"][0]["used"].clone();
    assert_eq!(used, 1, "what invited nobody was given back");

    let short = ada.post(&path("/invitation-links"), json!({ "seconds": 1 })).await.expect(201);
    until("a link expires", || async {
        let links = ada.get(&path("/invitation-links")).await.expect(200);
        !links.to_string().contains(&text(&short["id"]))
    })
    .await;
    let token = json!({ "token": short["token"] });
    cleo.delete(&path("/members/me")).await;
    cleo.post("/api/invitations", token).await.problem(404, "invitation_not_found");
}
