//! The newest snapshot of a room's state, so that waking a room need not read its whole log.
//! Only a shortcut: without one, the fold starts at the first record.

use diesel::{prelude::*, upsert::excluded};

use super::{
    Connection, StorageError,
    connection::run,
    records::{signed, unsigned},
    schema::snapshots,
};
use crate::domain::{RoomId, RoomState, Seq};

/// The room's snapshot and the last record in it. One that does not parse counts as none.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn latest(connection: &mut Connection, room: &RoomId) -> Result<Option<(Seq, RoomState)>, StorageError> {
    let row: Option<(i64, String)> = run!(connection, |session| snapshots::table
        .find(room.as_str())
        .select((snapshots::seq, snapshots::state))
        .first(session)
        .optional())?;
    let Some((seq, state)) = row else { return Ok(None) };
    match serde_json::from_str(&state) {
        Ok(state) => Ok(Some((unsigned(seq)?, state))),
        Err(error) => {
            log::warn!("snapshot of room {room} at {seq} does not parse, reading its whole log: {error}");
            Ok(None)
        }
    }
}

/// A room's state as a snapshot holds it.
pub fn encode(state: &RoomState) -> String {
    serde_json::to_string(state).expect("a state has text keys and no fallible parts")
}

/// Stores a room's snapshot, `state` as JSON, in place of the one before.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn save(connection: &mut Connection, room: &RoomId, seq: Seq, state: &str) -> Result<(), StorageError> {
    let row =
        (snapshots::room_id.eq(room.as_str()), snapshots::seq.eq(signed(seq)), snapshots::state.eq(state));
    run!(connection, |session| diesel::insert_into(snapshots::table)
        .values(row)
        .on_conflict(snapshots::room_id)
        .do_update()
        .set((snapshots::seq.eq(excluded(snapshots::seq)), snapshots::state.eq(excluded(snapshots::state))))
        .execute(session))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Proposal, RecordKind, Timestamp},
        storage::testbed::{on_every_database, user},
    };

    #[test]
    fn d7_the_newest_snapshot_is_the_state_that_was_saved() {
        on_every_database(|database| {
            let room = RoomId::new("r");
            assert_eq!(database.read(|connection| latest(connection, &room)).unwrap(), None);

            let mut state = RoomState::default();
            for name in ["Ada", "Bob"] {
                let joins = Proposal { sender: user(name), kind: RecordKind::Joined };
                state.apply(joins, Timestamp::from_millis(1));
                let json = encode(&state);
                database.write(|connection| save(connection, &room, state.head(), &json)).unwrap();
                let found = database.read(|connection| latest(connection, &room)).unwrap();
                assert_eq!(found, Some((state.head(), state.clone())));
            }
        });
    }

    #[test]
    fn a_snapshot_that_does_not_parse_counts_as_none() {
        on_every_database(|database| {
            let room = RoomId::new("r");
            database.write(|connection| save(connection, &room, 1, r#"{"older": "format"}"#)).unwrap();
            assert_eq!(database.read(|connection| latest(connection, &room)).unwrap(), None);
        });
    }
}
