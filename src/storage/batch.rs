//! What the DB-writer stores in one transaction: records, the heads of their rooms, and snapshots.
//! What is grouped, and when, is the writer's business.

use diesel::prelude::*;

use super::{
    Connection, StorageError,
    connection::run,
    records::signed,
    schema::{records, rooms},
    snapshots,
};
use crate::domain::{Record, RecordKind, RoomId, Seq};

/// Rows that are stored together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Records of any rooms.
    pub records: Vec<(RoomId, Record)>,
    /// Of each room with records here: its newest record and its number of members.
    pub heads: Vec<(RoomId, Seq, u64)>,
    /// Snapshots: the last record in it, and the state as JSON.
    pub snapshots: Vec<(RoomId, Seq, String)>,
}

#[derive(Insertable)]
#[diesel(table_name = records, treat_none_as_default_value = false)]
struct NewRecord<'a> {
    room_id: &'a str,
    seq: i64,
    at: i64,
    kind: &'a str,
    sender_id: &'a str,
    sender_nickname: &'a str,
    body: Option<&'a str>,
    client_id: Option<&'a str>,
}

impl<'a> NewRecord<'a> {
    fn of(room: &'a RoomId, record: &'a Record) -> Self {
        let (body, client_id) = match &record.kind {
            RecordKind::Message { body, client_id } => {
                (Some(body.as_str()), client_id.as_ref().map(|id| id.as_str()))
            }
            RecordKind::Joined | RecordKind::Left => (None, None),
        };
        Self {
            room_id: room.as_str(),
            seq: signed(record.seq),
            at: record.at.as_millis(),
            kind: record.kind.name(),
            sender_id: record.sender.id.as_str(),
            sender_nickname: &record.sender.nickname,
            body,
            client_id,
        }
    }
}

/// Rows of one statement: 8 values each, within the 32766 that SQLite binds and the 65535 of PostgreSQL.
const ROWS: usize = 512;

/// Stores a batch in one transaction; it is durable when this returns.
///
/// # Errors
/// [`StorageError::Conflict`] if a record's number is taken in its room: somebody else writes the room.
/// [`StorageError::Unavailable`] as it says. Nothing is stored then, unless the connection was lost at the commit.
pub fn store(connection: &mut Connection, batch: &Batch) -> Result<(), StorageError> {
    connection.transaction(|connection| {
        let rows: Vec<_> = batch.records.iter().map(|(room, record)| NewRecord::of(room, record)).collect();
        for rows in rows.chunks(ROWS) {
            run!(connection, |session| diesel::insert_into(records::table).values(rows).execute(session))?;
        }
        for (room, head, members) in &batch.heads {
            run!(connection, |session| diesel::update(rooms::table.find(room.as_str()))
                .set((rooms::head.eq(signed(*head)), rooms::members.eq(signed(*members))))
                .execute(session))?;
        }
        for (room, seq, state) in &batch.snapshots {
            snapshots::save(connection, room, *seq, state)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        Database, records as history, rooms as list,
        testbed::{message, new_room, on_every_database},
    };

    fn batch_of(room: &RoomId, seqs: std::ops::RangeInclusive<Seq>) -> Batch {
        let head = *seqs.end();
        Batch {
            records: seqs.map(|seq| (room.clone(), message(seq, "text"))).collect(),
            heads: vec![(room.clone(), head, 3)],
            snapshots: Vec::new(),
        }
    }

    fn make_room(database: &Database, name: &str) -> RoomId {
        let room = new_room(name);
        database.write(|connection| list::create(connection, &room)).unwrap();
        room.id
    }

    fn head_and_members(database: &Database, room: &RoomId) -> (Seq, u64) {
        let room = database.read(|connection| list::by_id(connection, room)).unwrap().unwrap();
        (room.head.seq, room.members)
    }

    fn count(database: &Database, room: &RoomId) -> usize {
        database.read(|connection| history::after(connection, room, 0, 10_000)).unwrap().len()
    }

    #[test]
    fn a_batch_of_any_size_is_stored_whole() {
        on_every_database(|database| {
            let mut writer = database.writer().unwrap();
            for size in [0, 1, 63, 64, 65, 5_000] {
                let room = make_room(database, &format!("of {size}"));
                store(&mut writer, &batch_of(&room, 1..=size)).unwrap();
                assert_eq!(count(database, &room), size as usize);
                assert_eq!(head_and_members(database, &room), (size, 3));
            }
        });
    }

    #[test]
    fn every_room_of_a_batch_gets_its_own_head() {
        on_every_database(|database| {
            let rooms: Vec<RoomId> = (0..70).map(|n| make_room(database, &format!("room {n}"))).collect();
            let untouched = make_room(database, "untouched");
            let mut batch = Batch::default();
            for (room, head) in rooms.iter().zip(1..) {
                batch.heads.push((room.clone(), head, 2 * head));
                batch.snapshots.push((room.clone(), head, "{}".to_owned()));
            }
            store(&mut database.writer().unwrap(), &batch).unwrap();
            for (room, head) in rooms.iter().zip(1..) {
                assert_eq!(head_and_members(database, room), (head, 2 * head));
            }
            assert_eq!(head_and_members(database, &untouched), (0, 0));
        });
    }

    #[test]
    fn d7_a_number_that_is_taken_is_a_conflict_and_nothing_is_stored() {
        on_every_database(|database| {
            let (room, other) = (make_room(database, "a"), make_room(database, "b"));
            let mut writer = database.writer().unwrap();
            store(&mut writer, &batch_of(&room, 1..=3)).unwrap();

            let mut late = batch_of(&room, 3..=5);
            late.records.insert(0, (other.clone(), message(1, "in the same batch")));
            let refused = store(&mut writer, &late);
            assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
            assert_eq!((count(database, &room), count(database, &other)), (3, 0));
            assert_eq!(head_and_members(database, &room), (3, 3));

            store(&mut writer, &batch_of(&room, 4..=5)).unwrap();
            assert_eq!(count(database, &room), 5);
        });
    }
}
