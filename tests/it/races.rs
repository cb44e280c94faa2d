//! What many do at the same moment: one name, one membership, one outcome that everybody agrees on.
//! The same message many times at once is in `idempotence`.

use actix_web::rt;
use serde_json::{Value, json};

use crate::support::http::{Answer, Http, id_of, messages_of, text};
use crate::support::postgres;
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;

const AT_ONCE: usize = 20;

/// All of these calls at once, and their answers.
async fn at_once(calls: impl Iterator<Item = (Http, &'static str, String, Value)>) -> Vec<Answer> {
    let started: Vec<_> = calls
        .map(|(http, method, path, body)| {
            rt::spawn(async move {
                let method = awc::http::Method::from_bytes(method.as_bytes()).unwrap();
                let call = http.call(method, &path);
                if body.is_null() { call.answer().await } else { call.json(&body).answer().await }
            })
        })
        .collect();
    let mut answers = Vec::new();
    for call in started {
        answers.push(call.await.unwrap());
    }
    answers
}

fn count(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[actix_web::test]
async fn a_name_goes_to_one_of_many() {
    names_are_unique(&Server::start().await).await;
}

#[actix_web::test]
async fn a_name_goes_to_one_of_many_on_postgres() {
    let Some(url) = postgres::database("races for names on PostgreSQL") else { return };
    names_are_unique(&Plan::default().set("database.url", url).start().await).await;
}

async fn names_are_unique(server: &Server) {
    let http = Http::to(server);
    let users = |body: fn(usize) -> Value| {
        let http = http.clone();
        at_once((0..AT_ONCE).map(move |n| (http.clone(), "POST", "/api/users".to_owned(), body(n))))
    };
    let answers = users(|n| json!({ "nickname": if n % 2 == 0 { "Ada" } else { "ADA" } })).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, AT_ONCE - 1));

    let answers = users(|_| json!({ "nickname": "Bob", "secret": "a secret of one's own" })).await;
    assert_eq!((count(&answers, 201), count(&answers, 200)), (1, AT_ONCE - 1));
    let ids = answers.iter().map(|answer| text(&answer.expect(answer.status)["user"]["id"]));
    let ids: std::collections::HashSet<String> = ids.collect();
    assert_eq!(ids.len(), 1, "the same pair is the same user");

    let acting = http.acting_as(&http.user("Cem").await);
    let rooms =
        (0..AT_ONCE).map(|_| (acting.clone(), "POST", "/api/rooms".to_owned(), json!({ "name": "hall" })));
    let answers = at_once(rooms).await;
    assert_eq!((count(&answers, 201), count(&answers, 409)), (1, AT_ONCE - 1));
    let made = answers.iter().find(|answer| answer.status == 201).unwrap().expect(201);
    for refused in answers.iter().filter(|answer| answer.status == 409) {
        assert_eq!(refused.problem(409, "room_name_taken")["room"]["id"], made["id"]);
    }
}

#[actix_web::test]
async fn joining_at_once_from_everywhere_is_joining_once() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let acting = http.acting_as(&ada);
    let room = id_of(&acting.room("hall").await);
    let mut sockets = Vec::new();
    for _ in 0..5 {
        sockets.push(Socket::of(&server, &ada).await);
    }
    let mut asked = Vec::new();
    for socket in &mut sockets {
        asked.push(socket.begin("join", json!({ "room": room })).await);
    }
    let path = format!("/api/rooms/{room}/members/me");
    let answers = at_once((0..5).map(|_| (acting.clone(), "PUT", path.clone(), Value::Null))).await;
    assert_eq!(count(&answers, 200), 5);
    for (socket, id) in sockets.iter_mut().zip(&asked) {
        assert_eq!(socket.reply(id).await["position"]["seq"], 1);
    }
    assert_eq!(http.history(&room).await.len(), 1);
    let marker = acting.say(&room, "marker").await;
    for socket in &mut sockets {
        assert_eq!(socket.record().await, marker, "everybody is live from the same moment");
    }
}

/// Whatever the order turns out to be, it is one that could have been.
#[actix_web::test]
async fn joining_leaving_and_sending_in_a_race_leave_a_history_that_makes_sense() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let ada = http.user("Ada").await;
    let room = id_of(&http.acting_as(&ada).room("hall").await);
    let mut racers = Vec::new();
    for racer in 0..4 {
        let mut socket = Socket::of(&server, &ada).await;
        let room = room.clone();
        racers.push(rt::spawn(async move {
            let mut sent = Vec::new();
            let mut others = Vec::new();
            for n in 0..25 {
                others.push(socket.begin("join", json!({ "room": room })).await);
                let message = json!({ "room": room, "body": "x", "client_id": format!("{racer} {n}") });
                sent.push(socket.begin("send", message).await);
                others.push(socket.begin("leave", json!({ "room": room })).await);
            }
            let mut acked = 0;
            for id in sent {
                let reply = socket.reply(&id).await;
                match reply["type"].as_str().unwrap() {
                    "ack" => acked += 1,
                    _ => assert_eq!(reply["code"], "not_a_member", "{reply}"),
                }
            }
            for id in others {
                let reply = socket.reply(&id).await;
                assert!(reply["type"] == "joined" || reply["type"] == "left", "{reply}");
            }
            acked
        }));
    }
    let mut acked = 0;
    for racer in racers {
        acked += racer.await.unwrap();
    }
    let mut inside = false;
    let mut messages = 0;
    for record in http.history(&room).await {
        match record["kind"].as_str().unwrap() {
            "joined" => assert!(!std::mem::replace(&mut inside, true), "joined twice: {record}"),
            "left" => assert!(std::mem::replace(&mut inside, false), "left twice: {record}"),
            _ => {
                assert!(inside, "sent from outside: {record}");
                messages += 1;
            }
        }
    }
    assert_eq!(messages, acked);
    assert!(!inside);
    assert_eq!(http.look_at(&room).await["members"], 0);
    let page = http.get(&format!("{}?limit=1", messages_of(&room))).await.expect(200);
    assert_eq!(page["position"], page["head"]);
}
