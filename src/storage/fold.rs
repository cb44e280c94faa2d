//! A room's state from the database: its latest snapshot and the records after it, folded.
//! The rules of the fold are in `domain`.

use super::{Connection, StorageError, partitions, records, rooms, snapshots};
use crate::domain::{Outcome, RoomId, RoomInfo, RoomState, Seq};

/// How many records are read at once while folding.
const PAGE: u32 = 1000;

/// A room's state, and where the snapshot stood that it was built on.
#[derive(Debug, Clone)]
pub struct Folded {
    /// The state of all stored records.
    pub state: RoomState,
    /// The head of the latest snapshot; 0 when there is none.
    pub snapshot_at: Seq,
}

/// A room of the Kafka log with everything of one instant, so that the log's records from `next_offset` on are
/// exactly those that the state lacks.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The room as lists show it.
    pub info: RoomInfo,
    /// Its partition, if it has one.
    pub partition: Option<i32>,
    /// How far that partition is stored; none if nothing of it ever was.
    pub next_offset: Option<i64>,
    /// The state of all stored records.
    pub folded: Folded,
}

/// Reads a room with its place in the log, in a transaction of its own; none if there is no such room.
///
/// # Errors
/// As [`load`].
pub fn load_placed(connection: &mut Connection, room: &RoomId) -> Result<Option<Placed>, StorageError> {
    connection.consistently(|connection| placed(connection, room))
}

/// As [`load_placed`], within a transaction that is as of one instant.
///
/// # Errors
/// As [`load`].
pub fn placed(connection: &mut Connection, room: &RoomId) -> Result<Option<Placed>, StorageError> {
    let Some(info) = rooms::by_id(connection, room)? else { return Ok(None) };
    let partition = rooms::partition_of(connection, room)?;
    let next_offset = match partition {
        Some(partition) => partitions::next_offset(connection, partition)?,
        None => None,
    };
    let folded = load(connection, room)?;
    Ok(Some(Placed { info, partition, next_offset, folded }))
}

/// Folds a room from what is stored.
///
/// # Errors
/// Whatever reading meets, and [`StorageError::Corrupt`] when the stored records are not what the fold makes of them.
pub fn load(connection: &mut Connection, room: &RoomId) -> Result<Folded, StorageError> {
    let foundation = rooms::foundation_of(connection, room)?.unwrap_or_default();
    let (snapshot_at, state) = snapshots::latest(connection, room)?.unwrap_or_default();
    let mut state = state.founded(foundation);
    loop {
        let page = records::after(connection, room, state.head(), PAGE)?;
        for record in &page {
            let outcome = state.apply(record.proposal(), record.at);
            if outcome != Outcome::Recorded(record.clone()) {
                return Err(StorageError::Corrupt(format!(
                    "record {} of room {room} does not fold",
                    record.seq
                )));
            }
        }
        if page.len() < PAGE as usize {
            return Ok(Folded { state, snapshot_at });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use super::*;
    use crate::{
        domain::{Proposal, RecordKind, Timestamp},
        storage::{
            Advance, Batch, Database, NewRecord, batch,
            rooms::NewRoom,
            testbed::{new_room, on_every_database, user},
        },
    };

    const PARTITION: i32 = 3;

    /// Stores `count` joins, one a batch, each one offset of the partition; now and then with a snapshot.
    fn save(database: &Database, room: &RoomId, count: i64) {
        let mut writer = database.writer().unwrap();
        let mut state = RoomState::new(new_room("r").foundation());
        for offset in 0..count {
            let joins = Proposal { sender: user(&offset.to_string()), kind: RecordKind::Joined };
            let at = Timestamp::from_millis(offset);
            let Outcome::Recorded(record) = state.apply(joins, at) else { panic!("everybody joins once") };
            let from = (offset > 0).then_some(offset);
            let batch = Batch {
                advances: vec![Advance { partition: PARTITION, from, to: offset + 1 }],
                records: vec![NewRecord { room: room.clone(), record, log_offset: Some(offset) }],
                heads: vec![(room.clone(), state.head(), state.members().len() as u64)],
                snapshots: (offset % 20 == 7)
                    .then(|| (room.clone(), state.head(), snapshots::encode(&state)))
                    .into_iter()
                    .collect(),
                ..Batch::default()
            };
            batch::store(&mut writer, &batch).unwrap();
        }
    }

    #[test]
    fn d3_a_placed_room_is_of_one_instant_while_a_saver_goes_on() {
        on_every_database(|database| {
            let room = NewRoom { partition: Some(PARTITION), ..new_room("r") };
            database.write(|connection| rooms::create(connection, &room)).unwrap();
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    save(database, &room.id, 300);
                    done.store(true, Ordering::Release);
                });
                loop {
                    let last = done.load(Ordering::Acquire);
                    let placed = database.read(|connection| load_placed(connection, &room.id));
                    let Placed { info, partition, next_offset, folded } = placed.unwrap().unwrap();
                    let head = folded.state.head();
                    assert_eq!((partition, next_offset.unwrap_or(0)), (Some(PARTITION), head as i64));
                    assert_eq!((info.head.seq, info.members), (head, head));
                    if last {
                        assert_eq!(head, 300);
                        break;
                    }
                }
            });
        });
    }

    #[test]
    fn a_room_that_never_lived_on_kafka_has_no_place_there() {
        on_every_database(|database| {
            let room = new_room("r");
            database.write(|connection| rooms::create(connection, &room)).unwrap();
            let load = |id: &RoomId| database.read(|connection| load_placed(connection, id)).unwrap();
            let Placed { partition, next_offset, folded, .. } = load(&room.id).unwrap();
            assert_eq!((partition, next_offset), (None, None));
            assert_eq!(folded.state, RoomState::new(room.foundation()));
            assert!(load(&RoomId::new("none")).is_none());
        });
    }
}
