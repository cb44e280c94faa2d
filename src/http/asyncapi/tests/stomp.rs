//! STOMP: frames of clients as `wire::stomp` takes them, those of the server as it words them, and the destinations
//! of the default settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use bytestring::ByteString;
use serde_json::{Map, Value};

use super::{
    frames::{ada, records, refusals, room},
    messages,
    shape::{Shape, check},
    whole,
};
use crate::{
    config::Settings,
    domain::Limits,
    http::stomp::options,
    wire::{
        native::Change,
        stomp::{
            self, AckMode, Bounds, Broken, Command, Decoder, Head, Heartbeat, Item, NAMED_HEADERS, Rejected,
            Request, Route, Style, Topic, Version, Welcome,
        },
    },
};

const CHANNELS: &[&str] = &["connection", "say", "records", "rooms", "errors"];

/// Whether clients may send a frame. A new one fails to compile here: describe it in `document.json`, too.
fn is_known(command: &Command) -> bool {
    match command {
        Command::Connect | Command::Send | Command::Subscribe | Command::Unsubscribe => true,
        Command::Ack | Command::Nack | Command::Begin | Command::Commit | Command::Abort => true,
        Command::Disconnect => true,
        Command::Unknown(_) => false,
    }
}

const COMMANDS: [&str; 10] =
    ["CONNECT", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT", "DISCONNECT"];

/// What the server makes of a frame of 1.2.
fn parse(command: &str, headers: &Map<String, Value>, body: &str) -> Result<Request, Rejected> {
    let lines: String =
        headers.iter().map(|(name, value)| format!("{name}:{}\n", value.as_str().unwrap())).collect();
    let frame = format!("{command}\n{lines}\n{body}\0");
    let mut decoder = Decoder::new(Bounds::with_body(1024));
    let connected = (command != "CONNECT").then_some(Version::V1_2);
    connected.into_iter().for_each(|version| decoder.set_version(version));
    let Ok(Some(Item::Frame(frame))) = decoder.decode(&mut frame.as_bytes()) else { panic!("{frame}") };
    assert!(is_known(&frame.command), "{}", frame.command);
    Request::parse(frame, connected, &Limits::default())
}

#[test]
fn frames_of_clients_are_described_as_they_are_taken() {
    let document = whole();
    assert_eq!(messages(&document, CHANNELS, "receive"), BTreeSet::from(COMMANDS.map(str::to_owned)));
    for name in COMMANDS {
        let message = &document["components"]["messages"][name];
        assert_eq!(message["name"], name);
        let [example] = message["examples"].as_array().unwrap().as_slice() else { panic!("{name}") };
        check(&document, &message["headers"], &example["headers"]);
        let body = example.get("payload").map(Value::to_string).unwrap_or_default();
        let headers = example["headers"].as_object().unwrap();
        assert!(parse(name, headers, &body).is_ok(), "{name}");
        for needed in Shape::of(&document, &message["headers"]).required {
            let mut less = headers.clone();
            less.remove(needed);
            assert!(parse(name, &less, &body).is_err(), "{name} does not need {needed}");
        }
    }
}

#[test]
fn every_header_with_a_meaning_is_described_and_no_other() {
    let document = whole();
    let all =
        CHANNELS.iter().flat_map(|channel| document["channels"][channel]["messages"].as_object().unwrap());
    let described: BTreeSet<_> = all
        .flat_map(|(name, _)| document["components"]["messages"][name]["headers"]["properties"].as_object())
        .flat_map(|headers| headers.keys().map(String::as_str))
        .collect();
    assert_eq!(described, NAMED_HEADERS.iter().copied().chain(["Authorization"]).collect());
}

#[test]
fn frames_of_the_server_are_described_as_they_are_said() {
    let document = whole();
    let mut said: BTreeMap<&str, Vec<Map<String, Value>>> = BTreeMap::new();
    for (name, frame) in frames() {
        let message = &document["components"]["messages"][name];
        let (head, body) = frame.strip_suffix('\0').and_then(|frame| frame.split_once("\n\n")).unwrap();
        let (command, lines) = head.split_once('\n').unwrap();
        assert_eq!(message["name"], command);
        let lines = lines.lines().map(|line| line.split_once(':').unwrap());
        let headers = lines.filter(|(header, _)| *header != "mood");
        let headers: Map<_, _> = headers.map(|(name, value)| (name.to_owned(), value.into())).collect();
        check(&document, &message["headers"], &headers.clone().into());
        if let Some(payload) = message.get("payload") {
            check(&document, payload, &serde_json::from_str(body).unwrap());
        }
        said.entry(name).or_default().push(headers);
    }
    assert_eq!(messages(&document, CHANNELS, "send"), said.keys().map(|name| (*name).to_owned()).collect());
    for (name, frames) in said {
        let shape = Shape::of(&document, &document["components"]["messages"][name]["headers"]);
        let names = |headers: &Map<String, Value>| headers.keys().cloned().collect::<BTreeSet<_>>();
        let some: BTreeSet<_> = frames.iter().flat_map(names).collect();
        assert_eq!(some, shape.names().into_iter().map(str::to_owned).collect(), "{name}");
        let always = frames.iter().map(names).reduce(|all, one| all.intersection(&one).cloned().collect());
        let required = shape.required.into_iter().map(str::to_owned).collect();
        assert_eq!(always.unwrap(), required, "{name} always has these");
    }
}

#[test]
fn the_destinations_are_those_of_the_default_settings() {
    let (document, stomp) = (whole(), Settings::default().stomp);
    let route = &stomp.routes.as_slice()[0];
    let of_room = |template: &str| template.replace("{room}", "{roomId}");
    for (channel, destination) in [
        ("say", of_room(&route.send)),
        ("records", of_room(&route.topic)),
        ("rooms", stomp.rooms.as_str().to_owned()),
        ("errors", stomp.errors.as_str().to_owned()),
    ] {
        assert_eq!(document["channels"][channel]["address"], destination);
    }
    let payload = &document["components"]["messages"]["SEND"]["payload"];
    let names = BTreeSet::from([route.content.as_str(), route.r#type.as_str()]);
    assert_eq!(Shape::of(&document, payload).names(), names);
    let types = [&route.message, &route.join, &route.leave].map(|types| types[0].clone());
    assert_eq!(payload["properties"][&route.r#type]["enum"], Value::from(types.to_vec()));
    let server = document["servers"]["stomp"]["description"].as_str().unwrap();
    assert!(Version::ALL.iter().all(|version| server.contains(version.sub_protocol())), "{server}");
}

fn default_route() -> Arc<Route> {
    let routes = options(&Settings::default()).routes;
    let Ok(Topic::Room { route, .. }) = routes.topic("/topic/chat/r1") else { panic!("{routes:?}") };
    route
}

/// Every frame of the server, with as little and with as much as it can have.
fn frames() -> Vec<(&'static str, ByteString)> {
    let (version, room, heartbeat) = (Version::V1_2, room(), Heartbeat::of_server(10_000));
    let welcome = Welcome { session: "s1", user: Some(&ada()), token: Some("t"), heartbeat };
    let mut frames = vec![
        ("CONNECTED", stomp::connected(version, welcome)),
        ("CONNECTED", stomp::connected(Version::V1_0, Welcome { user: None, token: None, ..welcome })),
        ("RECEIPT", stomp::receipt(version, "r1")),
        ("ERROR", stomp::ended(None, "too_slow", "The client read too slowly.")),
        ("ERROR", stomp::broken(None, &Broken::no_common_version())),
        ("ERROR", stomp::broken(Some(version), &Broken::malformed("why").of_receipt(Some("r1")))),
        ("ERROR", stomp::broken(Some(version), &Broken::too_large("why"))),
        ("ERROR", stomp::refused(Some(version), &refusals()[0], None, 422)),
    ];
    let heads = [
        Head::new(version, Some("1"), AckMode::Client),
        Head::new(version, Some("1"), AckMode::Auto),
        Head::new(Version::V1_0, None, AckMode::Auto),
    ];
    for head in heads {
        let style = Style { version, route: default_route() };
        let tails = records().map(|record| style.tail(&room.id, &room.head.epoch, &record));
        frames.extend(tails.iter().map(|tail| ("RECORD", head.frame(tail))));
        let changed = stomp::room_changed(version, "/topic/rooms", 1, Change::Created, &room);
        frames.push(("ROOM", head.frame(&changed)));
        for (refusal, receipt) in refusals().iter().zip([None, Some("r1"), None, None, None]) {
            let tail = stomp::problem(version, "/user/queue/errors", 1, refusal, receipt, 409);
            frames.push(("PROBLEM", head.frame(&tail)));
        }
    }
    frames
}
