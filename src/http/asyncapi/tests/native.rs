//! The native socket: requests as `wire::native` takes them, replies and pushes as it words them.
//! Frames of STOMP are in `stomp`.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;
use serde_json::Value;

use super::{
    frames::{ada, records, refusals, room},
    messages,
    shape::{Shape, check},
    whole,
};
use crate::{
    domain::{ClientId, CloseCode, Code, FirstSend, Limits, Missing, Refusal, Timestamp},
    wire::{
        Greeting,
        native::{self, Change, Envelope, Request},
    },
};

/// The `type` of a request. A new kind of request fails to compile here: describe it in `document.json`, too.
fn type_of(request: &Request) -> &'static str {
    match request {
        Request::Connect(_) => "connect",
        Request::Join { .. } => "join",
        Request::Send { .. } => "send",
        Request::Leave { .. } => "leave",
        Request::Part { .. } => "part",
        Request::WatchRooms => "watch",
        Request::UnwatchRooms => "unwatch",
        Request::Refresh { .. } => "refresh",
        Request::Ping => "ping",
    }
}

const REQUESTS: [&str; 9] =
    ["connect", "join", "send", "leave", "part", "watch", "unwatch", "refresh", "ping"];

/// What the document calls a frame of this type that is said, for a request has the same type.
fn said_as(kind: &str) -> String {
    if kind == "refresh" { "refreshPush".to_owned() } else { kind.to_owned() }
}

fn parse(request: &Value) -> Result<Request, Refusal> {
    let envelope = Envelope::parse(&request.to_string())?;
    envelope.id()?;
    envelope.request(&Limits::default())
}

#[test]
fn requests_are_described_as_they_are_taken() {
    let document = whole();
    assert_eq!(messages(&document, &["native"], "receive"), BTreeSet::from(REQUESTS.map(str::to_owned)));
    for name in REQUESTS {
        let message = &document["components"]["messages"][name];
        let shape = Shape::of(&document, &message["payload"]);
        let mut tried = BTreeSet::new();
        for example in message["examples"].as_array().unwrap() {
            let example = &example["payload"];
            check(&document, &message["payload"], example);
            assert_eq!(type_of(&parse(example).unwrap()), name, "{example}");
            for field in example.as_object().unwrap().keys() {
                let mut wrong = example.clone();
                wrong[field] = Value::Array(Vec::new());
                assert!(parse(&wrong).is_err(), "{name} does not read {field}");
                tried.insert(field.as_str());
            }
            for field in &shape.required {
                let mut less = example.clone();
                less.as_object_mut().unwrap().remove(*field);
                assert!(parse(&less).is_err(), "{name} does not need {field}");
            }
        }
        assert_eq!(tried, shape.names(), "{name}: every field must be in an example");
    }
}

#[test]
fn replies_and_pushes_are_described_as_they_are_said() {
    let document = whole();
    let mut said: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for frame in frames() {
        let frame: Value = serde_json::from_str(&frame).unwrap();
        said.entry(said_as(frame["type"].as_str().unwrap())).or_default().push(frame);
    }
    assert_eq!(messages(&document, &["native"], "send"), said.keys().cloned().collect());
    for (name, frames) in said {
        let payload = &document["components"]["messages"][&name]["payload"];
        let shape = Shape::of(&document, payload);
        frames.iter().for_each(|frame| check(&document, payload, frame));
        let fields = |frame: &Value| frame.as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        let some: BTreeSet<_> = frames.iter().flat_map(fields).collect();
        assert_eq!(some, shape.names().into_iter().map(str::to_owned).collect(), "{name}");
        let always = frames.iter().map(fields).reduce(|all, one| all.intersection(&one).cloned().collect());
        let required = shape.required.into_iter().map(str::to_owned).collect();
        assert_eq!(always.unwrap(), required, "{name} always has these");
    }
}

#[test]
fn the_frames_of_this_test_are_all_that_the_code_can_say() {
    let source = include_str!("../../../wire/native/frames.rs");
    let written = source.split("frame(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let pushed = source.split("push: Some(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let words: BTreeSet<_> = written.chain(pushed).map(said_as).collect();
    assert_eq!(messages(&whole(), &["native"], "send"), words);
}

/// Every reply and push, with as little and with as much as it can have.
fn frames() -> Vec<ByteString> {
    let id = Envelope::parse(r#"{"type":"ping","id":7}"#).unwrap().id().unwrap();
    let (mut frames, client_id, room) = (Vec::new(), ClientId::new("m1"), room());
    for id in [None, id.as_ref()] {
        let with = |value: Option<&'static str>| id.and(value);
        let missing = id.map(|_| Missing { from: 1, to: 4 });
        let first = FirstSend { seq: 5, at: Timestamp::from_millis(0) };
        frames.extend([
            native::connected(id, &ada(), "s1", with(Some("t")), 25),
            native::joined(id, Greeting { room: &room, recovered: id.map(|_| false), missing }),
            native::acked(id, &room.id, first, id.map(|_| &client_id)),
            native::left(id, &room.id),
            native::parted(id, &room.id, id.map(|_| Code::NotAMember)),
            native::watching(id),
            native::unwatched(id),
            native::refreshed(id, id.map(|_| Timestamp::from_millis(0))),
            native::pong(id),
        ]);
        frames.extend(refusals().iter().map(|refusal| native::refused(id, refusal)));
    }
    frames.extend(records().iter().map(|record| native::record(&room.id, record)));
    frames.push(native::records(&room.id, &records()));
    frames.push(native::refresh(Timestamp::from_millis(0), 30));
    frames.extend(
        [Change::Created, Change::Changed, Change::Closed].map(|change| native::room_changed(change, &room)),
    );
    frames.extend(CloseCode::ALL.iter().map(|code| native::closing(*code)));
    frames
}
