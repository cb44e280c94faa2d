//! Sessions in Redis: they live there, and while it is away nobody logs in and everything else goes on.
//! That it keeps the contract of stores is shown beside the code.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PASSWORD, acting_in, log_in, plan, refresh, sign_up};
use crate::support::http::{Http, id_of, text};
use crate::support::redis::Redis;
use crate::support::socket::Socket;
use crate::support::until;

#[actix_web::test]
async fn sessions_live_in_redis_and_outlive_the_server() {
    let Some(redis) = Redis::start("sessions in Redis") else { return };
    let mut server = plan().set("auth.refresh_store", redis.url()).start().await;
    let http = Http::to(&server);
    let first = sign_up(&http, "ada").await;
    let second = log_in(&http, "ada").await;
    let list = acting_in(&http, &second).get("/api/sessions").await.expect(200);
    let ids: Vec<&Value> =
        list["sessions"].as_array().unwrap().iter().map(|session| &session["id"]).collect();
    assert_eq!(ids, [&second["session"], &first["session"]]);
    server.kill();
    server.restart().await;
    let first = refresh(&http, &first).await.expect(200);
    let path = format!("/api/sessions/{}", text(&second["session"]));
    assert_eq!(acting_in(&http, &first).delete(&path).await.status, 204);
    refresh(&http, &second).await.problem(401, "unauthenticated");
    acting_in(&http, &second).get("/api/users/me").await.problem(401, "unauthenticated");
    assert!(!server.log().contains("secret"), "{}", server.log());
}

#[actix_web::test]
async fn a_stolen_token_is_found_out_in_redis_too() {
    let Some(redis) = Redis::start("stolen tokens in Redis") else { return };
    let plan = plan().set("auth.refresh_store", redis.url()).set("auth.refresh_grace_s", 0);
    let server = plan.start().await;
    let http = Http::to(&server);
    let stolen = sign_up(&http, "ada").await;
    let newest = refresh(&http, &stolen).await.expect(200);
    tokio::time::sleep(Duration::from_millis(5)).await;
    refresh(&http, &stolen).await.problem(401, "unauthenticated");
    refresh(&http, &newest).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn while_redis_is_away_nobody_logs_in_and_the_chat_goes_on() {
    let Some(mut redis) = Redis::start("Redis away") else { return };
    let server = plan().set("auth.refresh_store", redis.url()).start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let ada = acting_in(&http, &session);
    let room = id_of(&ada.room("hall").await);
    let mut socket = Socket::open(&server).await;
    socket.ask("connect", json!({ "token": session["access_token"] })).await;
    socket.join(&room).await;

    for how in ["killed", "frozen"] {
        if how == "killed" {
            redis.kill()
        } else {
            redis.freeze()
        }
        let begin = Instant::now();
        let login = json!({ "login": "ada", "password": PASSWORD });
        let refused = http.post("/api/sessions", login).await.problem(503, "auth_unavailable");
        assert_eq!(refused["retry"], "later");
        assert!(begin.elapsed() < Duration::from_secs(15), "{how}: {:?}", begin.elapsed());
        refresh(&http, &session).await.problem(503, "auth_unavailable");
        ada.get("/api/sessions").await.problem(503, "auth_unavailable");
        ada.delete("/api/sessions/current").await.problem(503, "auth_unavailable");

        socket.say(&room, "the chat goes on").await;
        ada.say(&room, "over HTTP too").await;
        let mut another = Socket::open(&server).await;
        let connected = another.ask("connect", json!({ "token": session["access_token"] })).await;
        assert_eq!(connected["type"], "connected", "{how}: {connected}");
        http.user(&format!("a guest while it is {how}")).await;
        assert_eq!(http.get("/readyz").await.status, 200, "it serves");

        if how == "killed" {
            redis.restart()
        } else {
            redis.thaw()
        }
        until("Redis to be used again", || async {
            http.post("/api/sessions", json!({ "login": "ada", "password": PASSWORD })).await.status == 201
        })
        .await;
    }
    refresh(&http, &session).await.expect(200);
}
