//! The HTTP table of the contract, call by call: shapes, codes, bounds, cursors, positions.
//! What waits (long polls, event streams) has files of its own.

mod history;
mod house;
mod members;
mod messages;
mod rooms;
mod users;

use awc::http::Method;
use serde_json::Value;

use crate::support::http::{Http, id_of, text};
use crate::support::server::Server;

/// The names that a fresh object must have, no more and no fewer.
fn assert_names(value: &Value, names: &[&str]) {
    let mut found: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted = names.to_vec();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{value}");
}

/// RFC 3339 in UTC with milliseconds and `Z`.
fn assert_time(value: &Value) {
    let text = text(value);
    let form: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(form, "0000-00-00T00:00:00.000Z", "{text}");
}

fn assert_room(room: &Value, name: &str) {
    assert_names(room, &["id", "name", "created_at", "created_by", "visibility", "members", "head"]);
    assert_names(&room["created_by"], &["id", "nickname"]);
    assert_names(&room["head"], &["epoch", "seq"]);
    assert_eq!(room["name"], name);
    assert_time(&room["created_at"]);
    assert!(!text(&room["head"]["epoch"]).contains(':'));
    assert_url_safe(&text(&room["id"]));
}

fn assert_url_safe(id: &str) {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    assert!(!id.is_empty() && id.len() <= 64 && id.chars().all(safe), "{id}");
}

/// A room with Ada inside and ten messages after her `joined`: the head is 11.
async fn eleven_records(server: &Server) -> (Http, String, String) {
    let ada = Http::to(server).user("Ada").await;
    let http = Http::to(server).acting_as(&ada);
    let room = http.room("hall").await;
    let (id, epoch) = (id_of(&room), text(&room["head"]["epoch"]));
    http.enter(&id).await;
    for n in 2..=11 {
        http.say(&id, &format!("message {n}")).await;
    }
    (http, id, epoch)
}

/// All entries of a list, read in pages of `limit`.
async fn walk(http: &Http, path: &str, name: &str, limit: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let limit_text = limit.to_string();
        let mut query = vec![("limit", limit_text.as_str())];
        if !cursor.is_empty() {
            query.push(("after", &cursor));
        }
        let page = http.call(Method::GET, path).query(&query).answer().await.expect(200);
        assert_names(&page, &[name, "next"]);
        let found = page[name].as_array().unwrap();
        assert!(found.len() <= limit, "{page}");
        entries.extend(found.iter().cloned());
        match &page["next"] {
            Value::Null => return entries,
            next => cursor = text(next),
        }
        assert!(!found.is_empty(), "an empty page with a next: {page}");
    }
}
