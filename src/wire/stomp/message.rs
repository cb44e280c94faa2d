//! MESSAGE of a record, in two parts: a tail that all readers of a style share, and each subscriber's own head.
//! A record is encoded once for each style; putting a head before it is all that a reader costs.

use std::sync::Arc;

use bytestring::ByteString;
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{AckMode, Route, Version, ack, encoder::Writer, escape::escape_into};
use crate::{
    domain::{Act, ClientId, Deed, Epoch, Headers, Record, RecordKind, RoomId},
    wire::json,
};

/// What a tail begins with, so that a head finds the number there.
const SEQ: &str = "seq:";

/// Everything that a tail depends on besides its record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Style {
    /// The version, for its escapes.
    pub version: Version,
    /// The route, for its destination and its field names.
    pub route: Arc<Route>,
}

impl Style {
    /// What all readers of this style share of a record: `seq`, `epoch`, `message-id`, `destination`, `client-id` where
    /// there was one, the user headers, and the JSON.
    pub fn tail(&self, room: &RoomId, epoch: &Epoch, record: &Record) -> ByteString {
        let mut tail = Writer::after_head(String::with_capacity(512), self.version);
        tail.header("seq", &record.seq.to_string())
            .header("epoch", epoch.as_str())
            .header("message-id", &ack::record_id(room, epoch, record.seq))
            .header("destination", &self.route.topic.with_room(room.as_str()));
        if let RecordKind::Message(message) = &record.kind {
            tail.optional("client-id", message.client_id.as_ref().map(ClientId::as_str));
            add_headers(&mut tail, &message.headers);
        }
        tail.end_with("application/json", &json::text(&Payload { route: &self.route, room, record }))
    }
}

fn add_headers(tail: &mut Writer, headers: &Headers) {
    for (name, value) in headers.iter() {
        tail.header(name, value);
    }
}

/// A record as the front ends of a route read it.
struct Payload<'a> {
    route: &'a Route,
    room: &'a RoomId,
    record: &'a Record,
}

impl Serialize for Payload<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { route, room, record } = self;
        // Front ends of others know joining, leaving and talk. Whoever is kicked or banned has left, to them.
        let other = record.kind.name().to_uppercase();
        let (sender, content, written) = match &record.kind {
            RecordKind::Message(message) => (&record.sender, message.body.as_str(), route.message.written()),
            RecordKind::Joined => (&record.sender, "", route.join.written()),
            RecordKind::Left => (&record.sender, "", route.leave.written()),
            RecordKind::Act(Act { deed: Deed::Kick(user, _), .. }) => (user, "", route.leave.written()),
            RecordKind::Act(Act { deed: Deed::Ban(ban), .. }) => (&ban.user, "", route.leave.written()),
            RecordKind::Renamed(_) | RecordKind::Act(_) => (&record.sender, "", &*other),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&route.room, room.as_str())?;
        map.serialize_entry(&route.sender, &sender.nickname)?;
        map.serialize_entry(&route.content, content)?;
        map.serialize_entry(&route.kind, written)?;
        map.serialize_entry(&route.time, &record.at.to_string())?;
        if matches!(record.kind, RecordKind::Renamed(_) | RecordKind::Act(_)) {
            map.serialize_entry("record", &json::Record::of(room, record))?;
        }
        map.end()
    }
}

/// A subscriber's own beginning of every MESSAGE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    start: Box<str>,
    /// The header `ack` up to the number, where the subscription wants acknowledgments and the version has it.
    ack: Option<Box<str>>,
}

impl Head {
    /// The beginning for a subscription; without an id (1.0) it does not name one.
    pub fn new(version: Version, subscription: Option<&str>, mode: AckMode) -> Self {
        let mut start = Writer::new("MESSAGE", version);
        start.optional("subscription", subscription);
        let ack =
            subscription.filter(|_| version == Version::V1_2 && mode != AckMode::Auto).map(|subscription| {
                let mut ack = "ack:".to_owned();
                escape_into(&mut ack, &ack::ack_prefix(subscription), version);
                ack.into()
            });
        Self { start: start.into_text().into(), ack }
    }

    /// A whole frame. What has no number is acknowledged with 0.
    pub fn frame(&self, tail: &str) -> ByteString {
        let Some(ack) = &self.ack else { return [&*self.start, tail].concat().into() };
        let number = tail.strip_prefix(SEQ).and_then(|rest| rest.split_once('\n'));
        let number = number.map_or("0", |(number, _)| number);
        [&*self.start, ack, number, "\n", tail].concat().into()
    }

    /// The most bytes that it adds to a tail.
    pub fn size(&self) -> usize {
        // A number has at most 20 digits, and a line its end.
        self.start.len() + self.ack.as_ref().map_or(0, |ack| ack.len() + 21)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Message, MessageBody, Timestamp, User, UserId},
        wire::stomp::testbed::{legacy_route, route},
    };

    fn record(kind: RecordKind) -> Record {
        let sender = User { id: UserId::new("u1"), nickname: "A\"da".into() };
        Record { seq: 7, at: Timestamp::from_millis(0), sender, kind }
    }

    fn message() -> Record {
        record(RecordKind::Message(Message {
            body: MessageBody::stored("hi\n\u{1f980}"),
            client_id: Some(ClientId::new("c:1")),
            headers: Headers::parse([("x:y", "a\\b"), ("z", "1\n2\r")]).unwrap(),
        }))
    }

    fn tail(version: Version, route: Route, record: &Record) -> ByteString {
        Style { version, route: Arc::new(route) }.tail(&RoomId::new("r1"), &Epoch::new("e1"), record)
    }

    const JSON: &str = r#"{"roomId":"r1","sender":"A\"da","content":"hi\n🦀","type":"CHAT","timestamp":"1970-01-01T00:00:00.000Z"}"#;

    #[test]
    fn a_tail_has_position_destination_headers_and_the_json() {
        let expected = |headers: &str| {
            format!(
                "seq:7\nepoch:e1\nmessage-id:r1.e1.7\ndestination:/topic/chat/r1\n{headers}\
                 content-type:application/json\ncontent-length:{}\n\n{JSON}\0",
                JSON.len()
            )
        };
        let of = |version| tail(version, route(), &message());
        assert_eq!(of(Version::V1_2), expected("client-id:c\\c1\nx\\cy:a\\\\b\nz:1\\n2\\r\n"));
        assert_eq!(of(Version::V1_1), expected("client-id:c\\c1\nx\\cy:a\\\\b\nz:1\\n2\r\n"));
        // 1.0 has no words for the other two.
        assert_eq!(of(Version::V1_0), expected("client-id:c:1\n"));
    }

    #[test]
    fn joining_and_leaving_have_no_content() {
        let joined = tail(Version::V1_2, route(), &record(RecordKind::Joined));
        assert!(joined.contains(r#""content":"","type":"JOIN""#), "{joined}");
        let left = tail(Version::V1_2, legacy_route(), &record(RecordKind::Left));
        let json = r#"{"roomId":"r1","nickname":"A\"da","message":"","type":"LEAVE","time":"#;
        assert!(left.contains("\ndestination:/subscribe/r1\n") && left.contains(json), "{left}");
    }

    #[test]
    fn a_head_names_the_subscription_and_what_to_acknowledge() {
        let frame = |version, id, mode| {
            let head = Head::new(version, id, mode);
            let frame = head.frame("seq:18446744073709551615\nepoch:e\n\n\0");
            assert!(frame.len() - "seq:18446744073709551615\nepoch:e\n\n\0".len() <= head.size());
            frame.split_once("seq:").unwrap().0.to_owned()
        };
        let some = Some("s:0");
        assert_eq!(frame(Version::V1_2, some, AckMode::Auto), "MESSAGE\nsubscription:s\\c0\n");
        for mode in [AckMode::Client, AckMode::ClientIndividual] {
            let ack = "MESSAGE\nsubscription:s\\c0\nack:s\\c0@18446744073709551615\n";
            assert_eq!(frame(Version::V1_2, some, mode), ack);
            assert_eq!(frame(Version::V1_1, some, mode), "MESSAGE\nsubscription:s\\c0\n");
            assert_eq!(frame(Version::V1_0, some, mode), "MESSAGE\nsubscription:s:0\n");
            assert_eq!(frame(Version::V1_0, None, mode), "MESSAGE\n");
        }
    }

    #[test]
    fn what_has_no_number_is_acknowledged_as_0() {
        let head = Head::new(Version::V1_2, Some("s"), AckMode::Client);
        assert_eq!(
            head.frame("message-id:notice.3\n\n\0"),
            "MESSAGE\nsubscription:s\nack:s@0\nmessage-id:notice.3\n\n\0"
        );
    }
}
