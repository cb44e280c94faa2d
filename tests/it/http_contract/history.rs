//! History: pages, positions and the position that is lost (D3).
//! Waiting for what is not there yet is in `polling`.

use serde_json::{Value, json};

use super::eleven_records;
use crate::support::http::{Http, id_of, messages_of, position_text, seqs, text};
use crate::support::server::Server;

#[actix_web::test]
async fn history_is_ascending_and_continues_from_its_position() {
    let server = Server::start().await;
    let (http, room, epoch) = eleven_records(&server).await;
    let whole: Vec<u64> = (1..=11).collect();
    let cases: [(String, &[u64]); 15] = [
        (String::new(), &whole),
        ("?limit=3".into(), &[9, 10, 11]),
        ("?after=0".into(), &whole),
        ("?after=0&limit=3".into(), &[1, 2, 3]),
        ("?after=9".into(), &[10, 11]),
        ("?after=11".into(), &[]),
        (format!("?after={epoch}:8&limit=2"), &[9, 10]),
        ("?before=4".into(), &[1, 2, 3]),
        ("?before=4&limit=2".into(), &[2, 3]),
        (format!("?before={epoch}:12&limit=1"), &[11]),
        ("?before=9999&limit=2".into(), &[10, 11]),
        ("?before=1".into(), &[]),
        ("?limit=9999".into(), &whole),
        ("?limit=99999999999999999999999".into(), &whole),
        ("?after=10&wait=60".into(), &[11]),
    ];
    for (query, wanted) in cases {
        let page = http.get(&format!("{}{query}", messages_of(&room))).await.expect(200);
        let records = page["records"].as_array().unwrap();
        assert_eq!(seqs(records), wanted, "{query}");
        assert_eq!(page["head"], json!({ "epoch": epoch, "seq": 11 }), "{query}");
        let last = wanted.last().copied().unwrap_or(11);
        assert_eq!(page["position"], json!({ "epoch": epoch, "seq": last }), "{query}");
    }
}

#[actix_web::test]
async fn an_empty_room_has_a_history() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = http.room("hall").await;
    for query in ["", "?after=0", "?before=1", "?before=5"] {
        let page = http.get(&format!("{}{query}", messages_of(&id_of(&room)))).await.expect(200);
        assert_eq!(page, json!({ "records": [], "position": room["head"], "head": room["head"] }), "{query}");
    }
}

#[actix_web::test]
async fn a_page_of_history_has_50_records_by_default_and_500_at_most() {
    let server = Server::start().await;
    let (http, room, _) = eleven_records(&server).await;
    for n in 12..=510 {
        http.say(&room, &format!("message {n}")).await;
    }
    let cases =
        [("", 461..=510), ("?after=0", 1..=50), ("?limit=501", 11..=510), ("?limit=99999&after=0", 1..=500)];
    for (query, wanted) in cases {
        let page = http.get(&format!("{}{query}", messages_of(&room))).await.expect(200);
        assert_eq!(seqs(page["records"].as_array().unwrap()), wanted.collect::<Vec<u64>>(), "{query}");
    }
}

#[actix_web::test]
async fn parameters_of_history_are_checked() {
    let server = Server::start().await;
    let (http, room, epoch) = eleven_records(&server).await;
    let cases = [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("limit=", "limit"),
        ("after=x", "after"),
        ("after=-1", "after"),
        ("after=1.5", "after"),
        ("after=:1", "after"),
        (&format!("after={epoch}:"), "after"),
        (&format!("after={epoch}:x"), "after"),
        ("before=x", "before"),
        ("before=-1", "before"),
        ("wait=1", "wait"),
        ("before=3&wait=1", "wait"),
        ("after=3&wait=x", "wait"),
        ("after=3&wait=-1", "wait"),
    ];
    for (query, field) in cases {
        http.get(&format!("{}?{query}", messages_of(&room))).await.invalid(field);
    }
    let both = http.get(&format!("{}?after=1&before=3", messages_of(&room))).await.problem(422, "invalid");
    assert!(["after", "before"].map(Value::from).contains(&both["field"]), "{both}");
    for path in ["/api/rooms".to_owned(), format!("/api/rooms/{room}/members")] {
        for bad in ["0", "-1", "x"] {
            http.get(&format!("{path}?limit={bad}")).await.invalid("limit");
        }
        http.get(&format!("{path}?after=no-such-cursor!")).await.invalid("after");
    }
}

/// D3: a position that cannot be honoured is said so.
#[actix_web::test]
async fn a_lost_position_is_gone() {
    let server = Server::start().await;
    let (http, room, epoch) = eleven_records(&server).await;
    for query in
        ["after=12", &format!("after={epoch}:12"), "after=other:3", "after=other:0", "after=12&wait=60"]
    {
        let problem =
            http.get(&format!("{}?{query}", messages_of(&room))).await.problem(410, "position_lost");
        assert_eq!(problem["head"], json!({ "epoch": epoch, "seq": 11 }), "{query}");
        assert_eq!(problem["missing"], json!({ "from": 1, "to": 11 }), "{query}");
    }
}

#[actix_web::test]
async fn times_in_a_room_never_go_backwards() {
    let server = Server::start().await;
    let (http, room, _) = eleven_records(&server).await;
    let history = http.history(&room).await;
    let times: Vec<String> = history.iter().map(|record| text(&record["at"])).collect();
    assert!(times.is_sorted(), "{times:?}");
}

#[actix_web::test]
async fn a_position_is_written_as_epoch_and_seq() {
    let server = Server::start().await;
    let (http, room, _) = eleven_records(&server).await;
    let page = http.get(&format!("{}?limit=1&after=4", messages_of(&room))).await.expect(200);
    let position = position_text(&page["position"]);
    let next = http.get(&format!("{}?limit=1&after={position}", messages_of(&room))).await.expect(200);
    assert_eq!(seqs(next["records"].as_array().unwrap()), [6]);
}
