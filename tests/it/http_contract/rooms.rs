//! Rooms: making, finding and listing them, and what is answered where there is none.
//! Hearing of new ones is in `socket_contract::watch`.

use awc::http::Method;
use serde_json::{Value, json};

use super::{assert_room, walk};
use crate::support::http::{Http, id_of, messages_of};
use crate::support::server::Server;

#[actix_web::test]
async fn a_fresh_room_is_empty_and_belongs_to_nobody_inside() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let answer = http.post("/api/rooms", json!({ "name": "  The   Hall " })).await;
    let room = answer.expect(201);
    assert_room(&room, "The Hall");
    assert_eq!(answer.header("location"), format!("/api/rooms/{}", id_of(&room)));
    assert_eq!(room["created_by"], ada.shown());
    assert_eq!(room["members"], 0);
    assert_eq!(room["head"]["seq"], 0);
    let mut shown = http.get(answer.header("location")).await.expect(200);
    assert_eq!(shown.as_object_mut().unwrap().remove("stored"), Some(room["head"].clone()));
    assert_eq!(shown, room);
    let members = http.get(&format!("/api/rooms/{}/members", id_of(&room))).await.expect(200);
    assert_eq!(members, json!({ "members": [], "next": null }));
}

#[actix_web::test]
async fn a_taken_room_name_is_answered_with_the_room() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = http.room("The Hall").await;
    for same in ["The Hall", "the hall", " THE  HALL", "Ｔｈｅ Hall"] {
        let problem = http.post("/api/rooms", json!({ "name": same })).await.problem(409, "room_name_taken");
        assert_eq!(problem["room"], room);
    }
}

#[actix_web::test]
async fn a_room_name_has_1_to_80_characters_after_preparation() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    for good in ["x", &"방".repeat(80), &format!(" {} ", "y".repeat(80))] {
        http.post("/api/rooms", json!({ "name": good })).await.expect(201);
    }
    for bad in [json!(""), json!("  "), json!("z".repeat(81)), json!("a\u{1}b"), json!(1), Value::Null] {
        http.post("/api/rooms", json!({ "name": bad })).await.invalid("name");
    }
    http.post("/api/rooms", json!({})).await.invalid("name");
}

#[actix_web::test]
async fn the_list_of_rooms_is_newest_first_and_paged_by_next() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(http.room(&format!("room {n}")).await);
    }
    made.reverse();

    let whole = http.get("/api/rooms").await.expect(200);
    assert_eq!(whole, json!({ "rooms": made, "next": null }));
    for limit in [1, 2, 3, 7, 8] {
        let walked = walk(&http, "/api/rooms", "rooms", limit).await;
        assert_eq!(walked, made, "in pages of {limit}");
    }
}

#[actix_web::test]
async fn a_room_is_found_by_its_name() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    http.room("cellar").await;
    let hall = http.room("The Hall & Garden").await;
    for name in ["The Hall & Garden", "the hall & garden", "THE  HALL & GARDEN"] {
        let found = http.call(Method::GET, "/api/rooms").query(&[("name", name)]).answer().await.expect(200);
        assert_eq!(found, json!({ "rooms": [hall], "next": null }));
    }
    let none = http.call(Method::GET, "/api/rooms").query(&[("name", "The")]).answer().await.expect(200);
    assert_eq!(none, json!({ "rooms": [], "next": null }));
}

#[actix_web::test]
async fn what_is_not_there_is_a_problem_that_says_what() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let calls = [
        (Method::GET, "/api/rooms/nope", "room_not_found"),
        (Method::GET, "/api/rooms/nope/members", "room_not_found"),
        (Method::GET, "/api/rooms/nope/messages", "room_not_found"),
        (Method::GET, "/api/rooms/nope/messages?after=0&wait=1", "room_not_found"),
        (Method::GET, "/api/rooms/nope/events", "room_not_found"),
        (Method::PUT, "/api/rooms/nope/members/me", "room_not_found"),
        (Method::DELETE, "/api/rooms/nope/members/me", "room_not_found"),
        (Method::GET, "/api/nope", "not_found"),
        (Method::POST, "/api/nope", "not_found"),
        (Method::GET, "/api", "not_found"),
    ];
    for (method, path, code) in calls {
        http.call(method, path).answer().await.problem(404, code);
    }
    http.post("/api/rooms/nope/messages", json!({ "body": "hello" })).await.problem(404, "room_not_found");
}

#[actix_web::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    let calls = [
        (Method::DELETE, "/api/rooms".into(), &["GET", "POST"][..]),
        (Method::GET, "/api/users".into(), &["POST"]),
        (Method::POST, "/api/users/me".into(), &["GET"]),
        (Method::POST, format!("/api/rooms/{room}"), &["GET"]),
        (Method::PUT, messages_of(&room), &["GET", "POST"]),
        (Method::POST, format!("/api/rooms/{room}/members/me"), &["GET", "PUT", "DELETE"]),
        (Method::POST, "/healthz".into(), &["GET"]),
    ];
    for (method, path, allowed) in calls {
        let answer = http.call(method, &path).answer().await;
        answer.problem(405, "method_not_allowed");
        for method in allowed {
            assert!(answer.header("allow").contains(method), "{path}: {}", answer.header("allow"));
        }
    }
}

#[actix_web::test]
async fn head_is_get_without_a_body() {
    let server = Server::start().await;
    let http = Http::to(&server);
    for path in ["/api/rooms", "/healthz"] {
        let answer = http.call(Method::HEAD, path).answer().await;
        assert_eq!((answer.status, answer.text().as_str()), (200, ""), "{path}");
    }
}
