//! How far each partition of the Kafka log is stored, and the fence that lets only one saver store on.
//! What a partition or an offset is, is the log's business.

use diesel::{
    IntoSql,
    prelude::*,
    sql_types::{BigInt, Integer},
};

use super::{Connection, StorageError, bulk, connection::run, schema::partitions};

/// That everything of a partition below an offset is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advance {
    /// The partition.
    pub partition: i32,
    /// Where it must stand before, so that nothing is stored twice or left out; none if nothing is stored yet.
    pub from: Option<i64>,
    /// Where it stands afterwards: the first offset that is not stored.
    pub to: i64,
}

/// The first offset of a partition that is not stored; none if nothing of it ever was.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn next_offset(connection: &mut Connection, partition: i32) -> Result<Option<i64>, StorageError> {
    Ok(run!(connection, |session| partitions::table
        .find(partition)
        .select(partitions::next_offset)
        .first(session)
        .optional())?)
}

/// Every partition of which something is stored, ascending, with the first offset that is not.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn all(connection: &mut Connection) -> Result<Vec<(i32, i64)>, StorageError> {
    Ok(run!(connection, |session| partitions::table
        .order(partitions::number.asc())
        .select((partitions::number, partitions::next_offset))
        .load(session))?)
}

/// Moves partitions on, each named once, by compare-and-swap. Belongs into the transaction of what stands between.
///
/// # Errors
/// [`StorageError::Fenced`] if one of them does not stand where its advance starts.
pub(super) fn advance(connection: &mut Connection, advances: &[Advance]) -> Result<(), StorageError> {
    let (started, new): (Vec<Advance>, Vec<Advance>) =
        advances.iter().partition(|advance| advance.from.is_some());
    let moved = bulk::execute::<Move, _>(connection, &bulk::filled(&started, move_row))?
        + bulk::execute::<Start, _>(connection, &bulk::filled(&new, start_row))?;
    if moved == advances.len() { Ok(()) } else { Err(fenced(advances)) }
}

fn fenced(advances: &[Advance]) -> StorageError {
    let places: Vec<String> = advances
        .iter()
        .map(|Advance { partition, from, .. }| format!("{partition} at {}", from.unwrap_or_default()))
        .collect();
    StorageError::Fenced(places.join(", "))
}

enum Move {}

impl bulk::Wording for Move {
    const BEFORE: &'static str = "UPDATE partitions SET next_offset = new.column3 FROM (VALUES ";
    const AFTER: &'static str =
        ") AS new WHERE partitions.number = new.column1 AND partitions.next_offset = new.column2";
}

fn move_row(advance: &Advance) -> impl bulk::Row {
    (
        advance.partition.into_sql::<Integer>(),
        advance.from.unwrap_or_default().into_sql::<BigInt>(),
        advance.to.into_sql::<BigInt>(),
    )
}

enum Start {}

impl bulk::Wording for Start {
    const BEFORE: &'static str = "INSERT INTO partitions (number, next_offset) VALUES ";
    const AFTER: &'static str = " ON CONFLICT (number) DO NOTHING";
}

fn start_row(advance: &Advance) -> impl bulk::Row {
    (advance.partition.into_sql::<Integer>(), advance.to.into_sql::<BigInt>())
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, thread};

    use super::*;
    use crate::storage::{Database, testbed::on_every_database};

    fn to(partition: i32, from: Option<i64>, to: i64) -> Advance {
        Advance { partition, from, to }
    }

    fn moves(database: &Database, advances: &[Advance]) -> Result<(), StorageError> {
        database.write(|connection| advance(connection, advances))
    }

    #[test]
    fn a_partition_moves_on_from_where_it_stands_and_from_nowhere_else() {
        on_every_database(|database| {
            let stands = || database.read(all).unwrap();
            assert_eq!(database.read(|connection| next_offset(connection, 1)).unwrap(), None);
            moves(database, &[to(1, None, 4), to(0, None, 2)]).unwrap();
            moves(database, &[to(1, Some(4), 9), to(7, None, 3), to(0, Some(2), 3)]).unwrap();
            assert_eq!(stands(), [(0, 3), (1, 9), (7, 3)]);
            assert_eq!(database.read(|connection| next_offset(connection, 1)).unwrap(), Some(9));

            for late in [to(1, Some(4), 9), to(1, Some(10), 11), to(1, None, 9), to(2, Some(0), 1)] {
                let refused = moves(database, &[to(0, Some(3), 100), late, to(8, None, 1)]);
                assert!(matches!(refused, Err(StorageError::Fenced(_))), "{late:?}: {refused:?}");
            }
            assert_eq!(stands(), [(0, 3), (1, 9), (7, 3)]);
        });
    }

    #[test]
    fn d7_of_two_savers_at_one_place_one_is_fenced() {
        on_every_database(|database| {
            for from in [None, Some(5)] {
                let target = from.unwrap_or_default() + 5;
                let (began, has_begun) = mpsc::channel();
                let late = thread::scope(|scope| {
                    let late = scope.spawn(move || {
                        has_begun.recv().unwrap();
                        loop {
                            // A locked file is not waited for long; the server waits for the other's row.
                            match moves(database, &[to(1, from, target)]) {
                                Err(StorageError::Unavailable(_)) => {}
                                other => return other,
                            }
                        }
                    });
                    let early = database.writer().unwrap().transaction(|connection| {
                        advance(connection, &[to(1, from, target)])?;
                        began.send(()).unwrap();
                        thread::yield_now();
                        Ok(())
                    });
                    early.unwrap();
                    late.join().unwrap()
                });
                assert!(matches!(late, Err(StorageError::Fenced(_))), "{late:?}");
                assert_eq!(database.read(all).unwrap(), [(1, target)]);
            }
        });
    }
}
