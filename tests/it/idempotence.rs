//! D4: the same sender and client_id is one record and one answer, however and whenever it is sent again.
//! The plain repeat over HTTP is in `http_contract::messages`; repeats after a crash under load are in `durability`.

use actix_web::rt;
use awc::http::Method;
use serde_json::{Value, json};

use crate::support::http::{Http, User, id_of, messages_of};
use crate::support::postgres;
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;

async fn hall(server: &Server) -> (Http, User, String) {
    let ada = Http::to(server).user("Ada").await;
    let http = Http::to(server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    (http, ada, room)
}

#[actix_web::test]
async fn the_same_message_from_everywhere_at_once_is_one_record() {
    let server = Server::start().await;
    race("on SQLite", &server).await;
}

#[actix_web::test]
async fn the_same_message_from_everywhere_at_once_is_one_record_on_postgres() {
    let Some(url) = postgres::database("idempotence on PostgreSQL") else {
        return;
    };
    let server = Plan::default().set("database.url", url).start().await;
    race("on PostgreSQL", &server).await;
}

/// Four sockets and four HTTP callers send the same twenty messages, all at once.
async fn race(place: &str, server: &Server) {
    let (http, ada, room) = hall(server).await;
    let message = |n: usize| json!({ "room": room, "body": format!("{n}"), "client_id": format!("c{n}") });
    let mut answers: Vec<rt::task::JoinHandle<Vec<Value>>> = Vec::new();
    for _ in 0..4 {
        let mut socket = Socket::of(server, &ada).await;
        let messages: Vec<Value> = (0..20).map(message).collect();
        answers.push(rt::spawn(async move {
            let mut ids = Vec::new();
            for message in messages {
                ids.push(socket.begin("send", message).await);
            }
            let mut acks = Vec::new();
            for id in ids {
                acks.push(socket.reply(&id).await);
            }
            acks
        }));
    }
    for _ in 0..4 {
        let (http, path) = (http.clone(), messages_of(&room));
        let messages: Vec<Value> = (0..20).map(message).collect();
        answers.push(rt::spawn(async move {
            let mut records = Vec::new();
            for message in messages {
                let answer = http.call(Method::POST, &path).json(&message).answer().await;
                assert!([200, 201].contains(&answer.status), "{answer:?}");
                records.push(answer.expect(answer.status));
            }
            records
        }));
    }
    let mut lists = Vec::new();
    for answer in answers {
        lists.push(answer.await.unwrap());
    }
    let history = http.history(&room).await;
    assert_eq!(history.len(), 21, "{place}");
    for list in lists {
        for (n, answer) in list.iter().enumerate() {
            assert_eq!(answer["client_id"], format!("c{n}"), "{place}: {answer}");
            let seq = answer["seq"].as_u64().unwrap() as usize;
            assert_eq!(history[seq - 1]["client_id"], answer["client_id"], "{place}");
            assert_eq!(history[seq - 1]["at"], answer["at"], "{place}");
        }
    }
}

#[actix_web::test]
async fn a_repeat_gets_the_same_ack_on_the_same_socket_another_one_and_after_a_restart() {
    let mut server = Server::start().await;
    let (http, ada, room) = hall(&server).await;
    let same = json!({ "client_id": "c1" });
    let mut socket = Socket::of(&server, &ada).await;
    let first = without_id(socket.say_with(&room, "hello", same.clone()).await);
    assert_eq!(without_id(socket.say_with(&room, "hello", same.clone()).await), first);
    let mut another = Socket::of(&server, &ada).await;
    assert_eq!(without_id(another.say_with(&room, "another body", same.clone()).await), first);

    for _ in 0..2 {
        server.kill();
        server.restart().await;
        let mut socket = Socket::of(&server, &ada).await;
        assert_eq!(without_id(socket.say_with(&room, "hello", same.clone()).await), first);
        let body = json!({ "body": "hello", "client_id": "c1" });
        assert_eq!(http.post(&messages_of(&room), body).await.expect(200)["seq"], first["seq"]);
    }
    assert_eq!(http.history(&room).await.len(), 2);
}

#[actix_web::test]
async fn a_repeat_pushes_nothing() {
    let server = Server::start().await;
    let (_, ada, room) = hall(&server).await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.join(&room).await;
    for _ in 0..3 {
        socket.say_with(&room, "hello", json!({ "client_id": "c1" })).await;
    }
    let marker = socket.say(&room, "marker").await;
    assert_eq!(socket.record().await["client_id"], "c1");
    assert_eq!(socket.record().await["seq"], marker["seq"]);
}

#[actix_web::test]
async fn the_window_covers_the_last_4096_messages_also_after_a_restart() {
    let mut server = Server::start().await;
    let (http, ada, room) = hall(&server).await;
    let mut socket = Socket::of(&server, &ada).await;
    let same = json!({ "client_id": "the first" });
    let first = without_id(socket.say_with(&room, "hello", same.clone()).await);
    let mut asked = Vec::new();
    for n in 1..4096 {
        let message = json!({ "room": room, "body": "x", "client_id": format!("c{n}") });
        asked.push(socket.begin("send", message).await);
        if n % 64 == 0 {
            for id in asked.drain(..) {
                socket.reply(&id).await;
            }
        }
    }
    for id in asked {
        assert_eq!(socket.reply(&id).await["type"], "ack");
    }
    assert_eq!(without_id(socket.say_with(&room, "hello", same.clone()).await), first);

    server.kill();
    server.restart().await;
    let mut socket = Socket::of(&server, &ada).await;
    assert_eq!(without_id(socket.say_with(&room, "hello", same).await), first);
    let middle = socket.say_with(&room, "x", json!({ "client_id": "c2000" })).await;
    assert_eq!(middle["seq"], 2002);
    assert_eq!(http.look_at(&room).await["head"]["seq"], 4097);
}

/// Leaving and coming back is no way around it either.
#[actix_web::test]
async fn a_repeat_after_leaving_and_joining_again_is_still_a_repeat() {
    let server = Server::start().await;
    let (http, ada, room) = hall(&server).await;
    let mut socket = Socket::of(&server, &ada).await;
    let same = json!({ "client_id": "c1" });
    let first = without_id(socket.say_with(&room, "hello", same.clone()).await);
    socket.ask("leave", json!({ "room": room })).await;
    socket.join(&room).await;
    assert_eq!(without_id(socket.say_with(&room, "hello", same).await), first);
    assert_eq!(http.history(&room).await.len(), 4);
}

fn without_id(mut reply: Value) -> Value {
    reply.as_object_mut().unwrap().remove("id");
    reply
}
