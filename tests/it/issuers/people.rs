//! Who comes with a token of another issuer: a user from then on, with a nickname that nobody has.
//! Which tokens are believed is in `tokens`.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::*;
use crate::support::http::{id_of, text};

#[actix_web::test]
async fn who_comes_first_becomes_a_user_and_stays_that_whatever_they_are_called_later() {
    let mut house = House::open().await;
    let first = house.http.with_token(&token("7", "Ada")).get("/api/users/me").await.expect(200);
    house.server.kill();
    house.server.restart().await;
    let again = house.http.with_token(&token("7", "Augusta")).get("/api/users/me").await.expect(200);
    assert_eq!((&again["id"], &again["nickname"]), (&first["id"], &json!("Ada")));
}

#[actix_web::test]
async fn a_nickname_that_somebody_has_gets_a_suffix_that_is_always_the_same() {
    let house = House::open().await;
    let guest = house.http.user("Ada").await;
    let me = |token: String| {
        let http = house.http.with_token(&token);
        async move { http.get("/api/users/me").await.expect(200) }
    };
    let (seven, eight) = (me(token("7", "Ada")).await, me(token("8", "ADA")).await);
    let names = [&seven, &eight].map(|user| text(&user["nickname"]));
    assert!(names[0].starts_with("Ada-") && names[1].starts_with("ADA-"), "{names:?}");
    assert_ne!(names[0].to_lowercase(), names[1].to_lowercase());
    assert_ne!(id_of(&seven), guest.id, "a nickname makes nobody somebody else");
    assert_eq!(me(token("7", "Ada")).await, seven);

    let elsewhere = House::open().await;
    elsewhere.http.user("ada").await;
    let again = elsewhere.http.with_token(&token("7", "Ada")).get("/api/users/me").await.expect(200);
    assert_eq!(again["nickname"], names[0].as_str(), "it depends on who it is alone");
}

#[actix_web::test]
async fn whatever_an_issuer_calls_somebody_they_get_in() {
    let house = House::open().await;
    let long = "x".repeat(500);
    for (subject, nickname) in
        [("1", json!("")), ("2", json!("a\u{7}b")), ("3", json!(long)), ("4", json!(null)), ("5", json!(7))]
    {
        let claims = claims(subject, "", json!({ "preferred_username": nickname }));
        let token = sign(Algorithm::RS256, "k1", &key("rsa"), &claims);
        let me = house.http.with_token(&token).get("/api/users/me").await.expect(200);
        assert!((1..=32).contains(&text(&me["nickname"]).chars().count()), "{me}");
    }
}

#[actix_web::test]
async fn many_who_are_one_and_come_at_once_become_one() {
    let house = House::open().await;
    let token = token("7", "Ada");
    let http = house.http.with_token(&token);
    let calls = (0..16).map(|_| http.get("/api/users/me"));
    let answers = futures_util::future::join_all(calls).await;
    let ids: std::collections::HashSet<String> =
        answers.iter().map(|answer| id_of(&answer.expect(200))).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
}
