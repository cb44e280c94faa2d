//! Resuming: fifty drops in a row, pasts longer than any memory, and a past wider than the outbox. D3.
//! The small cases of `after` and `last` are in `socket_contract::join`.

use actix_web::rt;
use serde_json::{Value, json};

use crate::support::http::{Http, User, id_of, seqs};
use crate::support::seed::Dice;
use crate::support::server::{Plan, Server};
use crate::support::socket::{Heard, Opening, Socket, records_of};

async fn hall(server: &Server) -> (Http, User, String, String) {
    let ada = Http::to(server).user("Ada").await;
    let http = Http::to(server).acting_as(&ada);
    let room = http.room("hall").await;
    let epoch = room["head"]["epoch"].as_str().unwrap().to_owned();
    let id = id_of(&room);
    http.enter(&id).await;
    (http, ada, id, epoch)
}

/// Says `count` things over one socket, at most 64 in flight.
async fn talk_on(mut socket: Socket, room: String, count: usize, width: usize) {
    let mut asked = Vec::new();
    for n in 0..count {
        let body = format!("{n} {}", "x".repeat(width));
        asked.push(socket.begin("send", json!({ "room": room, "body": body })).await);
        if n >= 64 {
            let ack = socket.reply(&asked[n - 64]).await;
            assert_eq!(ack["type"], "ack", "{ack}");
        }
    }
    for id in asked.iter().skip(count.saturating_sub(64)) {
        let ack = socket.reply(id).await;
        assert_eq!(ack["type"], "ack", "{ack}");
    }
}

/// D3.
#[actix_web::test]
async fn fifty_resumes_with_random_drops_leave_no_gap_and_no_duplicate() {
    fifty_resumes(Server::start().await).await;
}

/// D3, where every resume is read from the database while the room goes on.
#[actix_web::test]
async fn fifty_resumes_leave_no_gap_and_no_duplicate_without_memory() {
    fifty_resumes(Plan::default().set("rooms.ring_records", 0).start().await).await;
}

async fn fifty_resumes(server: Server) {
    let (http, ada, room, epoch) = hall(&server).await;
    let mut dice = Dice::thrown_for("fifty resumes");
    const SAID: usize = 3000;
    let talking = rt::spawn(talk_on(Socket::of(&server, &ada).await, room.clone(), SAID, 20));

    let mut heard: Vec<Value> = Vec::new();
    let mut drops = 0;
    while heard.len() < SAID + 1 {
        let mut socket = Socket::of(&server, &ada).await;
        let after = json!({ "epoch": epoch, "seq": heard.len() });
        let joined = socket.join_with(&room, json!({ "after": after })).await;
        assert_eq!(joined["recovered"], true, "{joined}");
        // The fiftieth drop is the last: from there the rest is heard on one socket.
        let until_drop = if drops < 50 { dice.between(0, 60) as usize } else { SAID + 1 - heard.len() };
        for record in socket.records(until_drop.min(SAID + 1 - heard.len())).await {
            assert_eq!(record["seq"], heard.len() + 1, "after {drops} drops");
            heard.push(record);
        }
        match dice.between(0, 2) {
            // A cut in the middle of whatever is on its way, a farewell, or a death after a part of the next batch.
            0 => drop(socket),
            1 => drop(socket.close().await),
            _ => {
                socket.begin("ping", json!({})).await;
                drop(socket);
            }
        }
        drops += 1;
    }
    talking.await.unwrap();
    assert!(drops > 50, "{drops} drops");
    assert_eq!(heard, http.history(&room).await);
}

/// D3, beyond what a server keeps in memory, and after a restart.
#[actix_web::test]
async fn a_past_of_thousands_of_records_is_replayed_whole() {
    let mut server = Server::start().await;
    let (http, ada, room, epoch) = hall(&server).await;
    const SAID: usize = 5000;
    talk_on(Socket::of(&server, &ada).await, room.clone(), SAID, 20).await;
    let history = http.history(&room).await;
    for after in [0, 1, 17, 1000, 4990] {
        let mut socket = Socket::of(&server, &ada).await;
        let joined = socket.join_with(&room, json!({ "after": { "epoch": epoch, "seq": after } })).await;
        assert_eq!(joined["recovered"], true, "{joined}");
        assert_eq!(socket.records(SAID + 1 - after).await, history[after..], "after {after}");
    }
    server.kill();
    server.restart().await;
    let mut socket = Socket::of(&server, &ada).await;
    let joined = socket.join_with(&room, json!({ "after": { "epoch": epoch, "seq": 0 } })).await;
    assert_eq!((&joined["recovered"], &joined["position"]["seq"]), (&json!(true), &json!(SAID + 1)));
    assert_eq!(socket.records(SAID + 1).await, history);
    let mut newest = Socket::of(&server, &ada).await;
    newest.join_with(&room, json!({ "last": 4000 })).await;
    assert_eq!(seqs(&newest.records(1).await), [(SAID + 1 - 4000 + 1) as u64]);
}

/// "A long replay is paged as the socket drains and never costs the client its connection."
#[actix_web::test]
async fn a_replay_wider_than_the_outbox_never_closes_the_client() {
    let server = Plan::default()
        .set("socket.outbox_bytes", 32 << 10)
        .set("socket.send_buffer_bytes", 128 << 10)
        .start()
        .await;
    let (http, ada, room, epoch) = hall(&server).await;
    // Two megabytes: sixty times the outbox.
    talk_on(Socket::of(&server, &ada).await, room.clone(), 500, 4000).await;
    let history = http.history(&room).await;

    let how = Opening { headers: &[], receive_buffer: Some(32 << 10) };
    let mut reader = Socket::open_as(&server, how).await.unwrap();
    reader.connect(&ada).await;
    let after = json!({ "epoch": epoch, "seq": 0 });
    reader.begin("join", json!({ "room": room, "after": after })).await;
    // Until others have been served altogether, this one reads nothing.
    let mut quick = Socket::of(&server, &ada).await;
    quick.join_with(&room, json!({ "after": after })).await;
    assert_eq!(quick.records(501).await, history);
    assert_eq!(reader.records(501).await, history);
    assert_eq!(reader.ask("ping", json!({})).await["type"], "pong");

    // And live ones go on where the past ended.
    let ack = quick.say(&room, "live").await;
    assert_eq!(reader.record().await["seq"], ack["seq"]);
}

/// A past and a present that meet while the past is still on its way.
#[actix_web::test]
async fn what_is_said_during_a_replay_follows_it_in_order() {
    let server = Plan::default().set("socket.outbox_bytes", 256 << 10).start().await;
    let (http, ada, room, epoch) = hall(&server).await;
    talk_on(Socket::of(&server, &ada).await, room.clone(), 1500, 500).await;
    let talking = rt::spawn(talk_on(Socket::of(&server, &ada).await, room.clone(), 300, 10));
    let mut readers = Vec::new();
    for _ in 0..4 {
        let mut socket = Socket::of(&server, &ada).await;
        let (room, epoch) = (room.clone(), epoch.clone());
        readers.push(rt::spawn(async move {
            let after = json!({ "epoch": epoch, "seq": 0 });
            socket.begin("join", json!({ "room": room, "after": after })).await;
            let mut heard: Vec<Value> = Vec::new();
            while heard.len() < 1801 {
                match socket.hear().await {
                    Heard::Json(value) => heard.extend(records_of(&value)),
                    end => panic!("{end:?} after {} records", heard.len()),
                }
            }
            heard
        }));
    }
    talking.await.unwrap();
    let history = http.history(&room).await;
    assert_eq!(history.len(), 1801);
    for reader in readers {
        assert_eq!(reader.await.unwrap(), history);
    }
}

/// A replay that is on its way ends with its subscription.
#[actix_web::test]
async fn joining_anew_or_parting_in_the_middle_of_a_replay_ends_it() {
    let server = Plan::default().set("socket.outbox_bytes", 64 << 10).start().await;
    let (http, ada, room, epoch) = hall(&server).await;
    talk_on(Socket::of(&server, &ada).await, room.clone(), 1000, 1000).await;
    let total = 1001;
    let again = json!({ "room": room, "after": { "epoch": epoch, "seq": 0 } });

    let mut anew = Socket::of(&server, &ada).await;
    for _ in 0..3 {
        anew.begin("join", again.clone()).await;
    }
    let mut parting = Socket::of(&server, &ada).await;
    parting.begin("join", again.clone()).await;
    let parted = parting.begin("part", json!({ "room": room })).await;
    assert_eq!(parting.reply(&parted).await["type"], "parted");
    parting.join(&room).await;
    http.say(&room, "marker").await;

    // Of the first subscriptions any beginning may come, of the last one everything.
    let heard = seqs(&heard_until(&mut anew, total + 1).await);
    let begins: Vec<usize> = (0..heard.len()).filter(|at| heard[*at] == 1).collect();
    assert!((1..=3).contains(&begins.len()), "{} beginnings", begins.len());
    for run in heard.chunk_by(|one, next| *next != 1 || one == next) {
        assert!(run.iter().zip(1..).all(|(seq, wanted)| *seq == wanted), "a gap in {run:?}");
    }
    assert_eq!(heard[*begins.last().unwrap()..], (1..=total + 1).collect::<Vec<u64>>());

    let heard = seqs(&heard_until(&mut parting, total + 1).await);
    let (marker, before) = heard.split_last().unwrap();
    assert_eq!(*marker, total + 1);
    assert!(before.iter().zip(1..).all(|(seq, wanted)| *seq == wanted), "a gap in {before:?}");
}

/// Everything up to the record with this number.
async fn heard_until(socket: &mut Socket, last: u64) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let record = socket.record().await;
        let seq = record["seq"].as_u64().unwrap();
        heard.push(record);
        if seq == last {
            return heard;
        }
    }
}
