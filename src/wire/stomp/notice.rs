//! MESSAGE of what is no record: changes of the room list, and refusals in a client's own queue.
//! They are tails, too, and get their heads from `message`.

use bytestring::ByteString;

use super::{Version, ack, encoder::Writer};
use crate::{
    domain::{Refusal, RoomInfo},
    wire::{
        json,
        native::{self, Change},
        problem::Problem,
    },
};

/// A change of the room list, with the JSON that native clients get. `number` makes its `message-id` and must not
/// come again on a connection.
pub fn room_changed(
    version: Version,
    destination: &str,
    number: u64,
    change: Change,
    room: &RoomInfo,
) -> ByteString {
    begin(version, destination, number).end_with("application/json", &native::room_changed(change, room))
}

/// A refusal: a problem document, with its `code` and the `receipt-id` of the frame where it asked for a receipt.
/// `status` is what HTTP says for the code.
pub fn problem(
    version: Version,
    destination: &str,
    number: u64,
    refusal: &Refusal,
    receipt: Option<&str>,
    status: u16,
) -> ByteString {
    let mut tail = begin(version, destination, number);
    tail.header("code", refusal.code.name()).optional("receipt-id", receipt);
    tail.end_with("application/problem+json", &json::text(&Problem::of(refusal, status)))
}

fn begin(version: Version, destination: &str, number: u64) -> Writer {
    let mut tail = Writer::after_head(String::new(), version);
    tail.header("message-id", &ack::notice_id(number)).header("destination", destination);
    tail
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Code, Epoch, Position, RoomId, Timestamp, User, UserId, Visibility};

    #[test]
    fn a_refusal_is_a_problem_with_its_code_and_receipt() {
        let refusal = Refusal::new(Code::NotAMember);
        let tail = problem(Version::V1_2, "/user/queue/errors", 3, &refusal, Some("r:1"), 403);
        let head = "message-id:notice.3\ndestination:/user/queue/errors\ncode:not_a_member\nreceipt-id:r\\c1\n\
            content-type:application/problem+json\ncontent-length:";
        assert!(tail.starts_with(head), "{tail}");
        let (_, json) = tail.split_once("\n\n").unwrap();
        let json: serde_json::Value = serde_json::from_str(json.trim_end_matches('\0')).unwrap();
        assert_eq!(json["code"], "not_a_member");
        assert_eq!((&json["status"], &json["retry"]), (&403.into(), &"no".into()));
    }

    #[test]
    fn a_change_of_the_list_is_the_push_of_native_clients() {
        let room = RoomInfo {
            id: RoomId::new("r1"),
            name: "Lobby".into(),
            visibility: Visibility::Public,
            peer: None,
            closed: false,
            created_at: Timestamp::from_millis(0),
            created_by: User { id: UserId::new("u1"), nickname: "Ada".into() },
            members: 2,
            head: Position { epoch: Epoch::new("e"), seq: 9 },
        };
        let tail = room_changed(Version::V1_0, "/topic/rooms", 1, Change::Changed, &room);
        let push = native::room_changed(Change::Changed, &room);
        assert!(tail.ends_with(&format!("content-length:{}\n\n{push}\0", push.len())), "{tail}");
    }
}
