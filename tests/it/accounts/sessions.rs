//! Sessions: refresh, reuse, the list of devices, their end.
//! Two nodes that share them are in `kafka::sessions`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{acting_in, log_in, plan, refresh, sign_up};
use crate::support::http::{Http, text};
use crate::support::server::Server;

#[actix_web::test]
async fn a_refresh_gives_two_new_tokens_of_the_same_session() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let first = sign_up(&http, "ada").await;
    let second = refresh(&http, &first).await.expect(200);
    assert_eq!((&second["session"], &second["user"]), (&first["session"], &first["user"]));
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    acting_in(&http, &second).get("/api/users/me").await.expect(200);
    for bad in [json!({}), json!({ "refresh_token": "x" }), json!({ "refresh_token": first["access_token"] })]
    {
        http.post("/api/sessions/refresh", bad).await.problem(401, "unauthenticated");
    }
    http.post("/api/sessions/refresh", json!({ "refresh_token": 7 })).await.invalid("refresh_token");
    refresh(&http, &second).await.expect(200);
}

#[actix_web::test]
async fn two_tabs_that_refresh_at_once_go_on_together() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let first = sign_up(&http, "ada").await;
    let tabs = futures_util::future::join_all((0..6).map(|_| refresh(&http, &first))).await;
    let tabs: Vec<Value> = tabs.iter().map(|answer| answer.expect(200)).collect();
    for tab in &tabs {
        assert_eq!(tab["refresh_token"], tabs[0]["refresh_token"]);
    }
    refresh(&http, &tabs[3]).await.expect(200);
}

/// The thief comes second: the owner went on, and the old token ends everything.
#[actix_web::test]
async fn a_stolen_token_that_is_used_after_its_owner_ends_the_session() {
    let server = plan().set("auth.refresh_grace_s", 0).start().await;
    let http = Http::to(&server);
    let stolen = sign_up(&http, "ada").await;
    let other = log_in(&http, "ada").await;
    let owners = refresh(&http, &stolen).await.expect(200);
    tokio::time::sleep(Duration::from_millis(10)).await;
    refresh(&http, &stolen).await.problem(401, "unauthenticated");
    ended_and_told(&server, &http, &owners).await;
    refresh(&http, &other).await.expect(200);
}

/// The thief comes first: the owner is the second one, and both lose it.
#[actix_web::test]
async fn a_stolen_token_that_is_used_before_its_owner_ends_the_session() {
    let server = plan().set("auth.refresh_grace_s", 0).start().await;
    let http = Http::to(&server);
    let owners = sign_up(&http, "ada").await;
    let mut thiefs = refresh(&http, &owners).await.expect(200);
    for _ in 0..3 {
        thiefs = refresh(&http, &thiefs).await.expect(200);
    }
    tokio::time::sleep(Duration::from_millis(10)).await;
    refresh(&http, &owners).await.problem(401, "unauthenticated");
    ended_and_told(&server, &http, &thiefs).await;
}

async fn ended_and_told(server: &Server, http: &Http, newest: &Value) {
    refresh(http, newest).await.problem(401, "unauthenticated");
    let log = server.log();
    let told = log.lines().find(|line| line.contains("was used again")).expect(&log);
    assert!(told.contains(&text(&newest["session"])), "{told}");
    for token in [&newest["refresh_token"], &newest["access_token"]] {
        assert!(!log.contains(&text(token)), "a token is in the log");
    }
}

#[actix_web::test]
async fn the_devices_of_a_user_are_listed_and_ended_one_by_one() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let phone = sign_up(&http, "ada").await;
    let body = json!({ "login": "ada", "password": super::PASSWORD, "device": "the laptop" });
    let laptop = http.post("/api/sessions", body).await.expect(201);
    let strangers = sign_up(&http, "bob").await;
    let on_laptop = acting_in(&http, &laptop);

    let list = on_laptop.get("/api/sessions").await.expect(200);
    assert_eq!(list["next"], Value::Null);
    let sessions = list["sessions"].as_array().unwrap();
    let ids: Vec<&Value> = sessions.iter().map(|session| &session["id"]).collect();
    assert_eq!(ids, [&laptop["session"], &phone["session"]], "newest first");
    assert_eq!((&sessions[0]["device"], &sessions[0]["current"]), (&json!("the laptop"), &json!(true)));
    assert_eq!(sessions[1]["current"], false);
    let page = on_laptop.get("/api/sessions?limit=1").await.expect(200);
    let rest =
        on_laptop.get(&format!("/api/sessions?limit=1&after={}", text(&page["next"]))).await.expect(200);
    assert_eq!(rest["sessions"], json!([sessions[1]]));
    assert_eq!(rest["next"], Value::Null);

    let end = |id: &Value| format!("/api/sessions/{}", text(id));
    on_laptop.delete(&end(&strangers["session"])).await.problem(404, "login_not_found");
    on_laptop.delete("/api/sessions/nul%00").await.problem(404, "login_not_found");
    assert_eq!(on_laptop.delete(&end(&phone["session"])).await.status, 204);
    on_laptop.delete(&end(&phone["session"])).await.problem(404, "login_not_found");
    refresh(&http, &phone).await.problem(401, "unauthenticated");
    refresh(&http, &strangers).await.expect(200);
    assert_eq!(on_laptop.delete("/api/sessions/current").await.status, 204);
    refresh(&http, &laptop).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_guest_has_no_sessions_and_can_give_up_the_token() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let guest = http.acting_as(&ada);
    assert_eq!(guest.get("/api/sessions").await.expect(200), json!({ "sessions": [], "next": null }));
    assert_eq!(guest.delete("/api/sessions/current").await.status, 204);
    guest.get("/api/users/me").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_session_that_nobody_refreshes_expires() {
    let server = plan().set("auth.refresh_s", 1).start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    refresh(&http, &session).await.problem(401, "unauthenticated");
    let list = acting_in(&http, &session).get("/api/sessions").await.expect(200);
    assert_eq!(list["sessions"], json!([]));
}

#[actix_web::test]
async fn the_session_that_was_used_the_longest_time_ago_makes_room_for_a_further_one() {
    let server = plan().set("auth.sessions_per_user", 2).start().await;
    let http = Http::to(&server);
    let first = sign_up(&http, "ada").await;
    let second = log_in(&http, "ada").await;
    let first = refresh(&http, &first).await.expect(200);
    let third = log_in(&http, "ada").await;
    refresh(&http, &second).await.problem(401, "unauthenticated");
    for session in [&first, &third] {
        refresh(&http, session).await.expect(200);
    }
}
