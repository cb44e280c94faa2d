//! Server-sent events of a room, as the HTML Standard's event stream format has them.
//! Resuming is decided elsewhere; here is only the text.

use bytestring::ByteString;
use serde::Serialize;

use super::{
    Greeting,
    json::{self, Missing, Position},
};
use crate::domain::{self, Code, Epoch, RoomId};

/// A comment, which keeps proxies from closing an idle stream.
pub const HEARTBEAT: ByteString = ByteString::from_static(": heart-beat\n\n");

#[derive(Serialize)]
struct Joined<'a> {
    room: json::Room<'a>,
    head: Position<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
}

/// The first event of a stream: the room, its head, and whether the given position was honoured.
pub fn joined(Greeting { room, recovered, missing }: Greeting<'_>) -> ByteString {
    let missing = missing.map(Missing::from);
    let data = Joined { room: json::Room::of(room), head: Position::of(&room.head), recovered, missing };
    format!("event: joined\ndata: {}\n\n", json::text(&data)).into()
}

#[derive(Serialize)]
struct Parted<'a> {
    room: &'a str,
    code: &'static str,
}

/// The last event of a stream whose reader may not read any more.
pub fn parted(room: &RoomId, code: Code) -> ByteString {
    let data = json::text(&Parted { room: room.as_str(), code: code.name() });
    format!("event: parted\ndata: {data}\n\n").into()
}

/// A record, with its position as the event's id, so that `Last-Event-ID` resumes after it.
pub fn record(room: &RoomId, epoch: &Epoch, record: &domain::Record) -> ByteString {
    let data = json::text(&json::Record::of(room, record));
    format!("id: {epoch}:{}\nevent: record\ndata: {data}\n\n", record.seq).into()
}
