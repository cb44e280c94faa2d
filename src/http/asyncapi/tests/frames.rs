//! What frames are made of here: a room, its records, refusals; each once with little and once with everything.
//! No claim is made in this file.

use crate::domain::{
    About, ClientId, Code, Epoch, Headers, Message, MessageBody, Missing, Position, Record, RecordKind,
    Refusal, RoomId, RoomInfo, Timestamp, User, UserId,
};

pub(super) fn ada() -> User {
    User { id: UserId::new("u1"), nickname: "Ada".into() }
}

fn position() -> Position {
    Position { epoch: Epoch::new("e1"), seq: 4 }
}

pub(super) fn room() -> RoomInfo {
    RoomInfo {
        id: RoomId::new("r1"),
        name: "Lobby".into(),
        created_at: Timestamp::from_millis(0),
        created_by: ada(),
        members: 1,
        head: position(),
    }
}

/// Somebody joined, and somebody said something with all that belongs to it.
pub(super) fn records() -> [Record; 2] {
    let record = |kind| Record { seq: 5, at: Timestamp::from_millis(0), sender: ada(), kind };
    let headers = Headers::parse([("mood", "cheerful")]).unwrap();
    let message =
        Message { headers, ..Message::new(MessageBody::stored("Hello!"), Some(ClientId::new("m1"))) };
    [record(RecordKind::Joined), record(RecordKind::Message(message))]
}

/// Refusals that together have every field.
pub(super) fn refusals() -> [Refusal; 4] {
    let lost = About::Lost { head: position(), missing: Missing { from: 1, to: 4 } };
    let mut later = Refusal::new(Code::RateLimited);
    later.retry_after_ms = Some(100);
    [
        Refusal::new(Code::Invalid).field("body"),
        Refusal::new(Code::RoomNameTaken).about(About::Room(room())),
        Refusal::new(Code::PositionLost).about(lost),
        later,
    ]
}
