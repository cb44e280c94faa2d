//! Who may do what in a room, on two nodes: what one of them was told is in force on the other.
//! What a single node does with it is tested in `crate::roles`.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::roles::stranger;
use crate::support::cluster::Cluster;
use crate::support::http::{Http, User, id_of, messages_of};
use crate::support::socket::Socket;
use crate::support::sse::Events;
use crate::support::stomp::Stomp;

/// What was done on one node is in force on the other after this long at most.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Somebody, as they act on the first node and on the second.
struct Person {
    user: User,
    on: [Http; 2],
}

async fn person(cluster: &Cluster, nickname: &str) -> Person {
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]].map(Http::to);
    let user = one.user(nickname).await;
    Person { on: [one.acting_as(&user), two.acting_as(&user)], user }
}

/// D2: nobody finds a private room on any node, and who may read it reads it on both at once.
#[actix_web::test]
async fn d2_a_private_room_is_one_on_both_nodes() {
    let Some(cluster) = Cluster::shared("a private room on two nodes", 2).await else {
        return;
    };
    let (ada, bob, eve) =
        (person(&cluster, "Ada").await, person(&cluster, "Bob").await, person(&cluster, "Eve").await);
    let room = ada.on[0].private_room("den").await;
    ada.on[0].enter(&room).await;
    // Invited on the first, joined on the second, read on the first again: each at once.
    ada.on[0].put(&format!("/api/rooms/{room}/invitations/Bob")).await.expect(204);
    bob.on[1].enter(&room).await;
    assert_eq!(bob.on[0].history(&room).await.len(), 3);
    ada.on[1].say(&room, "between us").await;
    assert_eq!(bob.on[0].history(&room).await.len(), 4);
    for node in 0..2 {
        let server = &cluster.nodes[node];
        let joined = Socket::of(server, &bob.user).await.join(&room).await;
        assert_eq!(joined["position"]["seq"], 4);
        let mut stomp = Stomp::of(server, &bob.user).await;
        stomp.subscribe("den", &room, &[("after", "3")]).await;
        assert_eq!(stomp.message("den").await.json()["content"], "between us");
        let mut events = Events::of(server, &room, &bob.user).await;
        assert_eq!(events.event().await.data["room"]["id"], room);
        let polled = bob.on[node].get(&format!("{}?after=3&wait=9", messages_of(&room))).await.expect(200);
        assert_eq!(polled["records"][0]["body"], "between us");
        stranger::finds_nothing(server, &eve.user, &room, "den", &bob.user).await;
    }

    let direct = id_of(&ada.on[0].post("/api/direct", json!({ "nickname": "Bob" })).await.expect(201));
    let same = bob.on[1].post("/api/direct", json!({ "nickname": "Ada" })).await.expect(200);
    assert_eq!(id_of(&same), direct);
    ada.on[0].say(&direct, "psst").await;
    assert_eq!(bob.on[1].history(&direct).await.len(), 3);
    for server in &cluster.nodes {
        stranger::finds_nothing(server, &eve.user, &direct, "Bob", &bob.user).await;
    }
    let mine = bob.on[1].get("/api/users/me/rooms").await.expect(200);
    assert_eq!(mine["rooms"].as_array().unwrap().len(), 2, "{mine}");
    cluster.must_be_stored().await;
}

#[actix_web::test]
async fn d2_a_mute_and_a_ban_on_one_node_are_in_force_on_the_other() {
    let Some(cluster) = Cluster::shared("a ban on two nodes", 2).await else {
        return;
    };
    let (ada, bob) = (person(&cluster, "Ada").await, person(&cluster, "Bob").await);
    for round in 0..5 {
        let room = match round % 2 {
            0 => id_of(&ada.on[0].room(&format!("hall {round}")).await),
            _ => ada.on[0].private_room(&format!("den {round}")).await,
        };
        let path = |rest: &str| format!("/api/rooms/{room}/{rest}/{}", bob.user.id);
        ada.on[0].enter(&room).await;
        ada.on[0].put(&format!("/api/rooms/{room}/invitations/Bob")).await.expect(204);
        let mut socket = Socket::of(&cluster.nodes[1], &bob.user).await;
        socket.join(&room).await;
        let mut stomp = Stomp::of(&cluster.nodes[1], &bob.user).await;
        stomp.subscribe("room", &room, &[]).await;
        let mut events = Events::of(&cluster.nodes[1], &room, &bob.user).await;
        events.event().await;
        bob.on[1].say(&room, "here").await;

        // Whoever was told that it is so can rely on it, on any node.
        ada.on[0].put_with(&path("mutes"), json!({ "seconds": 600 })).await.expect(204);
        bob.on[1].post(&messages_of(&room), json!({ "body": "x" })).await.problem(403, "muted");
        ada.on[0].delete(&path("mutes")).await.expect(204);
        bob.on[1].say(&room, "and on").await;

        ada.on[0].put(&path("bans")).await.expect(204);
        let began = Instant::now();
        assert_eq!(socket.push("parted").await["code"], "banned");
        while events.event().await.name != "parted" {}
        while stomp.message("room").await.json()["type"] != "LEAVE" {}
        let took = began.elapsed();
        println!("round {round}: readers of the other node were told within {took:?}");
        assert!(took < AT_ONCE, "it took {took:?}");
        let refused = bob.on[1].post(&messages_of(&room), json!({ "body": "x" })).await;
        refused.problem(403, "banned");
        bob.on[1].put(&format!("/api/rooms/{room}/members/me")).await.problem(403, "banned");
        ada.on[0].say(&room, "he is gone").await;
        assert!(stomp.messages_there("room").is_empty(), "a subscription outlived the ban");
    }
    cluster.must_be_stored().await;
}

#[actix_web::test]
async fn d2_roles_and_closing_are_the_same_on_both_nodes() {
    let Some(cluster) = Cluster::shared("roles on two nodes", 2).await else {
        return;
    };
    let (ada, bob, cleo) =
        (person(&cluster, "Ada").await, person(&cluster, "Bob").await, person(&cluster, "Cleo").await);
    let room = id_of(&ada.on[0].room("hall").await);
    for someone in [&ada, &bob, &cleo] {
        someone.on[0].enter(&room).await;
    }
    let role = format!("/api/rooms/{room}/members/{}/role", bob.user.id);
    let kick = format!("/api/rooms/{room}/members/{}", cleo.user.id);
    bob.on[1].delete(&kick).await.problem(403, "forbidden");
    ada.on[0].put_with(&role, json!({ "role": "moderator" })).await.expect(204);
    bob.on[1].delete(&kick).await.expect(204);
    cleo.on[0].post(&messages_of(&room), json!({ "body": "x" })).await.problem(403, "not_a_member");
    ada.on[1].put_with(&role, json!({ "role": "owner" })).await.expect(204);
    let own = format!("/api/rooms/{room}/members/me");
    assert_eq!(ada.on[0].get(&own).await.expect(200)["role"], "moderator");
    assert_eq!(bob.on[0].get(&own).await.expect(200)["role"], "owner");
    bob.on[0].delete(&format!("/api/rooms/{room}")).await.expect(204);
    ada.on[1].post(&messages_of(&room), json!({ "body": "x" })).await.problem(409, "room_closed");
    assert_eq!(ada.on[1].look_at(&room).await["closed"], true);
    // The name is free as soon as the closing is stored, which the list waits for.
    cluster.must_be_stored().await;
    ada.on[1].room("hall").await;
}
