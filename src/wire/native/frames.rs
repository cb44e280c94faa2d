//! The text of what a native client gets: replies, pushes and refusals.
//! Each function is one row of the protocol's table.

use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

use super::request::RequestId;
use crate::{
    domain::{self, About, ClientId, CloseCode, Code, FirstSend, Refusal, RoomId, RoomInfo},
    wire::{
        Greeting,
        json::{self, Missing, Position, Room, User},
    },
};

/// A reply or push: its type, the id of the request it answers, and what it says.
#[derive(Serialize)]
struct Frame<'a, T> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RawValue>,
    #[serde(flatten)]
    says: T,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct InRoom<'a> {
    room: &'a str,
}

fn frame<T: Serialize>(kind: &'static str, id: Option<&RequestId>, says: T) -> ByteString {
    let id = id.and_then(|id| serde_json::from_str(id.as_json()).ok());
    json::text(&Frame { kind, id, says }).into()
}

#[derive(Serialize)]
struct Connected<'a> {
    user: User<'a>,
    session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    heartbeat_s: u64,
}

/// The reply to `connect`; `token` where the connect made one.
pub fn connected(
    id: Option<&RequestId>,
    user: &domain::User,
    session: &str,
    token: Option<&str>,
    heartbeat_s: u64,
) -> ByteString {
    frame("connected", id, Connected { user: User::of(user), session, token, heartbeat_s })
}

#[derive(Serialize)]
struct Refresh {
    #[serde(serialize_with = "json::rfc3339")]
    expires_at: domain::Timestamp,
    within_s: u64,
}

/// A push that asks for a new token, since the present one has expired.
pub fn refresh(expires_at: domain::Timestamp, within_s: u64) -> ByteString {
    frame("refresh", None, Refresh { expires_at, within_s })
}

#[derive(Serialize)]
struct Refreshed {
    #[serde(serialize_with = "json::perhaps_rfc3339")]
    expires_at: Option<domain::Timestamp>,
}

/// The reply to `refresh`; a token that does not expire has no such time.
pub fn refreshed(id: Option<&RequestId>, expires_at: Option<domain::Timestamp>) -> ByteString {
    frame("refreshed", id, Refreshed { expires_at })
}

#[derive(Serialize)]
struct Joined<'a> {
    room: Room<'a>,
    position: Position<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovered: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
}

/// The reply to `join`.
pub fn joined(id: Option<&RequestId>, greeting: Greeting<'_>) -> ByteString {
    let says = Joined {
        room: Room::of(greeting.room),
        position: Position::of(&greeting.room.head),
        recovered: greeting.recovered,
        missing: greeting.missing.map(Missing::from),
    };
    frame("joined", id, says)
}

#[derive(Serialize)]
struct Acked<'a> {
    room: &'a str,
    seq: u64,
    #[serde(serialize_with = "json::rfc3339")]
    at: domain::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

/// The reply to `send`, once the record is durable (promise D1).
pub fn acked(
    id: Option<&RequestId>,
    room: &RoomId,
    sent: FirstSend,
    client_id: Option<&ClientId>,
) -> ByteString {
    let client_id = client_id.map(ClientId::as_str);
    frame("ack", id, Acked { room: room.as_str(), seq: sent.seq, at: sent.at, client_id })
}

/// The reply to `leave`.
pub fn left(id: Option<&RequestId>, room: &RoomId) -> ByteString {
    frame("left", id, InRoom { room: room.as_str() })
}

#[derive(Serialize)]
struct Parted<'a> {
    room: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// The reply to `part`, or unasked with the code that says why.
pub fn parted(id: Option<&RequestId>, room: &RoomId, code: Option<Code>) -> ByteString {
    frame("parted", id, Parted { room: room.as_str(), code: code.map(Code::name) })
}

#[derive(Serialize)]
struct Watched {
    what: &'static str,
}

/// The reply to `watch`.
pub fn watching(id: Option<&RequestId>) -> ByteString {
    frame("watching", id, Watched { what: "rooms" })
}

/// The reply to `unwatch`.
pub fn unwatched(id: Option<&RequestId>) -> ByteString {
    frame("unwatched", id, Watched { what: "rooms" })
}

/// The reply to `ping`.
pub fn pong(id: Option<&RequestId>) -> ByteString {
    frame("pong", id, Nothing {})
}

/// What happened to a room in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was made.
    Created,
    /// Its members or its name changed.
    Changed,
    /// It is closed for ever, and not in the list any more.
    Closed,
}

impl Change {
    /// Its name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Closed => "closed",
        }
    }

    /// The change of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Created, Self::Changed, Self::Closed].into_iter().find(|change| change.name() == name)
    }
}

#[derive(Serialize)]
struct RoomChanged<'a> {
    change: &'static str,
    room: Room<'a>,
}

/// A push to whoever watches the room list.
pub fn room_changed(change: Change, room: &RoomInfo) -> ByteString {
    frame("room", None, RoomChanged { change: change.name(), room: Room::of(room) })
}

/// A push of one record.
pub fn record(room: &RoomId, record: &domain::Record) -> ByteString {
    json::text(&json::Record { push: Some("record"), ..json::Record::of(room, record) }).into()
}

#[derive(Serialize)]
struct Records<'a> {
    room: &'a str,
    records: Vec<json::Record<'a>>,
}

/// A push of several records of a room, in order: a page of a replay.
pub fn records<'a>(room: &'a RoomId, records: impl IntoIterator<Item = &'a domain::Record>) -> ByteString {
    let records = records.into_iter().map(|record| json::Record::of(room, record)).collect();
    frame("records", None, Records { room: room.as_str(), records })
}

#[derive(Serialize)]
struct Closing {
    code: u16,
    reason: &'static str,
    retry_after_ms: u64,
}

/// A push before a close that the server wants.
pub fn closing(code: CloseCode) -> ByteString {
    let says = Closing { code: code.number(), reason: code.name(), retry_after_ms: code.retry_after_ms() };
    frame("closing", None, says)
}

#[derive(Serialize)]
struct Refused<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    retry: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Position<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "json::until")]
    until: Option<Option<domain::Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The reply to a request that was refused.
pub fn refused(id: Option<&RequestId>, refusal: &Refusal) -> ByteString {
    let (room, head, missing) = match refusal.about.as_deref() {
        Some(About::Room(room)) => (Some(Room::of(room)), None, None),
        Some(About::Lost { head, missing }) => {
            (None, Some(Position::of(head)), Some(Missing::from(*missing)))
        }
        Some(About::Penalty { .. } | About::Rate { .. }) | None => (None, None, None),
    };
    let (until, reason) = refusal.penalty();
    let says = Refused {
        code: refusal.code.name(),
        message: &refusal.message,
        field: refusal.field,
        retry: refusal.code.retry().name(),
        retry_after_ms: refusal.retry_after_ms,
        room,
        head,
        missing,
        until,
        reason,
    };
    frame("error", id, says)
}
