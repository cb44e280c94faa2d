//! Statements over a list of rows, in a few fixed sizes, so that a connection prepares each of them once.
//! Diesel's own multi-row INSERT of borrowed values is parsed anew at every use, which halves PostgreSQL's rate.

use std::marker::PhantomData;

use diesel::{
    backend::Backend,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sqlite::Sqlite,
};

use super::{Connection, StorageError, connection::run};

/// What stands before and after the list of values, the same for both databases.
pub(super) trait Wording: 'static {
    const BEFORE: &'static str;
    const AFTER: &'static str;
}

/// A row of values to bind: a tuple of them, each made with `into_sql`.
pub(super) trait Row: QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId {}

impl<R: QueryFragment<Sqlite> + QueryFragment<Pg> + QueryId> Row for R {}

/// A row of each item, and of the last one again until the rows fill one statement, which costs less than the
/// round trips of a remainder. For statements to which the same row twice is as good as once.
pub(super) fn filled<'items, T, R>(items: &'items [T], row: impl Fn(&'items T) -> R) -> Vec<R> {
    let repeats = items.len().next_power_of_two() - items.len();
    items.iter().chain(items.last().into_iter().cycle().take(repeats)).map(row).collect()
}

/// Executes a statement on all the rows, on none if there are none, and gives the number of rows it changed.
///
/// # Errors
/// [`StorageError::Conflict`] and [`StorageError::Unavailable`]. Belongs into a transaction, since what was
/// done with other rows by then stays.
pub(super) fn execute<T: Wording, R: Row>(
    connection: &mut Connection,
    rows: &[R],
) -> Result<usize, StorageError> {
    let mut changed = 0;
    let rows = execute_by::<128, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<64, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<32, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<16, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<8, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<4, T, R>(connection, rows, &mut changed)?;
    let rows = execute_by::<2, T, R>(connection, rows, &mut changed)?;
    execute_by::<1, T, R>(connection, rows, &mut changed)?;
    Ok(changed)
}

/// Executes the statement of `N` rows as often as they suffice, and gives back those that are left.
fn execute_by<'rows, const N: usize, T: Wording, R: Row>(
    connection: &mut Connection,
    rows: &'rows [R],
    changed: &mut usize,
) -> Result<&'rows [R], StorageError> {
    let (chunks, rest) = rows.as_chunks::<N>();
    for rows in chunks {
        let statement = Statement::<N, T, R> { rows, text: PhantomData };
        *changed += run!(connection, |session| statement.execute(session))?;
    }
    Ok(rest)
}

struct Statement<'rows, const N: usize, T, R> {
    rows: &'rows [R; N],
    text: PhantomData<T>,
}

impl<const N: usize, T: Wording, R: QueryId> QueryId for Statement<'_, N, T, R> {
    type QueryId = Statement<'static, N, T, R::QueryId>;
    const HAS_STATIC_QUERY_ID: bool = R::HAS_STATIC_QUERY_ID;
}

impl<const N: usize, T: Wording, R: QueryFragment<DB>, DB: Backend> QueryFragment<DB>
    for Statement<'_, N, T, R>
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql(T::BEFORE);
        for (index, row) in self.rows.iter().enumerate() {
            out.push_sql(if index == 0 { "(" } else { ", (" });
            row.walk_ast(out.reborrow())?;
            out.push_sql(")");
        }
        out.push_sql(T::AFTER);
        Ok(())
    }
}

impl<const N: usize, T, R, Session> RunQueryDsl<Session> for Statement<'_, N, T, R> {}
