//! Which tokens are believed: the table of what is refused, over HTTP, the native socket and STOMP alike.
//! D6: who acts is who the verified token says, and nobody else.

use std::fs;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::support::http::{User, id_of, text};
use crate::support::socket::Socket;
use crate::support::sse::Events;
use crate::support::stomp::Stomp;
use crate::support::until;

/// What must be refused, and the reason that is given.
fn bad_tokens() -> Vec<(&'static str, String)> {
    let rsa = key("rsa");
    let sign = |change: Value| sign(Algorithm::RS256, "k1", &rsa, &claims("7", "Eve", change));
    let good = token("7", "Eve");
    let payload = good.split('.').nth(1).unwrap();
    let unsigned = BASE64URL_NOPAD.encode(json!({"alg": "none", "kid": "k1"}).to_string().as_bytes());
    let public = fs::read("tests/keys/rsa.pub.pem").unwrap();
    let confused = EncodingKey::from_secret(&public).unwrap();
    let eve = claims("7", "Eve", json!({}));
    let by = |algorithm, id, key: &EncodingKey| super::sign(algorithm, id, key, &eve);
    vec![
        ("signature is wrong", by(Algorithm::RS256, "k1", &key("rsa_other"))),
        ("not allowed", format!("{unsigned}.{payload}.")),
        ("not allowed", by(Algorithm::HS256, "k1", &confused)),
        ("has expired", sign(json!({"exp": now() - 31}))),
        ("not valid yet", sign(json!({"nbf": now() + 60}))),
        ("another audience", sign(json!({"aud": "somebody else"}))),
        ("does not have", by(Algorithm::RS256, "k2", &rsa)),
        ("does not have", by(Algorithm::ES256, "k1", &key("p256"))),
        ("does not say who", sign(json!({"sub": ""}))),
        ("nobody here believes", sign(json!({"iss": "https://other.example"}))),
        ("There is no token", good.replace('.', "")),
    ]
}

#[actix_web::test]
async fn a_bad_token_is_refused_over_every_protocol() {
    let house = House::open().await;
    for (reason, token) in bad_tokens() {
        let answer = house.http.with_token(&token).get("/api/users/me").await;
        let problem = answer.problem(401, "unauthenticated");
        assert!(text(&problem["detail"]).contains(reason), "{problem}: {token}");
        house
            .http
            .with_token(&token)
            .post("/api/rooms", json!({"name": "a"}))
            .await
            .problem(401, "unauthenticated");

        let mut socket = Socket::open(&house.server).await;
        let error = socket.refused("connect", json!({ "token": token }), "unauthenticated").await;
        assert!(text(&error["message"]).contains(reason), "{error}: {token}");

        let bearer = format!("Bearer {token}");
        for how in [("Authorization", bearer.as_str()), ("passcode", &token)] {
            Stomp::open(&house.server).await.is_refused(&[how], "unauthenticated", 4500).await;
        }
        let log = house.server.log();
        assert!(!log.contains(&token), "the token is in the log:\n{log}");
    }
    let rooms = house.http.get("/api/rooms").await.expect(200);
    assert_eq!(rooms["rooms"], json!([]), "somebody with a bad token made a room");
}

#[actix_web::test]
async fn a_bad_token_as_passcode_beside_a_login_makes_no_guest() {
    let house = House::open().await;
    let expired = sign(Algorithm::RS256, "k1", &key("rsa"), &claims("7", "Eve", json!({"exp": now() - 99})));
    let how = [("login", "Eve"), ("passcode", expired.as_str())];
    Stomp::open(&house.server).await.is_refused(&how, "unauthenticated", 4500).await;
}

#[actix_web::test]
async fn a_good_token_is_the_same_person_over_every_protocol() {
    let house = House::open().await;
    let ada_token = token("7", "Ada");
    let http = house.http.with_token(&ada_token);
    let me = http.get("/api/users/me").await.expect(200);
    assert_eq!(me["nickname"], "Ada");
    let ada = User { id: id_of(&me), nickname: "Ada".to_owned(), token: ada_token.clone() };

    let private = json!({ "name": "hall", "visibility": "private" });
    let room = id_of(&http.post("/api/rooms", private).await.expect(201));
    http.enter(&room).await;
    let mut socket = Socket::open(&house.server).await;
    assert_eq!(socket.connect(&ada).await["user"]["id"], *ada.id);
    socket.join(&room).await;
    let mut stomp = Stomp::open(&house.server).await;
    let bearer = format!("Bearer {ada_token}");
    let connected = stomp.connect("1.2", &[("Authorization", &bearer)]).await;
    assert_eq!(connected.header("user-id"), ada.id);

    let stream = format!("/api/rooms/{room}/events");
    for stranger in [house.http.clone(), house.http.with_token(&token("8", "Eve"))] {
        stranger.get(&stream).await.problem(404, "room_not_found");
    }
    let mut events = Events::of(&house.server, &room, &ada).await;
    assert_eq!(events.event().await.name, "joined");
    let forged = json!({ "body": "over HTTP", "sender": { "id": "x", "nickname": "Eve" } });
    http.post(&format!("/api/rooms/{room}/messages"), forged).await.expect(201);
    socket.say_with(&room, "by socket", json!({ "sender": { "id": "x", "nickname": "Eve" } })).await;
    stomp.say(&room, "by STOMP").await;
    for expected in ["over HTTP", "by socket", "by STOMP"] {
        let record = events.record().await;
        assert_eq!(
            (&record["body"], &record["sender"]["id"]),
            (&json!(expected), &json!(ada.id)),
            "{record}"
        );
    }
}

#[actix_web::test]
async fn a_new_key_is_learned_when_it_is_first_seen() {
    let house = House::open().await;
    house.http.with_token(&token("7", "Ada")).get("/api/users/me").await.expect(200);
    let asked = house.keys.asked();
    let new = key("ed25519");
    let by_new = sign(Algorithm::EdDSA, "k2", &new, &claims("7", "Ada", json!({})));
    house.keys.change(&json!({ "keys": [jwk(&new, Algorithm::EdDSA, "k2")] }));
    let http = house.http.with_token(&by_new);
    until("the new key", || async { http.get("/api/users/me").await.status == 200 }).await;
    assert_eq!(house.keys.asked(), asked + 1);
    house.http.with_token(&token("7", "Ada")).get("/api/users/me").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn who_is_known_comes_in_while_the_issuer_is_away_and_before_it_was_there_nobody_does() {
    let house = House::open().await;
    house.http.with_token(&token("7", "Ada")).get("/api/users/me").await.expect(200);
    house.keys.go_away();
    house.http.with_token(&token("8", "Bob")).get("/api/users/me").await.expect(200);

    let mut server = house.server;
    server.kill();
    server.restart().await;
    let http = Http::to(&server).with_token(&token("7", "Ada"));
    let problem = http.get("/api/users/me").await.problem(503, "auth_unavailable");
    assert_eq!(problem["retry"], "later");
    let mut socket = Socket::open(&server).await;
    socket.refused("connect", json!({ "token": token("7", "Ada") }), "auth_unavailable").await;
    http.post("/api/users", json!({ "nickname": "Guest" })).await.expect(201);
}

#[actix_web::test]
async fn keys_in_a_file_need_no_issuer_and_a_shared_secret_only_its_own_algorithm() {
    let folder = TempDir::new().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "a secret of more than thirty-two bytes\n").unwrap();
    let pem = fs::canonicalize("tests/keys/p256.pub.pem").unwrap();
    let settings = format!(
        "[[auth.issuers]]\nname = \"file\"\nissuer = \"{ISSUER}\"\naudience = \"klatsch\"\nkey_file = {pem:?}\n\
         [[auth.issuers]]\nname = \"secret\"\nissuer = \"backend\"\naudience = \"klatsch\"\nsecret_file = {secret:?}\n"
    );
    let server = believing(&folder, &settings).start().await;
    let http = Http::to(&server);
    let eve = claims("7", "Eve", json!({}));
    let shared = EncodingKey::from_secret(b"a secret of more than thirty-two bytes").unwrap();
    let of_backend = claims("7", "Bob", json!({ "iss": "backend" }));
    for (token, status) in [
        (sign(Algorithm::ES256, "any", &key("p256"), &eve), 200),
        (sign(Algorithm::HS256, "any", &shared, &of_backend), 200),
        (sign(Algorithm::HS256, "any", &shared, &eve), 401),
        (sign(Algorithm::ES256, "any", &key("p256"), &of_backend), 401),
    ] {
        assert_eq!(http.with_token(&token).get("/api/users/me").await.status, status, "{token}");
    }
}
