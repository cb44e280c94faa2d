//! Long polling: a call that waits for the next record, and plain polling from position to position.
//! The pages and positions of history in general are in `http_contract::history`.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::http::{Answer, Http, bodies, id_of, messages_of, position_text, seqs};
use crate::support::server::Server;
use crate::support::{breath, until};

async fn hall(server: &Server) -> (Http, String) {
    let ada = Http::to(server).user("Ada").await;
    let http = Http::to(server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    (http, room)
}

/// Polls beside the test.
fn poll(http: &Http, room: &str, query: &str) -> tokio::task::JoinHandle<Answer> {
    let (http, path) = (http.clone(), format!("{}{query}", messages_of(room)));
    actix_web::rt::spawn(async move { http.get(&path).await })
}

#[actix_web::test]
async fn a_waiting_poll_is_released_by_a_message() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    for wait in ["30", "60", "86400"] {
        let head = http.look_at(&room).await["head"]["seq"].as_u64().unwrap();
        let waiting = poll(&http, &room, &format!("?after={head}&wait={wait}"));
        // Whether the poll or the message is first, the answer is the same; mostly the poll is.
        breath().await;
        let record = http.say(&room, "hello").await;
        let page = waiting.await.unwrap().expect(200);
        assert_eq!(page["records"], json!([record]));
        assert_eq!(page["position"]["seq"], head + 1);
    }
}

#[actix_web::test]
async fn a_poll_without_news_is_held_and_then_empty() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    let asked = Instant::now();
    let page = http.get(&format!("{}?after=1&wait=2", messages_of(&room))).await.expect(200);
    assert!(asked.elapsed() >= Duration::from_millis(1900), "answered after {:?}", asked.elapsed());
    let head = &http.look_at(&room).await["head"];
    assert_eq!(page, json!({ "records": [], "position": head, "head": head }));
}

#[actix_web::test]
async fn a_poll_with_news_is_not_held() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    http.say(&room, "hello").await;
    let asked = Instant::now();
    for query in ["?after=0&wait=60", "?after=1&wait=60"] {
        let page = http.get(&format!("{}{query}", messages_of(&room))).await.expect(200);
        assert!(!page["records"].as_array().unwrap().is_empty(), "{page}");
    }
    assert!(asked.elapsed() < Duration::from_secs(60));
}

#[actix_web::test]
async fn many_polls_are_released_together() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    let waiting: Vec<_> = (0..50).map(|_| poll(&http, &room, "?after=1&wait=60")).collect();
    breath().await;
    let record = http.say(&room, "hello").await;
    for answer in waiting {
        assert_eq!(answer.await.unwrap().expect(200)["records"], json!([record]));
    }
}

/// D3 by polling alone.
#[actix_web::test]
async fn polling_from_position_to_position_misses_and_repeats_nothing() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    let talking = {
        let (http, room) = (http.clone(), room.clone());
        actix_web::rt::spawn(async move {
            for n in 0..200 {
                http.say(&room, &n.to_string()).await;
            }
        })
    };
    let mut position = String::from("0");
    let mut heard: Vec<Value> = Vec::new();
    while heard.len() < 201 {
        let path = format!("{}?after={position}&wait=30&limit=7", messages_of(&room));
        let page = http.get(&path).await.expect(200);
        heard.extend(page["records"].as_array().unwrap().iter().cloned());
        position = position_text(&page["position"]);
    }
    talking.await.unwrap();
    assert_eq!(seqs(&heard), (1..=201).collect::<Vec<u64>>());
    assert_eq!(heard, http.history(&room).await);
    assert_eq!(bodies(&heard).len(), 200);
}

#[actix_web::test]
async fn a_poller_who_goes_away_leaves_nothing_behind() {
    let server = Server::start().await;
    let (http, room) = hall(&server).await;
    let waiting: Vec<_> = (0..20).map(|_| poll(&http, &room, "?after=1&wait=60")).collect();
    breath().await;
    for poll in &waiting {
        poll.abort();
    }
    until("the aborted polls", async || waiting.iter().all(|poll| poll.is_finished())).await;
    let record = http.say(&room, "hello").await;
    let page = http.get(&format!("{}?after=1&wait=60", messages_of(&room))).await.expect(200);
    assert_eq!(page["records"], json!([record]));
    server.must_not_have_panicked();
}
