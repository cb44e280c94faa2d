//! Messages: who sends, what a body may be, and the repeat that makes no second record (D4, D6).
//! Repeats in a race, after a restart or much later are in `idempotence`.

use awc::http::Method;
use serde_json::{Value, json};

use super::{assert_names, assert_time};
use crate::support::http::{Http, bodies, id_of, messages_of};
use crate::support::server::Server;

#[actix_web::test]
async fn a_message_is_answered_with_its_record() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;

    let body = json!({ "body": "hello", "client_id": "c1", "unknown": { "fields": "are ignored" } });
    let record = http.post(&messages_of(&room), body).await.expect(201);
    assert_names(&record, &["room", "seq", "kind", "sender", "at", "body", "client_id"]);
    assert_eq!(record["room"], room);
    assert_eq!(record["seq"], 2);
    assert_eq!(record["kind"], "message");
    assert_eq!(record["body"], "hello");
    assert_eq!(record["client_id"], "c1");
    assert_time(&record["at"]);
    assert_eq!(http.history(&room).await[1], record);

    let plain = http.say(&room, "without a client_id").await;
    assert!(plain.get("client_id").is_none_or(Value::is_null), "{plain}");
}

/// D6.
#[actix_web::test]
async fn the_sender_is_who_the_token_says() {
    let server = Server::start().await;
    let (ada, bob) = (Http::to(&server).user("Ada").await, Http::to(&server).user("Bob").await);
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let forged = json!({ "body": "I am Bob", "sender": bob.shown(), "user": bob.id, "nickname": "Bob" });
    let record = http.post(&messages_of(&room), forged).await.expect(201);
    assert_eq!(record["sender"], ada.shown());
}

#[actix_web::test]
async fn only_a_member_sends() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    let send = async || http.post(&messages_of(&room), json!({ "body": "hello" })).await;
    send().await.problem(403, "not_a_member");
    http.enter(&room).await;
    send().await.expect(201);
    http.delete(&format!("/api/rooms/{room}/members/me")).await.expect(204);
    send().await.problem(403, "not_a_member");
    assert_eq!(http.history(&room).await.len(), 3);
}

#[actix_web::test]
async fn a_body_is_kept_as_it_is_within_8_kib() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let longest = "é".repeat(4096);
    let good = [
        "x",
        "  two spaces around  ",
        "line\r\nline\n",
        "u\u{308} is not composed",
        "ﬁ ＡＢＣ",
        "👩‍👩‍👧‍👦",
        "\u{1}\u{7f}",
        "\"quotes\" \\ and </script>",
        "\u{feff}",
        &longest,
    ];
    for body in good {
        let record = http.say(&room, body).await;
        assert_eq!(record["body"], body);
    }
    assert_eq!(bodies(&http.history(&room).await), good);

    let too_long = format!("{longest}x");
    for bad in ["", " ", "\t\r\n", "\u{3000}\u{2003}\u{85}", "a\u{0}b", &too_long] {
        http.post(&messages_of(&room), json!({ "body": bad })).await.invalid("body");
    }
    for bad in [json!({}), json!({ "body": null }), json!({ "body": 1 }), json!({ "body": ["x"] })] {
        http.post(&messages_of(&room), bad).await.invalid("body");
    }
}

#[actix_web::test]
async fn a_client_id_has_1_to_64_characters() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    for good in ["1", &"아".repeat(64)] {
        let body = json!({ "body": "x", "client_id": good });
        assert_eq!(http.post(&messages_of(&room), body).await.expect(201)["client_id"], good);
    }
    for bad in [json!(""), json!("i".repeat(65)), json!(1), json!({})] {
        let body = json!({ "body": "x", "client_id": bad });
        http.post(&messages_of(&room), body).await.invalid("client_id");
    }
}

/// D4.
#[actix_web::test]
async fn a_repeated_send_gets_the_first_record_whatever_its_body() {
    let server = Server::start().await;
    let (ada, bob) = (Http::to(&server).user("Ada").await, Http::to(&server).user("Bob").await);
    let (ada, bob) = (Http::to(&server).acting_as(&ada), Http::to(&server).acting_as(&bob));
    let (hall, cellar) = (id_of(&ada.room("hall").await), id_of(&ada.room("cellar").await));
    for http in [&ada, &bob] {
        http.enter(&hall).await;
        http.enter(&cellar).await;
    }
    let send = |http: &Http, room: &str, body: &str| {
        let (http, path) = (http.clone(), messages_of(room));
        let body = json!({ "body": body, "client_id": "c1" });
        async move { http.post(&path, body).await }
    };
    let first = send(&ada, &hall, "first").await.expect(201);
    for body in ["first", "another body"] {
        assert_eq!(send(&ada, &hall, body).await.expect(200), first);
    }
    let of_bob = send(&bob, &hall, "first").await.expect(201);
    let elsewhere = send(&ada, &cellar, "first").await.expect(201);
    assert_ne!(of_bob["seq"], first["seq"]);
    assert_eq!(elsewhere["room"], cellar);
    assert_eq!(ada.history(&hall).await.len(), 4);
}

#[actix_web::test]
async fn a_request_must_be_a_json_object_of_at_most_64_kib() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let paths = ["/api/users".to_owned(), "/api/rooms".to_owned(), messages_of(&room)];
    for path in &paths {
        let post = |content_type: &str, body: &'static [u8]| {
            http.call(Method::POST, path).body(content_type, body).answer()
        };
        let not_objects: [&[u8]; 8] = [
            b"",
            b"hello",
            b"{",
            b"[]",
            b"\"x\"",
            b"null",
            b"{\"body\":\"\xff\"}",
            b"{\"body\":\"\\ud800\"}",
        ];
        for body in not_objects {
            post("application/json", body).await.problem(400, "malformed");
        }
        for content_type in
            ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
        {
            post(content_type, b"{}").await.problem(415, "unsupported_media_type");
        }
    }

    let padded = |length: usize| {
        let mut body = br#"{"body":"x"}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    let post = |body: Vec<u8>| {
        http.call(Method::POST, &messages_of(&room)).body("application/json; charset=utf-8", body).answer()
    };
    post(padded(64 << 10)).await.expect(201);
    post(padded((64 << 10) + 1)).await.problem(413, "too_large");
    post(padded(256 << 10)).await.problem(413, "too_large");
}
