//! What the DB-writer stores in one transaction: records, the heads of their rooms, and snapshots.
//! What is grouped, and when, is the writer's business.

use diesel::{
    backend::Backend,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    serialize::ToSql,
    sql_types::{BigInt, Text},
};

use super::{Connection, StorageError, connection::run, records::signed, schema::records, snapshots};
use crate::domain::{Record, RecordKind, RoomId, Seq};

/// Rows that are stored together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// Records of any rooms.
    pub records: Vec<(RoomId, Record)>,
    /// Of each room with records here, once: its newest record and its number of members.
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

/// The new head and number of members of a room.
struct NewHead<'a> {
    room_id: &'a str,
    head: i64,
    members: i64,
}

impl<'a> NewHead<'a> {
    fn of((room, head, members): &'a (RoomId, Seq, u64)) -> Self {
        Self { room_id: room.as_str(), head: signed(*head), members: signed(*members) }
    }
}

/// One UPDATE for all rooms of a batch: with PostgreSQL, one for each room would cost a round trip each.
/// Diesel has no query for it; both databases name the columns of a list of values alike.
struct UpdateHeads<'a>(&'a [NewHead<'a>]);

impl<DB: Backend> QueryFragment<DB> for UpdateHeads<'_>
where
    str: ToSql<Text, DB>,
    i64: ToSql<BigInt, DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("UPDATE rooms SET head = new.column2, members = new.column3 FROM (VALUES ");
        for (index, row) in self.0.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            out.push_bind_param::<Text, str>(row.room_id)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.head)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, i64>(&row.members)?;
            out.push_sql(")");
        }
        out.push_sql(") AS new WHERE rooms.id = new.column1");
        Ok(())
    }
}

impl QueryId for UpdateHeads<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Session> RunQueryDsl<Session> for UpdateHeads<'_> {}

/// Rows of one statement: at most 8 values each, so within the 32766 that SQLite binds and the 65535 of
/// PostgreSQL.
const ROWS: usize = 512;

/// Stores a batch in one transaction; it is durable when this returns.
///
/// # Errors
/// [`StorageError::Conflict`] if a record's number is taken in its room: somebody else writes the room.
/// [`StorageError::Unavailable`] as it says. Nothing is stored then, unless the connection was lost at the
/// commit.
pub fn store(connection: &mut Connection, batch: &Batch) -> Result<(), StorageError> {
    let records: Vec<_> = batch.records.iter().map(|(room, record)| NewRecord::of(room, record)).collect();
    let heads: Vec<_> = batch.heads.iter().map(NewHead::of).collect();
    connection.transaction(|connection| {
        for rows in records.chunks(ROWS) {
            run!(connection, |session| diesel::insert_into(records::table).values(rows).execute(session))?;
        }
        for rows in heads.chunks(ROWS) {
            run!(connection, |session| UpdateHeads(rows).execute(session))?;
        }
        for (room, seq, state) in &batch.snapshots {
            snapshots::save(connection, room, *seq, state)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use diesel::{Connection as _, connection::InstrumentationEvent};

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
    fn many_records_of_many_rooms_are_two_statements() {
        on_every_database(|database| {
            let mut batch = Batch::default();
            for room in (0..64).map(|n| RoomId::new(format!("room {n}"))) {
                batch.records.push((room.clone(), message(1, "text")));
                batch.heads.push((room, 1, 1));
            }
            let (counted, statements) = mpsc::channel();
            let count_starts = move |event: InstrumentationEvent<'_>| {
                if let InstrumentationEvent::StartQuery { query, .. } = event {
                    counted.send(query.to_string()).unwrap();
                }
            };
            let mut writer = database.writer().unwrap();
            run!(writer, |session| session.set_instrumentation(count_starts.clone()));
            store(&mut writer, &batch).unwrap();
            drop((writer, count_starts));
            let verbs: Vec<String> =
                statements.iter().map(|sql| sql.split(' ').next().unwrap().to_owned()).collect();
            assert_eq!(verbs, ["BEGIN", "INSERT", "UPDATE", "COMMIT"]);
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
