//! `POST /api/accounts` and `GET /api/availability`: new people, guests who stay, names that are taken.
//! What a password must be like is in `passwords`.

use serde_json::json;

use super::{PASSWORD, acting_in, log_in, plan, sign_up};
use crate::support::http::{Http, id_of, text, user_from};
use crate::support::socket::Socket;

#[actix_web::test]
async fn an_account_is_made_with_its_first_session() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let body = json!({
        "login": "Ada@example.org", "password": PASSWORD, "nickname": "Ada", "email": "ada@example.org",
        "device": "phone",
    });
    let session = http.post("/api/accounts", body).await.expect(201);
    let mut names: Vec<&str> = session.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = ["access_token", "expires_in", "refresh_token", "session", "token_type", "user"];
    assert_eq!(names, expected);
    assert_eq!((&session["token_type"], &session["expires_in"]), (&json!("Bearer"), &json!(600)));
    let me = acting_in(&http, &session).get("/api/users/me").await.expect(200);
    let expected = json!({
        "id": session["user"]["id"], "nickname": "Ada", "role": "user", "login": "Ada@example.org",
        "email": "ada@example.org",
    });
    assert_eq!(me, expected);
    let again = http.post("/api/sessions", json!({ "login": "ADA@EXAMPLE.ORG", "password": PASSWORD })).await;
    let again = again.expect(201);
    assert_eq!(again["user"], session["user"]);
    assert_ne!(again["session"], session["session"]);
    let room = acting_in(&http, &again).room("hall").await;
    assert_eq!(room["created_by"], session["user"]);
    let mut socket = Socket::open(&server).await;
    let connected = socket.ask("connect", json!({ "token": session["access_token"] })).await;
    assert_eq!(connected["user"], session["user"], "{connected}");
}

#[actix_web::test]
async fn login_and_nickname_are_unique_and_guests_have_nicknames_too() {
    let server = plan().start().await;
    let http = Http::to(&server);
    http.user("Guest").await;
    sign_up(&http, "ada").await;
    for (login, nickname, code, field) in [
        ("ADA", "Bob", "login_taken", "login"),
        ("bob", "Ada", "nickname_taken", "nickname"),
        ("bob", "guest", "nickname_taken", "nickname"),
    ] {
        let body = json!({ "login": login, "password": PASSWORD, "nickname": nickname });
        let problem = http.post("/api/accounts", body).await.problem(409, code);
        assert_eq!(problem["field"], field);
    }
    http.post("/api/users", json!({ "nickname": "ADA" })).await.problem(409, "nickname_taken");
    for (body, field) in [
        (json!({ "password": PASSWORD, "nickname": "x" }), "login"),
        (json!({ "login": "a b", "password": PASSWORD, "nickname": "x" }), "login"),
        (json!({ "login": "x\u{0}", "password": PASSWORD, "nickname": "x" }), "login"),
        (json!({ "login": "x", "nickname": "x" }), "password"),
        (json!({ "login": "x", "password": PASSWORD }), "nickname"),
        (json!({ "login": "x", "password": PASSWORD, "nickname": "x", "email": "nobody" }), "email"),
        (json!({ "login": "x", "password": PASSWORD, "nickname": "x", "cookie": "yes" }), "cookie"),
        (json!({ "login": "x", "password": PASSWORD, "nickname": "x", "device": 7 }), "device"),
    ] {
        http.post("/api/accounts", body).await.invalid(field);
    }
}

#[actix_web::test]
async fn a_guest_becomes_the_account_and_keeps_id_rooms_and_messages() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let made = http.post("/api/users", json!({ "nickname": "Ada", "secret": "a secret of one's own" })).await;
    let ada = user_from(&made.expect(201));
    let guest = http.acting_as(&ada);
    let room = id_of(&guest.room("hall").await);
    guest.enter(&room).await;
    guest.say(&room, "hello").await;

    let session =
        guest.post("/api/accounts", json!({ "login": "ada", "password": PASSWORD })).await.expect(201);
    assert_eq!(session["user"], ada.shown());
    let account = acting_in(&http, &session);
    let said = account.say(&room, "still a member").await;
    assert_eq!(said["sender"], ada.shown());
    let senders = http.history(&room).await.into_iter().map(|record| record["sender"].clone());
    assert!(senders.collect::<Vec<_>>().iter().all(|sender| *sender == ada.shown()));

    guest.get("/api/users/me").await.problem(401, "unauthenticated");
    let secret = json!({ "nickname": "Ada", "secret": "a secret of one's own" });
    http.post("/api/users", secret).await.problem(409, "nickname_taken");
    let once_more = json!({ "login": "ada2", "password": PASSWORD });
    account.post("/api/accounts", once_more.clone()).await.problem(403, "forbidden");
    http.with_token("nobody's").post("/api/accounts", once_more).await.problem(401, "unauthenticated");
    assert_eq!(log_in(&http, "ada").await["user"], ada.shown());
}

#[actix_web::test]
async fn a_guest_may_take_another_nickname_with_the_account() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let (ada, bob) = (http.user("Ada").await, http.user("Bob").await);
    let body = |nickname: &str| json!({ "login": "ada", "password": PASSWORD, "nickname": nickname });
    let guest = http.acting_as(&ada);
    guest.post("/api/accounts", body("bob")).await.problem(409, "nickname_taken");
    assert_eq!(guest.get("/api/users/me").await.expect(200)["nickname"], "Ada", "nothing has changed");
    let session = guest.post("/api/accounts", body("Ada Lovelace")).await.expect(201);
    assert_eq!(session["user"], json!({ "id": ada.id, "nickname": "Ada Lovelace" }));
    http.user("Ada").await;
    http.acting_as(&bob).get("/api/users/me").await.expect(200);
}

#[actix_web::test]
async fn forms_can_ask_whether_a_name_is_free() {
    let server = plan().start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    for (name, value, code) in [
        ("nickname", "Bob", None),
        ("nickname", " ADA ", Some("nickname_taken")),
        ("nickname", "", Some("invalid")),
        ("login", "bob", None),
        ("login", "aDa", Some("login_taken")),
        ("login", "a da", Some("invalid")),
    ] {
        let call = http.call(awc::http::Method::GET, "/api/availability").query(&[(name, value)]);
        let answer = call.answer().await.expect(200);
        assert_eq!(answer["available"], code.is_none(), "{answer}");
        assert_eq!(answer.get("code").map(text).as_deref(), code, "{answer}");
        assert_eq!(answer.get("message").is_some(), code.is_some(), "{answer}");
    }
    http.get("/api/availability").await.invalid("nickname");
    http.get("/api/availability?nickname=a&login=b").await.invalid("login");
}
