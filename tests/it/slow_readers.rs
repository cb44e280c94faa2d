//! D5: who does not read is cut off and can resume; the room, the others and the memory do not feel it.
//! How little the others feel it in time is a figure, and not for a test.

use std::cell::Cell;
use std::rc::Rc;

use actix_web::rt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::http::{Http, User, id_of};
use crate::support::raw::{RawSocket, frame, opcode};
use crate::support::server::{Plan, Server};
use crate::support::socket::{Heard, Opening, Socket, records_of};
use crate::support::{breath, until, within};

const OUTBOX: u64 = 1 << 20;
const BODY: usize = 4000;
const SAID: usize = 1500;
/// Never more than this many unread records at a good reader: less than half of an outbox.
const WINDOW: usize = 100;

async fn hall() -> (Server, Http, User, String, String) {
    let server = Plan::default()
        .set("socket.outbox_bytes", OUTBOX)
        // Small, but not below a segment of the loopback: each write would wait for a delayed acknowledgement.
        .set("socket.send_buffer_bytes", 128 << 10)
        .start()
        .await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = http.room("hall").await;
    let epoch = room["head"]["epoch"].as_str().unwrap().to_owned();
    let id = id_of(&room);
    http.enter(&id).await;
    (server, http, ada, id, epoch)
}

/// A socket that has joined and from now on is not read.
async fn slow_socket(server: &Server, user: &User, room: &str) -> Socket {
    let how = Opening { headers: &[], receive_buffer: Some(64 << 10) };
    let mut socket = Socket::open_as(server, how).await.unwrap();
    socket.connect(user).await;
    socket.join(room).await;
    socket
}

/// An event stream that is never read.
async fn slow_events(server: &Server, room: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(64 << 10).unwrap();
    let mut stream = socket.connect(server.address().parse().unwrap()).await.unwrap();
    let request = format!(
        "GET /api/rooms/{room}/events HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        server.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    // Its first byte says that it is subscribed, or about to be.
    within("an event stream", stream.read_u8()).await.unwrap();
    stream
}

#[actix_web::test]
async fn a_slow_reader_is_closed_and_the_room_goes_on() {
    let (server, http, ada, room, epoch) = hall().await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(slow_socket(&server, &ada, &room).await);
    }
    let mut slow_streams = Vec::new();
    for _ in 0..5 {
        slow_streams.push(slow_events(&server, &room).await);
    }
    let counts: Vec<Rc<Cell<usize>>> = (0..5).map(|_| Rc::default()).collect();
    let mut readers = Vec::new();
    for count in &counts {
        let mut socket = Socket::of(&server, &ada).await;
        socket.join(&room).await;
        readers.push(rt::spawn(read_all(socket, count.clone())));
    }
    let before = server.resident_bytes();

    let mut talker = Socket::of(&server, &ada).await;
    let mut asked = Vec::new();
    for n in 0..SAID {
        until("the good readers", async || counts.iter().all(|count| count.get() + WINDOW > n)).await;
        let message = json!({ "room": room, "body": format!("{n:04000}") });
        asked.push(talker.begin("send", message).await);
        if n >= WINDOW {
            let ack = talker.reply(&asked[n - WINDOW]).await;
            assert_eq!(ack["type"], "ack", "{ack}");
        }
    }
    let history = {
        let mut lists = Vec::new();
        for reader in readers {
            lists.push(reader.await.unwrap());
        }
        let history = http.history(&room).await;
        for list in lists {
            assert_eq!(list, history[1..], "a good reader missed something");
        }
        history
    };
    assert_eq!(history.len(), SAID + 1);
    assert_eq!(history[1]["body"].as_str().unwrap().len(), BODY);
    until("the slow ones to be evicted", async || http.figure("klatsch_evictions_total").await >= 20.0).await;
    if let (Some(before), Some(after)) = (before, server.resident_bytes()) {
        // Kept whole, the slow ones' records alone would be 150 MB.
        let grown = after.saturating_sub(before);
        assert!(grown < 96 << 20, "the server grew by {grown} bytes");
    }

    for (n, mut socket) in slow.into_iter().enumerate() {
        let last = hear_to_the_end(&mut socket).await;
        assert!(last < history.len(), "a slow reader was not closed");
        if n > 2 {
            continue;
        }
        let mut again = Socket::of(&server, &ada).await;
        let after = json!({ "epoch": epoch, "seq": last });
        let joined = again.join_with(&room, json!({ "after": after })).await;
        assert_eq!(joined["recovered"], true, "{joined}");
        assert_eq!(again.records(history.len() - last).await, history[last..]);
    }
    for mut stream in slow_streams {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = within("the end of a slow stream", stream.read_to_end(&mut rest)).await;
        assert!(rest.len() < SAID * BODY, "a slow event stream was not closed");
    }
    server.must_not_have_panicked();
}

/// Reads every message and counts it.
async fn read_all(mut socket: Socket, count: Rc<Cell<usize>>) -> Vec<Value> {
    let mut heard = Vec::new();
    while heard.len() < SAID {
        heard.push(socket.record().await);
        count.set(heard.len());
    }
    heard
}

/// Reads what had come through until the server's end shows: the last position, which a gapless list reaches.
async fn hear_to_the_end(socket: &mut Socket) -> usize {
    let mut last = 1;
    loop {
        match socket.hear().await {
            Heard::Json(value) => {
                for record in records_of(&value) {
                    assert_eq!(record["seq"], last + 1, "a gap before the end");
                    last += 1;
                }
            }
            Heard::Closed(4001) | Heard::Cut => return last,
            Heard::Closed(code) => panic!("closed with {code}"),
        }
    }
}

#[actix_web::test]
async fn who_asks_and_never_listens_costs_no_memory() {
    let (server, http, ada, room, _) = hall().await;
    let mut deaf = RawSocket::open(&server).await;
    let connect = json!({ "type": "connect", "token": ada.token });
    deaf.send_text(&connect.to_string()).await;
    let before = server.resident_bytes();
    // A refusal is larger than what asks for it, so replies pile up faster than requests.
    let question = frame(opcode::TEXT, br#"{"type":"x"}"#).repeat(100);
    let mut asked = 0;
    while asked < 500_000 {
        match tokio::time::timeout(std::time::Duration::from_secs(2), deaf.write_now(&question)).await {
            Ok(Ok(())) => asked += 100,
            // Cut off, or held back: both bound what it costs.
            Ok(Err(_)) | Err(_) => break,
        }
    }
    if let (Some(before), Some(after)) = (before, server.resident_bytes()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 64 << 20, "the server grew by {grown} bytes after {asked} questions");
    }
    http.say(&room, "still here").await;
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_dead_reader_does_not_hold_up_the_stop() {
    let (mut server, http, ada, room, _) = hall().await;
    let _slow = slow_socket(&server, &ada, &room).await;
    for _ in 0..50 {
        http.say(&room, &"x".repeat(BODY)).await;
        breath().await;
    }
    assert!(server.terminate().await.success(), "{}", server.log());
}
