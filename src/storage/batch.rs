//! What is stored in one transaction: records, the heads of their rooms, snapshots, and how far the log is read.
//! What is grouped, and when, is the business of the DB-writer and of the saver.

use diesel::{
    IntoSql,
    sql_types::{BigInt, Nullable, Text},
};
use serde::Serialize;

use super::{
    Connection, Membership, StorageError, bulk, memberships, partitions, partitions::Advance,
    records::signed, snapshots,
};
use crate::domain::{ClientId, Particulars, Record, RoomId, Seq};

/// Rows that are stored together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// How far partitions of the log are stored with this, each once; empty for the embedded log.
    pub advances: Vec<Advance>,
    /// Records of any rooms.
    pub records: Vec<NewRecord>,
    /// Of each room with records here, once: its newest record and its number of members.
    pub heads: Vec<(RoomId, Seq, u64)>,
    /// Rooms that are closed by records here.
    pub closed: Vec<RoomId>,
    /// How people belong to rooms after records here, in the order of those.
    pub memberships: Vec<Membership>,
    /// Snapshots: the last record in it, and the state as JSON.
    pub snapshots: Vec<(RoomId, Seq, String)>,
}

/// A record that is about to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRecord {
    /// Its room.
    pub room: RoomId,
    /// What was recorded.
    pub record: Record,
    /// Where in its partition of the log it stands; none on the embedded log.
    pub log_offset: Option<i64>,
}

/// Stores a batch in one transaction; it is durable when this returns.
///
/// # Errors
/// [`StorageError::Fenced`] if a partition does not stand where its advance starts: somebody else stores it.
/// [`StorageError::Conflict`] if a record's number is taken in its room: somebody else writes the room.
/// [`StorageError::Unavailable`] as it says. Nothing is stored then, unless the connection was lost at the
/// commit.
pub fn store(connection: &mut Connection, batch: &Batch) -> Result<(), StorageError> {
    let records: Vec<_> = batch.records.iter().map(record_row).collect();
    let heads = bulk::filled(&batch.heads, head_row);
    let closed = bulk::filled(&batch.closed, |room| (room.as_str().into_sql::<Text>(),));
    connection.transaction(|connection| {
        // First of all, so that a late twin waits here for whoever stores these partitions now.
        partitions::advance(connection, &batch.advances)?;
        bulk::execute::<InsertRecords, _>(connection, &records)?;
        bulk::execute::<UpdateHeads, _>(connection, &heads)?;
        bulk::execute::<CloseRooms, _>(connection, &closed)?;
        memberships::save(connection, &batch.memberships)?;
        for (room, seq, state) in &batch.snapshots {
            snapshots::save(connection, room, *seq, state)?;
        }
        Ok(())
    })
}

enum InsertRecords {}

impl bulk::Wording for InsertRecords {
    const BEFORE: &'static str = "INSERT INTO records (room_id, seq, at, kind, sender_id, sender_nickname, body, client_id, \
         log_offset, headers, act) VALUES ";
    const AFTER: &'static str = "";
}

fn record_row(NewRecord { room, record, log_offset }: &NewRecord) -> impl bulk::Row {
    let message = record.kind.message();
    let client_id = message.and_then(|message| message.client_id.as_ref());
    let headers = message.map(|message| &message.headers).filter(|headers| !headers.is_empty());
    (
        room.as_str().into_sql::<Text>(),
        signed(record.seq).into_sql::<BigInt>(),
        record.at.as_millis().into_sql::<BigInt>(),
        record.kind.name().into_sql::<Text>(),
        record.sender.id.as_str().into_sql::<Text>(),
        (&*record.sender.nickname).into_sql::<Text>(),
        message.map(|message| message.body.as_str()).into_sql::<Nullable<Text>>(),
        client_id.map(ClientId::as_str).into_sql::<Nullable<Text>>(),
        log_offset.into_sql::<Nullable<BigInt>>(),
        headers.map(json).into_sql::<Nullable<Text>>(),
        Particulars::of(&record.kind).as_ref().map(json).into_sql::<Nullable<Text>>(),
    )
}

fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("objects with text keys and no fallible parts serialise")
}

/// No name that somebody chose has U+0001 in it.
enum CloseRooms {}

impl bulk::Wording for CloseRooms {
    const BEFORE: &'static str =
        "UPDATE rooms SET closed = TRUE, name_key = 'closed\u{1}' || rooms.id WHERE rooms.id IN (VALUES ";
    const AFTER: &'static str = ")";
}

/// One UPDATE for many rooms, since with PostgreSQL each statement costs a round trip. Both databases call the
/// columns of a list of values alike.
enum UpdateHeads {}

impl bulk::Wording for UpdateHeads {
    const BEFORE: &'static str = "UPDATE rooms SET head = new.column2, members = new.column3 FROM (VALUES ";
    const AFTER: &'static str = ") AS new WHERE rooms.id = new.column1";
}

fn head_row((room, head, members): &(RoomId, Seq, u64)) -> impl bulk::Row {
    (
        room.as_str().into_sql::<Text>(),
        signed(*head).into_sql::<BigInt>(),
        signed(*members).into_sql::<BigInt>(),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use diesel::{Connection as _, connection::InstrumentationEvent};

    use super::*;
    use crate::storage::{
        Database,
        connection::run,
        records as history, rooms as list,
        testbed::{message, new_record, new_room, on_every_database},
    };

    fn batch_of(room: &RoomId, seqs: std::ops::RangeInclusive<Seq>) -> Batch {
        let head = *seqs.end();
        Batch {
            records: seqs.map(|seq| new_record(room, message(seq, "text"))).collect(),
            heads: vec![(room.clone(), head, 3)],
            ..Batch::default()
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
            assert_eq!(verbs(database, &many_records()), ["BEGIN", "INSERT", "UPDATE", "COMMIT"]);
        });
    }

    #[test]
    fn partitions_of_the_log_are_two_statements_more_at_most() {
        on_every_database(|database| {
            let advance = |partition, from, to| Advance { partition, from, to };
            let started = (0..3).map(|partition| advance(partition, None, 5)).collect();
            store(&mut database.writer().unwrap(), &Batch { advances: started, ..Batch::default() }).unwrap();
            let old = (0..3).map(|partition| advance(partition, Some(5), 9));
            let new = (3..10).map(|partition| advance(partition, None, 7));
            let batch = Batch { advances: old.chain(new).collect(), ..many_records() };
            let expected = ["BEGIN", "UPDATE", "INSERT", "INSERT", "UPDATE", "COMMIT"];
            assert_eq!(verbs(database, &batch), expected);
        });
    }

    fn many_records() -> Batch {
        let mut batch = Batch::default();
        for room in (0..64).map(|n| RoomId::new(format!("room {n}"))) {
            batch.records.push(new_record(&room, message(1, "text")));
            batch.heads.push((room, 1, 1));
        }
        batch
    }

    /// The first words of the statements with which a batch is stored.
    fn verbs(database: &Database, batch: &Batch) -> Vec<String> {
        let (counted, statements) = mpsc::channel();
        let count_starts = move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                counted.send(query.to_string()).unwrap();
            }
        };
        let mut writer = database.writer().unwrap();
        run!(writer, |session| session.set_instrumentation(count_starts.clone()));
        store(&mut writer, batch).unwrap();
        drop((writer, count_starts));
        statements.iter().map(|sql| sql.split(' ').next().unwrap().to_owned()).collect()
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
            late.records.insert(0, new_record(&other, message(1, "in the same batch")));
            let refused = store(&mut writer, &late);
            assert!(matches!(refused, Err(StorageError::Conflict(_))), "{refused:?}");
            assert_eq!((count(database, &room), count(database, &other)), (3, 0));
            assert_eq!(head_and_members(database, &room), (3, 3));

            store(&mut writer, &batch_of(&room, 4..=5)).unwrap();
            assert_eq!(count(database, &room), 5);
        });
    }
}
