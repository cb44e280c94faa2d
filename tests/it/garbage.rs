//! What no client should send: random bytes, half frames, too much, too deep, not text.
//! The answer is a clear refusal, a close code or a cut; nobody else feels it, and nothing panics.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::http::{Http, User, id_of, messages_of};
use crate::support::raw::{self, RawSocket, frame, frame_with_first_byte, opcode};
use crate::support::seed::Dice;
use crate::support::server::Server;
use crate::support::socket::{Heard, Socket};
use crate::support::until;

/// A server and somebody who chats on it while others misbehave.
struct Scene {
    server: Server,
    http: Http,
    ada: User,
    room: String,
    witness: Socket,
}

impl Scene {
    async fn set() -> Scene {
        let server = Server::start().await;
        let ada = Http::to(&server).user("Ada").await;
        let http = Http::to(&server).acting_as(&ada);
        let room = id_of(&http.room("hall").await);
        let mut witness = Socket::of(&server, &ada).await;
        witness.join(&room).await;
        Scene { server, http, ada, room, witness }
    }

    /// The witness chats on, on the socket that was open all the time, and nothing has panicked.
    async fn goes_on(&mut self) {
        let ack = self.witness.say(&self.room, "undisturbed").await;
        assert_eq!(self.witness.record().await["seq"], ack["seq"]);
        self.server.must_not_have_panicked();
    }
}

#[actix_web::test]
async fn random_bytes_on_the_port_disturb_nobody() {
    let mut scene = Scene::set().await;
    let mut dice = Dice::thrown_for("random bytes");
    for _ in 0..100 {
        let length = dice.between(1, 4096) as usize;
        let bytes = dice.bytes(length);
        let mut stream = TcpStream::connect(scene.server.address()).await.unwrap();
        // The server may have hung up already.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    }
    let port = scene.server.port();
    let requests: [&[u8]; 6] = [
        b"\r\n\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /api/rooms HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"POST /api/users HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /api/rooms/%ff%00/messages?after=%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    ];
    for request in requests {
        let answer = raw::exchange(port, request).await.unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn huge_headers_and_addresses_are_refused() {
    let mut scene = Scene::set().await;
    let port = scene.server.port();
    let requests = [
        format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Large: {}\r\nConnection: close\r\n\r\n",
            "x".repeat(1 << 20)
        ),
        format!(
            "GET /healthz HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\n\r\n",
            "X-Many: x\r\n".repeat(10_000)
        ),
        format!("GET /{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "x".repeat(1 << 20)),
    ];
    for request in requests {
        // A server that hangs up in the middle of a request may reset the connection: no answer, and no harm.
        if let Ok(answer) = raw::exchange(port, request.as_bytes()).await {
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn half_frames_disturb_nobody() {
    let mut scene = Scene::set().await;
    let connect = json!({ "type": "connect", "token": scene.ada.token }).to_string();
    let bytes = frame(opcode::TEXT, connect.as_bytes());
    for cut in (0..bytes.len()).step_by(7) {
        let mut socket = RawSocket::open(&scene.server).await;
        socket.write(&bytes[..cut]).await.unwrap();
    }
    // A frame may come byte by byte.
    let mut patient = RawSocket::open(&scene.server).await;
    for byte in &bytes {
        patient.write(std::slice::from_ref(byte)).await.unwrap();
    }
    let reply: Value = serde_json::from_slice(&patient.hear().await.unwrap().payload).unwrap();
    assert_eq!(reply["type"], "connected");
    scene.goes_on().await;
}

#[actix_web::test]
async fn frames_against_the_protocol_are_closed_with_1002() {
    let mut scene = Scene::set().await;
    let unmasked = [0x81, 2, b'{', b'}'].to_vec();
    let cases = [
        ("unmasked", unmasked),
        ("reserved bits", frame_with_first_byte(0xf1, b"{}")),
        ("a reserved data opcode", frame(0x3, b"{}")),
        ("a reserved control opcode", frame(0xb, b"{}")),
        ("a fragmented ping", frame_with_first_byte(opcode::PING, b"{}")),
        ("a ping that is too long", frame(opcode::PING, &[0; 126])),
        ("a continuation of nothing", frame(opcode::CONTINUATION, b"{}")),
        (
            "a text within a text",
            [frame_with_first_byte(opcode::TEXT, b"{"), frame(opcode::TEXT, b"{}")].concat(),
        ),
        ("a close of one byte", frame(opcode::CLOSE, b"x")),
        ("a close with a code that is none", frame(opcode::CLOSE, &999_u16.to_be_bytes())),
    ];
    for (what, bytes) in cases {
        let mut socket = RawSocket::open(&scene.server).await;
        socket.write(&bytes).await.unwrap();
        let code = socket.close_code().await;
        assert!(matches!(code, None | Some(1002)), "{what}: {code:?}");
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn frames_of_10_mb_are_refused_without_being_kept() {
    let mut scene = Scene::set().await;
    let before = scene.server.resident_bytes();
    let large = frame(opcode::TEXT, &vec![b' '; 10 << 20]);
    for _ in 0..5 {
        let mut socket = RawSocket::open(&scene.server).await;
        // The server hangs up in the middle of it.
        let _ = socket.write(&large).await;
        let code = socket.close_code().await;
        assert!(matches!(code, None | Some(1009)), "{code:?}");
    }
    for length in [10_u64 << 20, 1 << 40, (1 << 63) - 1, u64::MAX] {
        let mut socket = RawSocket::open(&scene.server).await;
        let mut head = vec![0x81, 0x80 | 127];
        head.extend(length.to_be_bytes());
        head.extend([0; 4]);
        socket.write(&head).await.unwrap();
        let code = socket.close_code().await;
        assert!(matches!(code, None | Some(1002 | 1009)), "{length}: {code:?}");
    }
    // A length that is believed would be waited for, byte by byte, in memory.
    let mut socket = RawSocket::open(&scene.server).await;
    let mut endless = vec![0x81, 0x80 | 127];
    endless.extend((1_u64 << 40).to_be_bytes());
    endless.extend([0; 4]);
    let _ = socket.write(&endless).await;
    for _ in 0..64 {
        if socket.write(&vec![b' '; 1 << 20]).await.is_err() {
            break;
        }
    }
    let code = socket.close_code().await;
    assert!(matches!(code, None | Some(1002 | 1009)), "{code:?}");
    // Fragments without an end are one message that gets too large.
    let mut socket = RawSocket::open(&scene.server).await;
    let _ = socket.write(&frame_with_first_byte(opcode::TEXT, b" ")).await;
    let fragment = frame_with_first_byte(opcode::CONTINUATION, &[b' '; 1000]);
    for _ in 0..10_000 {
        if socket.write(&fragment).await.is_err() {
            break;
        }
    }
    let code = socket.close_code().await;
    assert!(matches!(code, None | Some(1009)), "{code:?}");
    if let (Some(before), Some(after)) = (before, scene.server.resident_bytes()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 32 << 20, "the server grew by {grown} bytes");
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn json_that_is_too_deep_is_malformed_or_ignored() {
    let mut scene = Scene::set().await;
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep_objects = format!("{}1{}", "{\"a\":".repeat(8000), "}".repeat(8000));
    let mut socket = Socket::of(&scene.server, &scene.ada).await;
    for text in [deep(30_000), "[".repeat(60_000), deep_objects.clone()] {
        socket.tell_text(&text).await;
        let error = socket.push("error").await;
        let code = error["code"].as_str().unwrap();
        assert!(["malformed", "invalid"].contains(&code), "{error}");
    }
    let ignored = format!(r#"{{"type":"ping","x":{}}}"#, deep(30_000));
    socket.tell_text(&ignored).await;
    match socket.hear().await {
        Heard::Json(value) => assert!(value["type"] == "pong" || value["code"] == "malformed", "{value}"),
        end => panic!("{end:?}"),
    }
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");

    let mut flooded = Socket::of(&scene.server, &scene.ada).await;
    let sent = flooded.try_transmit(Message::text(deep(100_000))).await;
    let code = flooded.close_code().await;
    assert!(matches!(code, None | Some(1009)), "{sent:?} {code:?}");

    for path in ["/api/users".to_owned(), messages_of(&scene.room)] {
        for body in [deep(30_000), deep_objects.clone()] {
            let call = scene.http.call(awc::http::Method::POST, &path).body("application/json", body);
            let answer = call.answer().await;
            assert!([400, 422].contains(&answer.status), "{answer:?}");
        }
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn ten_thousand_unknown_types_are_ten_thousand_refusals() {
    let mut scene = Scene::set().await;
    let mut socket = Socket::of(&scene.server, &scene.ada).await;
    for hundred in 0..100 {
        let mut asked = Vec::new();
        for n in 0..100 {
            asked.push(socket.begin(&format!("unknown {hundred} {n}"), json!({})).await);
        }
        for id in asked {
            assert_eq!(socket.reply(&id).await["code"], "unknown_type");
        }
    }
    scene.goes_on().await;
}

/// Valid frames whose text is a request with some bytes changed.
#[actix_web::test]
async fn requests_with_random_changes_are_answered_or_refused() {
    let mut scene = Scene::set().await;
    let mut dice = Dice::thrown_for("changed requests");
    let room = &scene.room;
    let requests = [
        json!({ "type": "join", "id": 1, "room": room, "after": { "epoch": "e", "seq": 3 } }),
        json!({ "type": "send", "id": "two", "room": "nowhere", "body": "hello", "client_id": "c" }),
        json!({ "type": "watch", "id": 3, "what": "rooms" }),
        json!({ "type": "part", "id": 4, "room": room }),
        json!({ "type": "connect", "id": 5, "nickname": "Bob" }),
    ];
    for _ in 0..30 {
        let mut socket = RawSocket::open(&scene.server).await;
        let connect = json!({ "type": "connect", "token": scene.ada.token });
        socket.send_text(&connect.to_string()).await;
        for _ in 0..20 {
            let request = &requests[dice.between(0, 4) as usize];
            let mut bytes = request.to_string().into_bytes();
            for _ in 0..dice.between(1, 4) {
                let at = dice.between(0, bytes.len() as u64 - 1) as usize;
                match dice.between(0, 2) {
                    0 => bytes[at] = dice.bits() as u8,
                    1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, b"{}[]\",:\\"[dice.between(0, 7) as usize]),
                }
            }
            if socket.write(&frame(opcode::TEXT, &bytes)).await.is_err() {
                break;
            }
        }
        // Whatever came of them, a close must still be answered, unless broken UTF-8 or too many have closed before.
        let _ = socket.write(&frame(opcode::CLOSE, &1000_u16.to_be_bytes())).await;
        let code = socket.close_code().await;
        assert!(matches!(code, None | Some(1000 | 1007 | 4502)), "{code:?}");
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn random_text_and_wrong_utf8_are_refused() {
    let mut scene = Scene::set().await;
    let mut dice = Dice::thrown_for("random text");
    for _ in 0..50 {
        let mut socket = RawSocket::open(&scene.server).await;
        let length = dice.between(1, 2000) as usize;
        let mut bytes = dice.bytes(length);
        // So that it is surely not UTF-8.
        bytes.push(0xff);
        socket.send(opcode::TEXT, &bytes).await;
        assert_eq!(socket.close_code().await, Some(1007));
    }
    scene.goes_on().await;
}

#[actix_web::test]
async fn who_vanishes_is_forgotten() {
    let mut scene = Scene::set().await;
    for _ in 0..20 {
        let mut socket = Socket::of(&scene.server, &scene.ada).await;
        socket.join(&scene.room).await;
        socket.begin("send", json!({ "room": scene.room, "body": "my last words" })).await;
    }
    let http = scene.http.clone();
    until("the gone ones to be forgotten", async || http.figure("klatsch_connections").await == 1.0).await;
    // Whether their last words came through or not: the witness hears the same as history tells.
    scene.witness.say(&scene.room, "marker").await;
    let history = http.history(&scene.room).await;
    assert_eq!(scene.witness.records(history.len() - 1).await, history[1..]);
    scene.goes_on().await;
}
