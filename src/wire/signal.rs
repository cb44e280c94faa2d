//! What nodes tell each other about the list of public rooms: one was made or closed, or its members changed.
//! A signal may be lost; whatever must not be is in a room's log.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::native::Change;
use crate::domain::{Epoch, Position, RoomId, RoomInfo, Timestamp, User, Visibility};

/// The version of the format.
const VERSION: u32 = 1;

/// What one node tells the others.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// The run of the node that tells it, which need not hear it.
    pub run: String,
    /// What happened.
    pub change: Change,
    /// The room as it is now.
    pub room: RoomInfo,
}

#[derive(Serialize, Deserialize)]
struct Value<'a> {
    v: u32,
    #[serde(borrow)]
    run: Cow<'a, str>,
    #[serde(borrow)]
    change: Cow<'a, str>,
    room: Room,
}

#[derive(Serialize, Deserialize)]
struct Room {
    id: RoomId,
    name: String,
    created_at: Timestamp,
    created_by: User,
    members: u64,
    epoch: Epoch,
    seq: u64,
}

/// The value of a signal.
pub fn encode(signal: &Signal) -> Vec<u8> {
    let RoomInfo { id, name, created_at, created_by, members, head, .. } = signal.room.clone();
    let Position { epoch, seq } = head;
    let room = Room { id, name: name.to_string(), created_at, created_by, members, epoch, seq };
    let value = Value { v: VERSION, run: (&signal.run).into(), change: signal.change.name().into(), room };
    serde_json::to_vec(&value).expect("it has text keys and no fallible parts")
}

/// Reads a value; none where it is of another version or no signal.
pub fn decode(value: &[u8]) -> Option<Signal> {
    let Value { v, run, change, room } = serde_json::from_slice(value).ok()?;
    let change = Change::from_name(&change).filter(|_| v == VERSION)?;
    let Room { id, name, created_at, created_by, members, epoch, seq } = room;
    let head = Position { epoch, seq };
    let room = RoomInfo {
        id,
        name: name.into(),
        visibility: Visibility::Public,
        created_at,
        created_by,
        peer: None,
        closed: change == Change::Closed,
        members,
        head,
    };
    Some(Signal { run: run.into_owned(), change, room })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::UserId;

    #[test]
    fn a_signal_is_read_as_it_was_written_and_anything_else_is_none() {
        let signal = Signal {
            run: "node-1.x".to_owned(),
            change: Change::Created,
            room: RoomInfo {
                id: RoomId::new("r"),
                name: "a \"name\"".into(),
                visibility: Visibility::Public,
                peer: None,
                closed: false,
                created_at: Timestamp::from_millis(5),
                created_by: User { id: UserId::new("u"), nickname: "Ada".into() },
                members: 3,
                head: Position { epoch: Epoch::new("e"), seq: 9 },
            },
        };
        let value = encode(&signal);
        assert_eq!(decode(&value), Some(signal));
        let text = String::from_utf8(value).unwrap();
        for other in [text.replace("\"v\":1", "\"v\":2"), text.replace("created\"", "sang\""), "{".to_owned()]
        {
            assert_eq!(decode(other.as_bytes()), None, "{other}");
        }
    }
}
