//! Killing the server under load: D1, D2, D3 and D4 must hold through every crash, on both databases.
//! Faults of the database itself are in `storage_faults`.

use serde_json::json;

use crate::support::follower::{By, Following};
use crate::support::http::Http;
use crate::support::postgres;
use crate::support::seed::Dice;
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;
use crate::support::talker::Talking;
use crate::support::until;

const KILLS: usize = 20;

/// D1 D2 D3 D4 D7, on SQLite.
#[actix_web::test]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_by_20_kills_on_sqlite() {
    let server = Plan::default().on_sqlite().start().await;
    survive_kills("durability on SQLite", server).await;
}

/// D1 D2 D3 D4 D7, on PostgreSQL.
#[actix_web::test]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_by_20_kills_on_postgres() {
    let Some(url) = postgres::database("durability on PostgreSQL") else {
        return;
    };
    let server = Plan::default().set("database.url", url).start().await;
    survive_kills("durability on PostgreSQL", server).await;
}

/// D1 D2 D3 D4, where every resume needs the database, every waking a snapshot, and live records are never far.
#[actix_web::test]
async fn nothing_is_lost_doubled_or_reordered_by_a_server_that_keeps_nothing_in_memory() {
    let server = Plan::default()
        .set("rooms.ring_records", 0)
        .set("rooms.snapshot_every", 5)
        .set("rooms.idle_s", 1)
        .set("writer.batch_records", 3)
        .start()
        .await;
    survive_kills("durability without memory", server).await;
}

async fn survive_kills(test: &str, mut server: Server) {
    let mut dice = Dice::thrown_for(test);
    let busy = Talking::begin(&server, "busy", 6, 8).await;
    let calm = Talking::begin(&server, "calm", 3, 1).await;
    let streaming = Following::begin(&server, busy.room(), By::Events);
    let polling = Following::begin(&server, busy.room(), By::Polling);
    for _ in 0..KILLS {
        busy.progress(dice.between(1, 200)).await;
        calm.progress(dice.between(0, 5)).await;
        server.kill();
        server.must_not_have_panicked();
        server.restart().await;
    }
    busy.progress(50).await;
    let history = busy.end(&server).await;
    streaming.must_have_heard(&history).await;
    polling.must_have_heard(&history).await;
    calm.end(&server).await;
}

/// D1 D2 D3 D4: an orderly stop under load is no worse than a kill, and its exit code says that it was orderly.
#[actix_web::test]
async fn nothing_acknowledged_is_lost_doubled_or_reordered_by_orderly_restarts() {
    let mut server = Server::start().await;
    let mut dice = Dice::thrown_for("orderly restarts");
    let talking = Talking::begin(&server, "hall", 6, 8).await;
    for _ in 0..5 {
        talking.progress(dice.between(1, 200)).await;
        assert!(server.terminate().await.success(), "{}", server.log());
        server.must_not_have_panicked();
        server.restart().await;
    }
    talking.progress(50).await;
    talking.end(&server).await;
}

/// D1: also what HTTP acknowledged, and the users, rooms and members themselves.
#[actix_web::test]
async fn everything_made_over_http_is_there_after_a_kill() {
    let mut server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let ada_http = http.acting_as(&ada);
    let room = ada_http.room("hall").await;
    let room = room["id"].as_str().unwrap();
    ada_http.enter(room).await;
    ada_http.say(room, "before the kill").await;
    let before = ada_http.look_at(room).await;
    let history = http.history(room).await;

    server.kill();
    server.restart().await;
    assert_eq!(ada_http.get("/api/users/me").await.expect(200), ada.me());
    assert_eq!(http.look_at(room).await, before, "the epoch too: nothing was lost");
    assert_eq!(http.history(room).await, history);
    let members = http.get(&format!("/api/rooms/{room}/members")).await.expect(200);
    assert_eq!(members["members"], json!([{"id": ada.id, "nickname": "Ada", "role": "owner"}]));
    assert_eq!(ada_http.say(room, "after the kill").await["seq"], 3);
}

/// D2 D3 D4: a room that wakes is the one that fell asleep.
#[actix_web::test]
async fn a_room_that_slept_goes_on_where_it_was() {
    let server = Plan::default().set("rooms.idle_s", 1).set("rooms.snapshot_every", 3).start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let ada_http = http.acting_as(&ada);
    let room = ada_http.room("hall").await;
    let (room, epoch) = (room["id"].as_str().unwrap(), &room["head"]["epoch"]);
    let mut records = 0;
    for round in 0..3 {
        let mut socket = Socket::of(&server, &ada).await;
        let joined = socket.join_with(room, json!({ "after": { "epoch": epoch, "seq": records } })).await;
        assert_eq!((&joined["recovered"], &joined["position"]["epoch"]), (&json!(true), epoch));
        assert_eq!(joined["room"]["members"], 1);
        for n in 0..5 {
            socket.say_with(room, "hello", json!({ "client_id": format!("{round} {n}") })).await;
        }
        // The first record of all is the one of joining.
        let new = if round == 0 { 6 } else { 5 };
        assert_eq!(socket.records(new).await[new - 1]["seq"], records + new);
        records += new;
        drop(socket);
        until("the room to fall asleep", async || http.figure("klatsch_rooms_awake").await == 0.0).await;

        let repeat = json!({ "body": "again", "client_id": "0 3" });
        let answer = ada_http.post(&format!("/api/rooms/{room}/messages"), repeat).await;
        assert_eq!(answer.expect(200)["seq"], 5, "a repeat is one, however long the room slept");
        until("the room to fall asleep", async || http.figure("klatsch_rooms_awake").await == 0.0).await;
    }
    assert_eq!(http.history(room).await.len(), records);
}
