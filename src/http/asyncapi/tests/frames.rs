//! What frames are made of here: a room, its records, refusals; each once with little and once with everything.
//! No claim is made in this file.

use crate::domain::{
    About, Act, Authority, ClientId, Code, Deed, Epoch, Headers, Message, MessageBody, Missing, Penalty,
    Position, Reason, Record, RecordKind, Refusal, Role, RoomId, RoomInfo, Timestamp, User, UserId,
    Visibility,
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
        visibility: Visibility::Public,
        peer: None,
        closed: false,
        members: 1,
        head: position(),
    }
}

/// Somebody joined, somebody said something with all that belongs to it, and something was done about somebody.
pub(super) fn records() -> [Record; 6] {
    let record = |kind| Record { seq: 5, at: Timestamp::from_millis(0), sender: ada(), kind };
    let headers = Headers::parse([("mood", "cheerful")]).unwrap();
    let message =
        Message { headers, ..Message::new(MessageBody::stored("Hello!"), Some(ClientId::new("m1"))) };
    let bob = || User { id: UserId::new("u2"), nickname: "Bob".into() };
    let reason = Some(Reason::stored("spam"));
    let act = |deed, authority| record(RecordKind::Act(Act { deed, authority }));
    [
        record(RecordKind::Joined),
        record(RecordKind::Message(message)),
        record(RecordKind::Renamed("Countess".into())),
        act(Deed::SetRole(bob(), Role::Moderator), Authority::Role),
        act(Deed::Ban(Penalty { user: bob(), until: None, reason: reason.clone() }), Authority::Admin),
        act(
            Deed::Mute(Penalty { user: bob(), until: Some(Timestamp::from_millis(1)), reason }),
            Authority::Role,
        ),
    ]
}

/// Refusals that together have every field.
pub(super) fn refusals() -> [Refusal; 5] {
    let lost = About::Lost { head: position(), missing: Missing { from: 1, to: 4 } };
    let mut later = Refusal::new(Code::RateLimited);
    later.retry_after_ms = Some(100);
    [
        Refusal::new(Code::Invalid).field("body"),
        Refusal::new(Code::RoomNameTaken).about(About::Room(room())),
        Refusal::new(Code::PositionLost).about(lost),
        later,
        Refusal::new(Code::Banned)
            .about(About::Penalty { until: None, reason: Some(Reason::stored("spam")) }),
    ]
}
