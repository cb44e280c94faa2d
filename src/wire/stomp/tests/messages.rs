//! The specifications' chapters on server frames: what MESSAGE, RECEIPT and ERROR must have.
//! A name begins with the versions that the clause is from: v10, v11, v12, or all.

use std::sync::Arc;

use super::{Version, frame};
use crate::{
    domain::{
        Epoch, Headers, Limits, Message, MessageBody, Record, RecordKind, RoomId, Timestamp, User, UserId,
    },
    wire::stomp::{
        AckMode, Action, Broken, Command, Delivery, Frame, Head, Request, Style, broken, receipt,
        testbed::route,
    },
};

/// A MESSAGE as its reader takes it apart.
fn message(version: Version, subscription: Option<&str>, mode: AckMode) -> Frame {
    let kind = RecordKind::Message(Message {
        body: MessageBody::stored("hi \u{1f980}"),
        client_id: None,
        headers: Headers::parse([("foo", "a b"), ("bar", "")]).unwrap(),
    });
    let sender = User { id: UserId::new("u"), nickname: "Ada".into() };
    let record = Record { seq: 7, at: Timestamp::from_millis(0), sender, kind };
    let tail =
        Style { version, route: Arc::new(route()) }.tail(&RoomId::new("r1"), &Epoch::new("e1"), &record);
    let text = Head::new(version, subscription, mode).frame(&tail);
    let frame = frame(version, text.as_bytes()).expect("what the server writes is a frame");
    assert_eq!(frame.command.name(), "MESSAGE");
    frame
}

#[test]
fn all_a_message_has_destination_message_id_and_subscription() {
    for version in Version::ALL {
        let message = message(version, Some("s:0"), AckMode::Auto);
        assert_eq!(message.header("destination"), Some("/topic/chat/r1"));
        assert_eq!(message.header("message-id"), Some("r1.e1.7"));
        assert_eq!(message.header("subscription"), Some("s:0"));
    }
}

#[test]
fn v10_a_message_of_a_subscription_without_id_names_none() {
    assert_eq!(message(Version::V1_0, None, AckMode::Auto).header("subscription"), None);
}

#[test]
fn v12_a_message_to_be_acknowledged_has_an_ack_that_the_server_knows_again() {
    for mode in [AckMode::Client, AckMode::ClientIndividual] {
        let message = message(Version::V1_2, Some("s@1"), mode);
        let headers = vec![("id".to_owned(), message.header("ack").unwrap().to_owned())];
        let ack = Frame { command: Command::Ack, headers, body: Vec::new() };
        let ack = Request::parse(ack, Some(Version::V1_2), &Limits::default()).unwrap().action;
        let delivery = Delivery { subscription: Some("s@1".to_owned()), room: None, seq: 7 };
        assert_eq!(ack, Action::Ack { delivery, transaction: None });
    }
    assert_eq!(message(Version::V1_2, Some("s"), AckMode::Auto).header("ack"), None);
}

#[test]
fn all_user_headers_come_with_the_message() {
    for version in Version::ALL {
        let message = message(version, Some("s"), AckMode::Auto);
        assert_eq!((message.header("foo"), message.header("bar")), (Some("a b"), Some("")));
    }
}

#[test]
fn all_a_body_has_its_length_and_type() {
    for version in Version::ALL {
        let message = message(version, Some("s"), AckMode::Auto);
        assert_eq!(message.header("content-length"), Some(&*message.body.len().to_string()));
        assert_eq!(message.header("content-type"), Some("application/json"));
        let json: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!((&json["content"], &json["roomId"]), (&"hi \u{1f980}".into(), &"r1".into()));
    }
}

#[test]
fn all_a_receipt_has_the_id_that_was_asked_for() {
    for version in Version::ALL {
        let frame = frame(version, receipt(version, "message-12345: \\n").as_bytes()).unwrap();
        assert_eq!(frame.command.name(), "RECEIPT");
        assert_eq!(frame.header("receipt-id"), Some("message-12345: \\n"));
    }
}

#[test]
fn all_an_error_has_a_message_and_the_receipt_of_its_frame() {
    for version in Version::ALL {
        let error = broken(Some(version), &Broken::malformed("no").of_receipt(Some("r:1")));
        let frame = frame(version, error.as_bytes()).unwrap();
        assert_eq!(frame.command.name(), "ERROR");
        assert_eq!(frame.header("message"), Some("malformed frame received"));
        assert_eq!((frame.header("receipt-id"), &*frame.body), (Some("r:1"), &b"no"[..]));
        assert_eq!(
            (frame.header("content-type"), frame.header("content-length")),
            (Some("text/plain"), Some("2"))
        );
    }
}
