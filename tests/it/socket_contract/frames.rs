//! Frames below the requests: what is no text, what is too large, closing, and heart-beats.
//! Frames that break the WebSocket protocol itself are in `garbage`.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use super::hall;
use crate::support::http::Http;
use crate::support::raw::{RawSocket, opcode};
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;

#[actix_web::test]
async fn frames_that_are_no_text_of_64_kib_are_closed_with_their_code() {
    let (server, _, ada, _) = hall().await;
    let broken = |bytes: &'static [u8]| Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true));
    let cases = [
        (Message::binary(&b"{}"[..]), 1003),
        (Message::binary(&b""[..]), 1003),
        (broken(b"{\"type\":\"\xff\"}"), 1007),
        (broken(b"\xc0\x80"), 1007),
        (broken(b"\xed\xa0\x80"), 1007),
        (broken(b"cut in the middle \xf0\x9f\xa6"), 1007),
        (Message::text(" ".repeat((64 << 10) + 1)), 1009),
    ];
    for (message, code) in cases {
        let what = format!("{message:?}").chars().take(80).collect::<String>();
        let mut socket = Socket::of(&server, &ada).await;
        socket.transmit(message).await;
        assert_eq!(socket.close_code().await, Some(code), "{what}");
    }
}

#[actix_web::test]
async fn a_text_of_exactly_64_kib_is_taken() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    let mut text = r#"{"type":"ping","id":"large"}"#.to_owned();
    text.push_str(&" ".repeat((64 << 10) - text.len()));
    socket.tell_text(&text).await;
    assert_eq!(socket.reply(&json!("large")).await["type"], "pong");
}

#[actix_web::test]
async fn a_text_in_fragments_is_one_text() {
    let (server, _, ada, _) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    let text = r#"{"type":"ping","id":"유나"}"#.as_bytes();
    let fragment =
        |bytes: &[u8], data, last| Message::Frame(Frame::message(bytes.to_vec(), OpCode::Data(data), last));
    // The cut goes through a character: only the whole must be UTF-8.
    let cut = text.len() - 4;
    socket.transmit(fragment(&text[..5], Data::Text, false)).await;
    socket.transmit(fragment(&text[5..cut], Data::Continue, false)).await;
    socket.transmit(Message::Ping("between the fragments".into())).await;
    socket.transmit(fragment(&text[cut..], Data::Continue, true)).await;
    assert_eq!(socket.reply(&json!("유나")).await["type"], "pong");

    let half = " ".repeat(40 << 10).into_bytes();
    socket.transmit(fragment(&half, Data::Text, false)).await;
    socket.transmit(fragment(&half, Data::Continue, true)).await;
    assert_eq!(socket.close_code().await, Some(1009));
}

#[actix_web::test]
async fn a_close_is_answered() {
    let (server, _, ada, _) = hall().await;
    assert_eq!(Socket::of(&server, &ada).await.close().await, Some(1000));
    let mut raw = RawSocket::open(&server).await;
    raw.send(opcode::CLOSE, &1000_u16.to_be_bytes()).await;
    assert_eq!(raw.close_code().await, Some(1000));
    assert!(raw.hear().await.is_none(), "nothing comes after a close");
}

#[actix_web::test]
async fn a_silent_socket_is_closed_with_4002_and_an_answering_one_is_not() {
    let server = Plan::default().set("socket.heartbeat_s", 2).start().await;
    let ada = Http::to(&server).user("Ada").await;
    let connect = json!({ "type": "connect", "token": ada.token }).to_string();

    let mut silent = RawSocket::open(&server).await;
    silent.send_text(&connect).await;
    let mut answering = RawSocket::open(&server).await;
    answering.send_text(&connect).await;
    let reply: Value = serde_json::from_slice(&answering.hear().await.unwrap().payload).unwrap();
    assert_eq!(reply["heartbeat_s"], 2);

    let mut pings = 0;
    while pings < 3 {
        let frame = answering.hear().await.unwrap();
        assert_eq!(frame.opcode, opcode::PING, "{frame:?}");
        answering.send(opcode::PONG, &frame.payload).await;
        pings += 1;
    }
    assert_eq!(silent.close_code().await, Some(4002));
    answering.send_text(r#"{"type":"ping"}"#).await;
    assert_eq!(answering.hear().await.unwrap().opcode, opcode::TEXT);
}

#[actix_web::test]
async fn a_ping_frame_gets_its_pong() {
    let server = Server::start().await;
    let mut socket = RawSocket::open(&server).await;
    for payload in [&b""[..], b"\x00\xff not text", &[7; 125]] {
        socket.send(opcode::PING, payload).await;
        let pong = socket.hear().await.unwrap();
        assert_eq!((pong.opcode, pong.payload.as_slice()), (opcode::PONG, payload));
    }
}
