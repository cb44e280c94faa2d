//! The specifications' chapters on client frames: who may send what when, and which headers each must have.
//! A name begins with the versions that the clause is from: v10, v11, v12, or all.

use super::frame;
use crate::{
    domain::{Code, Headers, Limits, PositionText, Refusal},
    wire::stomp::{
        AckMode, Action, Bounds, Broken, Cause, Decoder, Delivery, Item, Rejected, Request, Send, Subscribe,
        Subscription, Version,
    },
};

use Version::{V1_0, V1_1, V1_2};

fn request(version: Version, text: &str) -> Result<Request, Rejected> {
    let frame = frame(version, text.as_bytes()).map_err(Rejected::Broken)?;
    Request::parse(frame, Some(version), &Limits::default())
}

/// The action of a frame of these lines, without a body.
fn action(version: Version, lines: &str) -> Action {
    request(version, &format!("{lines}\n\n\0")).expect(lines).action
}

fn broken(version: Version, lines: &str) -> Broken {
    match request(version, &format!("{lines}\n\n\0")) {
        Err(Rejected::Broken(broken)) => broken,
        other => panic!("{version} {lines} is broken, not {other:?}"),
    }
}

fn refused(version: Version, lines: &str) -> (Refusal, Option<String>, Option<String>) {
    match request(version, &format!("{lines}\n\n\0")) {
        Err(Rejected::Refused { refusal, receipt, transaction }) => (refusal, receipt, transaction),
        other => panic!("{version} {lines} is refused, not {other:?}"),
    }
}

fn first(text: &str) -> Result<Request, Rejected> {
    let mut input = text.as_bytes();
    match Decoder::new(Bounds::with_body(64)).decode(&mut input) {
        Ok(Some(Item::Frame(frame))) => Request::parse(frame, None, &Limits::default()),
        other => panic!("a frame, not {other:?}"),
    }
}

#[test]
fn all_stomp_is_handled_as_connect() {
    let lines = "accept-version:1.0,1.1,1.2\nhost:h\nlogin:ada\nheart-beat:1,2";
    let both = ["CONNECT", "STOMP"].map(|command| first(&format!("{command}\n{lines}\n\n\0")).unwrap());
    assert_eq!(both[0], both[1]);
    assert!(matches!(&both[0].action, Action::Connect(connect) if connect.version == V1_2));
}

#[test]
fn all_the_first_frame_is_connect_and_no_other_one() {
    for command in ["SEND", "SUBSCRIBE", "DISCONNECT", "ABORT", "MESSAGE"] {
        let rejected = first(&format!("{command}\nreceipt:1\n\n\0"));
        assert!(
            matches!(&rejected, Err(Rejected::Broken(broken)) if broken.receipt.as_deref() == Some("1")),
            "{rejected:?}"
        );
    }
    for version in Version::ALL {
        broken(version, "CONNECT");
        broken(version, "STOMP\naccept-version:1.2");
    }
}

#[test]
fn all_without_accept_version_it_is_1_0() {
    let Action::Connect(connect) = first("CONNECT\n\n\0").unwrap().action else { panic!() };
    assert_eq!(connect.version, V1_0);
}

#[test]
fn all_no_version_in_common_breaks_with_the_list() {
    let rejected = first("CONNECT\naccept-version:1.3,2.0\n\n\0");
    assert!(matches!(&rejected, Err(Rejected::Broken(broken)) if broken.cause == Cause::NoCommonVersion));
}

#[test]
fn all_unknown_commands_are_broken_and_named_by_their_receipt() {
    for version in Version::ALL {
        for command in ["SENT", "MESSAGE", "CONNECTED", "RECEIPT", "ERROR", "X"] {
            assert_eq!(broken(version, &format!("{command}\nreceipt:9")).receipt.as_deref(), Some("9"));
        }
    }
}

#[test]
fn v10_knows_no_nack() {
    broken(V1_0, "NACK\nmessage-id:r.e.1\nsubscription:s");
}

#[test]
fn all_required_headers_are_required() {
    for version in Version::ALL {
        for lines in [
            "SEND",
            "SUBSCRIBE\nid:1",
            "UNSUBSCRIBE",
            "ACK",
            "ACK\nsubscription:s",
            "BEGIN",
            "COMMIT",
            "ABORT",
        ] {
            let receipt = broken(version, &format!("{lines}\nreceipt:r")).receipt;
            assert_eq!(receipt.as_deref(), Some("r"), "{version} {lines}");
        }
    }
}

#[test]
fn v11_v12_a_subscription_must_have_an_id() {
    for version in [V1_1, V1_2] {
        broken(version, "SUBSCRIBE\ndestination:/a");
        broken(version, "UNSUBSCRIBE\ndestination:/a");
        let subscribe = Subscribe {
            id: Some("0".to_owned()),
            destination: "/a".to_owned(),
            ack: AckMode::Auto,
            after: None,
        };
        assert_eq!(action(version, "SUBSCRIBE\nid:0\ndestination:/a"), Action::Subscribe(subscribe));
        let unsubscribe = Action::Unsubscribe(Subscription::Id("0".to_owned()));
        assert_eq!(action(version, "UNSUBSCRIBE\nid:0"), unsubscribe);
    }
}

#[test]
fn v10_a_subscription_may_go_by_its_destination() {
    assert!(matches!(
        action(V1_0, "SUBSCRIBE\ndestination:/a"),
        Action::Subscribe(Subscribe { id: None, .. })
    ));
    let by_destination = Action::Unsubscribe(Subscription::Destination("/a".to_owned()));
    assert_eq!(action(V1_0, "UNSUBSCRIBE\ndestination:/a"), by_destination);
    let by_id = Action::Unsubscribe(Subscription::Id("0".to_owned()));
    assert_eq!(action(V1_0, "UNSUBSCRIBE\nid:0\ndestination:/a"), by_id);
}

#[test]
fn all_ack_is_auto_client_or_client_individual() {
    for version in Version::ALL {
        for (header, mode) in [
            ("", AckMode::Auto),
            ("\nack:auto", AckMode::Auto),
            ("\nack:client", AckMode::Client),
            ("\nack:client-individual", AckMode::ClientIndividual),
        ] {
            let lines = format!("SUBSCRIBE\nid:0\ndestination:/a{header}");
            assert!(matches!(action(version, &lines), Action::Subscribe(subscribe) if subscribe.ack == mode));
        }
        broken(version, "SUBSCRIBE\nid:0\ndestination:/a\nack:never");
        broken(version, "SUBSCRIBE\nid:0\ndestination:/a\nack:");
    }
}

#[test]
fn v12_ack_and_nack_go_by_id() {
    let delivery = Delivery { subscription: Some("s".to_owned()), room: None, seq: 3 };
    let ack = Action::Ack { delivery: delivery.clone(), transaction: None };
    assert_eq!(action(V1_2, "ACK\nid:s@3"), ack);
    let nack = Action::Nack { delivery, transaction: Some("t".to_owned()) };
    assert_eq!(action(V1_2, "NACK\nid:s@3\ntransaction:t"), nack);
    broken(V1_2, "ACK\nmessage-id:r.e.3\nsubscription:s");
    broken(V1_2, "NACK\nmessage-id:r.e.3\nsubscription:s");
}

#[test]
fn v11_ack_and_nack_go_by_subscription_and_message_id() {
    for command in ["ACK", "NACK"] {
        let (Action::Ack { delivery, .. } | Action::Nack { delivery, .. }) =
            action(V1_1, &format!("{command}\nsubscription:s\nmessage-id:r.e.3"))
        else {
            panic!()
        };
        assert_eq!((delivery.subscription.as_deref(), delivery.seq), (Some("s"), 3));
        broken(V1_1, &format!("{command}\nmessage-id:r.e.3"));
        broken(V1_1, &format!("{command}\nid:s@3"));
    }
}

#[test]
fn v10_ack_goes_by_message_id() {
    let Action::Ack { delivery, .. } = action(V1_0, "ACK\nmessage-id:r.e.3") else { panic!() };
    assert_eq!((delivery.subscription, delivery.seq), (None, 3));
}

#[test]
fn v11_v12_only_send_may_have_a_body() {
    for version in [V1_1, V1_2] {
        for lines in ["SUBSCRIBE\nid:0\ndestination:/a", "DISCONNECT", "BEGIN\ntransaction:t"] {
            assert!(request(version, &format!("{lines}\n\nbody\0")).is_err());
        }
        assert!(request(version, "SEND\ndestination:/a\n\nbody\0").is_ok());
        let connect = first(&format!("CONNECT\naccept-version:{version}\n\nbody\0"));
        assert!(matches!(connect, Err(Rejected::Broken(_))));
    }
    assert!(request(V1_0, "DISCONNECT\n\n\n\0").is_ok());
}

#[test]
fn all_any_frame_but_connect_may_ask_for_a_receipt() {
    for version in Version::ALL {
        for lines in [
            "SEND\ndestination:/a",
            "SUBSCRIBE\nid:0\ndestination:/a",
            "UNSUBSCRIBE\nid:0",
            "BEGIN\ntransaction:t",
            "COMMIT\ntransaction:t",
            "ABORT\ntransaction:t",
            "DISCONNECT",
        ] {
            let request = request(version, &format!("{lines}\nreceipt:7\n\n\0")).unwrap();
            assert_eq!(request.receipt.as_deref(), Some("7"));
        }
    }
    assert_eq!(first("CONNECT\nreceipt:7\n\n\0").unwrap().receipt, None);
}

#[test]
fn all_transactions_are_named() {
    for version in Version::ALL {
        assert_eq!(action(version, "BEGIN\ntransaction:t"), Action::Begin("t".to_owned()));
        assert_eq!(action(version, "COMMIT\ntransaction:t"), Action::Commit("t".to_owned()));
        assert_eq!(action(version, "ABORT\ntransaction:t"), Action::Abort("t".to_owned()));
        assert_eq!(action(version, "DISCONNECT"), Action::Disconnect);
    }
}

#[test]
fn all_user_headers_are_kept_and_named_ones_are_not() {
    for version in Version::ALL {
        let text = "SEND\ndestination:/a\ntransaction:t\ncontent-type:x/y\ncontent-length:2\nreceipt:r\n\
            client-id:c\nseq:9\nsubscription:s\nack:1\nmessage-id:m\nAuthorization:Bearer t\nfoo:1\nFoo:2\nfoo:3\n\nhi\0";
        let Action::Send(send) = request(version, text).unwrap().action else { panic!() };
        assert!(!format!("{send:?}").contains("Bearer t"), "a token shows itself");
        let Send { destination, body, content_type, transaction, client_id, headers, bearer } = send;
        assert_eq!(bearer.unwrap().into_token(), "t");
        assert_eq!((&*destination, &*body), ("/a", &b"hi"[..]));
        assert_eq!((content_type.as_deref(), transaction.as_deref()), (Some("x/y"), Some("t")));
        assert_eq!(client_id.unwrap().as_str(), "c");
        assert_eq!(headers, Headers::parse([("foo", "1"), ("Foo", "2")]).unwrap());
    }
}

#[test]
fn a_padded_name_does_not_stand_for_one_with_a_meaning() {
    let text = "SEND\ndestination:/a\n content-length:1\nack\t:1\n\u{feff}seq:1\n authorization:x\n :1\n\u{a0}ok:1\n\n{}\0";
    let Action::Send(send) = request(V1_2, text).unwrap().action else { panic!() };
    assert_eq!(send.headers.iter().collect::<Vec<_>>(), [("\u{a0}ok", "1")]);
}

#[test]
fn what_no_room_would_take_is_refused_and_breaks_nothing() {
    for version in Version::ALL {
        let (refusal, receipt, transaction) =
            refused(version, "SEND\ndestination:/a\nreceipt:r\ntransaction:t\nclient-id:");
        assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some("client_id")));
        assert_eq!((receipt.as_deref(), transaction.as_deref()), (Some("r"), Some("t")));
        let many: String = (0..17).map(|number| format!("\nh{number}:x")).collect();
        assert_eq!(refused(version, &format!("SEND\ndestination:/a{many}")).0.field, Some("headers"));
        let lines = "SUBSCRIBE\nid:0\ndestination:/a\nreceipt:r\nafter:yesterday";
        let (refusal, receipt, _) = refused(version, lines);
        assert_eq!((refusal.field, receipt.as_deref()), (Some("after"), Some("r")));
    }
}

#[test]
fn a_position_may_be_written_with_or_without_escapes() {
    let expected = PositionText::parse("e:5", "after").unwrap();
    for (version, after) in [(V1_0, "e:5"), (V1_1, "e:5"), (V1_2, "e:5"), (V1_1, "e\\c5"), (V1_2, "e\\c5")] {
        let lines = format!("SUBSCRIBE\nid:0\ndestination:/a\nafter:{after}");
        let Action::Subscribe(subscribe) = action(version, &lines) else { panic!() };
        assert_eq!(subscribe.after.as_ref(), Some(&expected));
    }
}

#[test]
fn names_that_the_server_keeps_are_short() {
    let long = "x".repeat(256);
    for version in Version::ALL {
        for lines in [
            format!("SUBSCRIBE\nid:{long}\ndestination:/a"),
            format!("BEGIN\ntransaction:{long}"),
            format!("DISCONNECT\nreceipt:{long}"),
        ] {
            assert_eq!(broken(version, &lines).cause, Cause::TooLarge);
        }
    }
    action(V1_2, &format!("ACK\nid:{}@18446744073709551615", &long[1..]));
}
