//! Bytes on the wire: escapes, repeated headers, ends of lines, lengths, and frames cut in any way.
//! What cannot be read is an ERROR, and nothing behind it counts.

use tokio_tungstenite::tungstenite::Message;

use super::Hall;
use crate::support::stomp::{LATER, Stomp, VERSIONS, chat, content, written};

#[actix_web::test]
async fn headers_of_the_user_round_trip_in_every_version() {
    let hall = Hall::open().await;
    for (version, value) in [
        ("1.0", "a:b \\n c"),
        ("1.1", "a:b\\n\nc\\\\:"),
        ("1.2", "a:b\\r\n\rc\\\\:"),
        ("1.2", ""),
        ("1.2", " kept as it is "),
        ("1.1", "é, 日本, 🎉"),
    ] {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let name = if version == "1.0" { "x-thing" } else { "x:\\thing\n" };
        stomp.say_with(&hall.room, "with a header", &[(name, value)]).await;
        let message = stomp.message("room").await;
        assert_eq!(message.find(name), Some(value), "{version} {message:?}");
    }
}

#[actix_web::test]
async fn a_header_crosses_versions_where_they_can_say_it() {
    let hall = Hall::open().await;
    let mut sender = hall.stomp_of_version("1.2").await;
    let mut readers = Vec::new();
    for version in VERSIONS {
        let mut reader = hall.stomp_of_version(version).await;
        reader.subscribe("room", &hall.room, &[]).await;
        readers.push(reader);
    }
    sender.say_with(&hall.room, "hello", &[("plain", "a:b"), ("lines", "a\nb")]).await;
    for reader in &mut readers {
        let message = reader.message("room").await;
        assert_eq!(message.find("plain"), Some("a:b"));
        let lines = (reader.version() != "1.0").then_some("a\nb");
        assert_eq!(message.find("lines"), lines, "{}: {message:?}", reader.version());
    }
}

#[actix_web::test]
async fn an_undefined_escape_ends_the_connection() {
    let hall = Hall::open().await;
    for (version, header) in
        [("1.1", "a:\\t"), ("1.2", "a:\\t"), ("1.1", "a:\\r"), ("1.2", "\\x:1"), ("1.1", "a:end\\")]
    {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.tell(&format!("SEND\ndestination:{}\nreceipt:r\n{header}\n\n{{}}\0", chat(&hall.room))).await;
        let error = stomp.ends_with("malformed", 4502).await;
        assert_eq!(error.header("receipt-id"), "r", "{version} {header}");
    }
}

#[actix_web::test]
async fn the_first_of_repeated_headers_counts() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let headers = [
            ("destination", &*chat(&hall.room)),
            ("destination", "/nowhere"),
            ("foo", "World"),
            ("foo", "Hello"),
            ("receipt", "first"),
            ("receipt", "second"),
        ];
        stomp.send("SEND", &headers, &content("once")).await;
        stomp.receipt("first").await;
        let message = stomp.message("room").await;
        let foos = message.headers.iter().filter(|(name, _)| name == "foo");
        assert_eq!(foos.map(|(_, value)| &**value).collect::<Vec<_>>(), ["World"], "{version}");
    }
}

#[actix_web::test]
async fn lines_may_end_with_cr_lf_in_1_2_and_before_a_version_is_agreed_on() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = Stomp::open(&hall.server).await;
        let token = &hall.ada.token;
        stomp.tell(&format!("CONNECT\r\naccept-version:{version}\r\npasscode:{token}\r\n\r\n\0\r\n")).await;
        assert_eq!(stomp.connected().await.header("version"), version);
        stomp.say(&hall.room, "hello").await;
    }
    let mut stomp = hall.stomp().await;
    let destination = chat(&hall.room);
    stomp.tell(&format!("SEND\r\ndestination:{destination}\r\nreceipt:r\r\n\r\n{}\0", content("x"))).await;
    stomp.receipt("r").await;
}

#[actix_web::test]
async fn a_body_with_a_length_may_contain_nul_which_is_no_fault_of_the_frame() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        let destination = chat(&hall.room);
        let to = [("destination", &*destination)];
        stomp.refused("SEND", &to, "{\"content\":\"a\0b\"}", "malformed").await;
        let problem = stomp.refused("SEND", &to, "{\"content\":\"a\\u0000b\"}", "invalid").await;
        assert_eq!(problem["field"], "body");
        stomp.say(&hall.room, "and on it goes").await;
    }
}

#[actix_web::test]
async fn a_body_needs_no_length() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        let destination = chat(&hall.room);
        stomp.tell(&format!("SEND\nreceipt:r\ndestination:{destination}\n\n{}\0\n\n", content("ä"))).await;
        stomp.receipt("r").await;
    }
    assert_eq!(hall.said().await, ["ä"; 3]);
}

#[actix_web::test]
async fn a_body_may_be_of_any_text() {
    let hall = Hall::open().await;
    let text = "two\nlines: \\n, \r\n, \u{1}, 日本, 🎉, \u{2028}";
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        stomp.say(&hall.room, text).await;
        let message = stomp.message("room").await;
        assert_eq!(message.json()["content"], text);
        assert_eq!(message.number("content-length") as usize, message.body.len());
        assert!(message.header("content-type").starts_with("application/json"));
    }
}

#[actix_web::test]
async fn a_frame_that_cannot_be_read_is_an_error_with_its_receipt_and_the_end() {
    let hall = Hall::open().await;
    let later_only = ["a body", "NACK without subscription"];
    for (what, frame, code, close) in [
        ("a length that is none", "SEND\nreceipt:r\ncontent-length:x\n\n\0", "malformed", 4502),
        ("a length that is too short", "SEND\nreceipt:r\ncontent-length:1\n\nabc\0", "malformed", 4502),
        (
            "a length beyond all bounds",
            "SEND\nreceipt:r\ncontent-length:99999999999999999999\n\n",
            "too_large",
            1009,
        ),
        ("a header without a colon", "SEND\nreceipt:r\nnonsense\n\n\0", "malformed", 4502),
        ("an unknown command", "SHOUT\nreceipt:r\n\n\0", "malformed", 4502),
        ("a body", "SUBSCRIBE\nreceipt:r\nid:1\ndestination:/a\n\nbody\0", "malformed", 4502),
        ("SEND without destination", "SEND\nreceipt:r\n\n{}\0", "malformed", 4502),
        ("SUBSCRIBE without destination", "SUBSCRIBE\nreceipt:r\nid:1\n\n\0", "malformed", 4502),
        (
            "SUBSCRIBE with a strange ack",
            "SUBSCRIBE\nreceipt:r\nid:1\ndestination:/a\nack:x\n\n\0",
            "malformed",
            4502,
        ),
        ("UNSUBSCRIBE without id", "UNSUBSCRIBE\nreceipt:r\n\n\0", "malformed", 4502),
        ("ACK without id", "ACK\nreceipt:r\n\n\0", "malformed", 4502),
        ("NACK without subscription", "NACK\nreceipt:r\n\n\0", "malformed", 4502),
        ("BEGIN without transaction", "BEGIN\nreceipt:r\n\n\0", "malformed", 4502),
        ("COMMIT without transaction", "COMMIT\nreceipt:r\n\n\0", "malformed", 4502),
        ("ABORT without transaction", "ABORT\nreceipt:r\n\n\0", "malformed", 4502),
        ("CONNECTED from a client", "CONNECTED\nreceipt:r\nversion:1.2\n\n\0", "malformed", 4502),
    ] {
        for version in VERSIONS {
            if version == "1.0" && later_only.contains(&what) {
                continue;
            }
            let mut stomp = hall.stomp_of_version(version).await;
            let late = written(version, "SEND", &[("destination", &chat(&hall.room))], &content("too late"));
            stomp.tell(&format!("{frame}{late}")).await;
            let error = stomp.ends_with(code, close).await;
            assert_eq!(error.header("receipt-id"), "r", "{what} in {version}");
        }
    }
    assert_eq!(hall.said().await, [""; 0], "what follows a broken frame is not heard");
    hall.server.must_not_have_panicked();
}

#[actix_web::test]
async fn from_1_1_on_a_subscription_needs_an_id_and_1_0_has_no_nack() {
    let hall = Hall::open().await;
    for (version, frame) in [
        ("1.1", "SUBSCRIBE\ndestination:/topic/rooms\n\n\0"),
        ("1.2", "SUBSCRIBE\ndestination:/topic/rooms\n\n\0"),
        ("1.1", "UNSUBSCRIBE\ndestination:/topic/rooms\n\n\0"),
        ("1.2", "UNSUBSCRIBE\ndestination:/topic/rooms\n\n\0"),
        ("1.0", "NACK\nmessage-id:a.b.1\n\n\0"),
        ("1.1", "ACK\nmessage-id:a.b.1\n\n\0"),
        ("1.2", "ACK\nsubscription:errors\nmessage-id:a.b.1\n\n\0"),
    ] {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.tell(frame).await;
        stomp.ends_with("malformed", 4502).await;
    }
}

#[actix_web::test]
async fn a_frame_has_bounds() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        for frame in [
            format!("SEND\n{}\n\0", "a:b\n".repeat(65)),
            format!("SEND\nlong:{}\n\n\0", "x".repeat(9_000)),
            format!("SEND\n{}\n\0", format!("a:{}\n", "x".repeat(6_000)).repeat(3)),
            format!("SEND\ndestination:/a\n\n{}\0", "x".repeat(65_537)),
            format!("{}\n\n\0", "X".repeat(70_000)),
        ] {
            let mut stomp = hall.stomp_of_version(version).await;
            // In pieces: one message of the WebSocket has a bound of its own.
            for piece in frame.as_bytes().chunks(16_384) {
                let piece = String::from_utf8(piece.to_vec()).unwrap();
                if stomp.try_tell(&piece).await.is_err() {
                    break;
                }
            }
            let error = stomp.frame("ERROR").await;
            assert!(["too_large", "malformed"].contains(&error.header("code")), "{error:?}");
        }
    }
    hall.http.say(&hall.room, "still here").await;
}

#[actix_web::test]
async fn frames_come_in_any_pieces_text_or_binary() {
    let hall = Hall::open().await;
    for version in VERSIONS {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let destination = chat(&hall.room);
        let headers = |receipt| [("destination", &*destination), ("receipt", receipt)];
        let frame =
            |receipt| written(version, "SEND", &headers(receipt), &content(&format!("ä🎉 {receipt}")));

        // Several in one message, with heart-beats between.
        stomp.tell(&format!("\n{}\n\n{}{}", frame("a"), frame("b"), frame("c"))).await;
        // One over many messages, cut within characters.
        for byte in frame("d").as_bytes() {
            stomp.transmit(Message::binary(vec![*byte])).await;
        }
        // Two and a half in one message, and the rest.
        let many = frame("e") + &frame("f") + &frame("g");
        let (front, back) = many.as_bytes().split_at(many.len() - 20);
        stomp.transmit(Message::binary(front.to_vec())).await;
        stomp.transmit(Message::binary(back.to_vec())).await;
        stomp.transmit(Message::text("")).await;
        for receipt in ["a", "b", "c", "d", "e", "f", "g"] {
            stomp.receipt(receipt).await;
            assert_eq!(stomp.message("room").await.json()["content"], format!("ä🎉 {receipt}"));
        }
    }
}

/// As `@stomp/stompjs` does it with `splitLargeFrames`.
#[actix_web::test]
async fn a_large_frame_comes_in_messages_of_16_kib() {
    let hall = Hall::planned(crate::support::server::Plan::default().set("limits.body_bytes", 60_000)).await;
    let text = "x".repeat(50_000);
    for version in LATER {
        let mut stomp = hall.stomp_of_version(version).await;
        stomp.subscribe("room", &hall.room, &[]).await;
        let frame = written(version, "SEND", &[("destination", &chat(&hall.room))], &content(&text));
        for piece in frame.as_bytes().chunks(16 * 1024) {
            stomp.tell(std::str::from_utf8(piece).unwrap()).await;
        }
        assert_eq!(stomp.message("room").await.json()["content"], text);
    }
}
