//! Access tokens as others see them: what they say, who signed them, when they end.
//! The table of tokens that are refused stands beside the code that refuses them.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use super::{acting_in, plan, refresh, sign_up};
use crate::support::http::{Http, text};
use crate::support::socket::Socket;
use crate::support::{postgres, until};

fn part(text: &str) -> Value {
    serde_json::from_slice(&BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()).unwrap()
}

#[actix_web::test]
async fn anybody_can_check_a_token_with_the_keys_that_are_shown() {
    let server = plan().set("auth.issuer", "https://chat.example").start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let answer = http.get("/.well-known/jwks.json").await;
    assert!(answer.header("cache-control").contains("max-age"), "{answer:?}");
    let keys = answer.expect(200);
    let token = text(&session["access_token"]);
    let parts: Vec<&str> = token.split('.').collect();
    let header = part(parts[0]);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let named = |key: &&Value| key["kid"] == header["kid"];
    let key = keys["keys"].as_array().unwrap().iter().find(named).expect("the key that signed is shown");
    assert_eq!((&key["kty"], &key["crv"], &key["use"]), (&json!("OKP"), &json!("Ed25519"), &json!("sig")));
    assert!(key.get("d").is_none(), "the private key is shown");
    let x: [u8; 32] = BASE64URL_NOPAD.decode(text(&key["x"]).as_bytes()).unwrap().try_into().unwrap();
    let signature = Signature::from_slice(&BASE64URL_NOPAD.decode(parts[2].as_bytes()).unwrap()).unwrap();
    let message = format!("{}.{}", parts[0], parts[1]);
    VerifyingKey::from_bytes(&x).unwrap().verify_strict(message.as_bytes(), &signature).unwrap();
    let claims = part(parts[1]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://chat.example"), &json!("klatsch")));
    assert_eq!((&claims["sub"], &claims["sid"]), (&session["user"]["id"], &session["session"]));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);

    // The same claims under a signature that is not theirs are nothing.
    let mut forged = claims.clone();
    forged["sub"] = json!("somebody-else");
    let forged = BASE64URL_NOPAD.encode(forged.to_string().as_bytes());
    for bad in [
        format!("{}.{forged}.{}", parts[0], parts[2]),
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}.", BASE64URL_NOPAD.encode(br#"{"alg":"none","typ":"at+jwt"}"#), parts[1]),
    ] {
        http.with_token(&bad).get("/api/users/me").await.problem(401, "unauthenticated");
        let mut socket = Socket::open(&server).await;
        let refused = socket.ask("connect", json!({ "token": bad })).await;
        assert_eq!(refused["code"], "unauthenticated", "{refused}");
        socket.is_closed_with(4500).await;
    }
}

#[actix_web::test]
async fn a_token_expires_and_a_refresh_gives_another() {
    let server = plan().set("auth.access_s", 1).start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    acting_in(&http, &session).get("/api/users/me").await.problem(401, "unauthenticated");
    let mut socket = Socket::open(&server).await;
    socket.begin("connect", json!({ "token": session["access_token"] })).await;
    socket.is_closed_with(4500).await;
    let session = refresh(&http, &session).await.expect(200);
    acting_in(&http, &session).get("/api/users/me").await.expect(200);
}

#[actix_web::test]
async fn a_restart_changes_no_key_and_ends_no_session() {
    let mut server = plan().start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let keys = http.get("/.well-known/jwks.json").await.expect(200);
    server.kill();
    server.restart().await;
    assert_eq!(http.get("/.well-known/jwks.json").await.expect(200), keys);
    acting_in(&http, &session).get("/api/users/me").await.expect(200);
    refresh(&http, &session).await.expect(200);
}

/// Chat goes on without the database, and so it must know who comes: by a signed token at once, by a guest's if it was
/// seen here before.
#[actix_web::test]
async fn while_the_database_is_away_signed_tokens_are_good_and_nobody_logs_in() {
    let Some(postgres) = postgres::of_my_own("tokens without a database") else { return };
    let server = plan().set("database.url", postgres.database()).start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    acting_in(&http, &session).get("/api/users/me").await.expect(200);
    postgres.crash();
    let mut socket = Socket::open(&server).await;
    let connected = socket.ask("connect", json!({ "token": session["access_token"] })).await;
    assert_eq!((&connected["type"], &connected["user"]), (&json!("connected"), &session["user"]));
    let login = json!({ "login": "ada", "password": super::PASSWORD });
    http.post("/api/sessions", login).await.problem(503, "storage_unavailable");
    refresh(&http, &session).await.problem(503, "storage_unavailable");
    postgres.resume();
    until("a refresh", async || refresh(&http, &session).await.status == 200).await;
}
