//! Who belongs to which rooms, as rows that follow the rooms' logs: for lists of one's own rooms and invitations.
//! Whether somebody may do something is never read from here, but asked of the room itself.

use diesel::{
    IntoSql,
    prelude::*,
    sql_types::{BigInt, Text},
};

use super::{
    Connection, StorageError, bulk,
    connection::run,
    records::signed,
    rooms::{self, RoomRow},
    schema::{memberships, rooms as rooms_table},
};
use crate::domain::{Belonging, Role, RoomId, RoomInfo, Seq, UserId};

/// How somebody belongs to a room after a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// Who.
    pub user: UserId,
    /// To which room.
    pub room: RoomId,
    /// How; not at all where nothing is said.
    pub belonging: Option<Belonging>,
    /// The record.
    pub seq: Seq,
}

/// Stores how people belong to rooms. Of one person and room the last entry counts. Belongs into a transaction.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub(super) fn save(connection: &mut Connection, changes: &[Membership]) -> Result<(), StorageError> {
    let is_last = |(index, one): &(usize, &Membership)| {
        let is_same = |other: &Membership| (&other.user, &other.room) == (&one.user, &one.room);
        !changes[index + 1..].iter().any(is_same)
    };
    let last = || changes.iter().enumerate().filter(is_last).map(|(_, one)| one);
    let there: Vec<_> = last().filter_map(there_row).collect();
    let gone: Vec<_> = last().filter(|one| one.belonging.is_none()).map(gone_row).collect();
    bulk::execute::<Upsert, _>(connection, &there)?;
    bulk::execute::<Delete, _>(connection, &gone)?;
    Ok(())
}

enum Upsert {}

impl bulk::Wording for Upsert {
    const BEFORE: &'static str = "INSERT INTO memberships (user_id, room_id, standing, seq) VALUES ";
    const AFTER: &'static str =
        " ON CONFLICT (user_id, room_id) DO UPDATE SET standing = excluded.standing, seq = excluded.seq";
}

fn there_row(Membership { user, room, belonging, seq }: &Membership) -> Option<impl bulk::Row> {
    let belonging = (*belonging)?;
    Some((
        user.as_str().into_sql::<Text>(),
        room.as_str().into_sql::<Text>(),
        belonging.name().into_sql::<Text>(),
        signed(*seq).into_sql::<BigInt>(),
    ))
}

enum Delete {}

impl bulk::Wording for Delete {
    const BEFORE: &'static str = "DELETE FROM memberships WHERE (user_id, room_id) IN (VALUES ";
    const AFTER: &'static str = ")";
}

fn gone_row(Membership { user, room, .. }: &Membership) -> impl bulk::Row {
    (user.as_str().into_sql::<Text>(), room.as_str().into_sql::<Text>())
}

/// Which rooms of somebody's are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mine {
    /// Those of which they are a member.
    Member,
    /// Those to which they are invited, while they are open.
    Invited,
}

/// At most `limit` rooms of somebody's with their numbers and how they belong to them, newest first; those made before
/// the room numbered `after`.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn of_user(
    connection: &mut Connection,
    user: &UserId,
    mine: Mine,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, RoomInfo, Belonging)>, StorageError> {
    let members = [Role::Owner, Role::Moderator, Role::Member].map(Role::name);
    let (standings, closed): (&[&str], &[bool]) = match mine {
        Mine::Member => (&members, &[false, true]),
        Mine::Invited => (&[Belonging::Invited.name()], &[false]),
    };
    let rows: Vec<(RoomRow, String)> = run!(connection, |session| memberships::table
        .inner_join(rooms_table::table.on(rooms_table::id.eq(memberships::room_id)))
        .filter(memberships::user_id.eq(user.as_str()))
        .filter(memberships::standing.eq_any(standings.iter().copied()))
        .filter(rooms_table::closed.eq_any(closed.iter().copied()))
        .filter(rooms_table::number.lt(after.unwrap_or(i64::MAX)))
        .order(rooms_table::number.desc())
        .limit(i64::from(limit))
        .select((RoomRow::as_select(), memberships::standing))
        .load(session))?;
    let parse = |(row, standing): (RoomRow, String)| {
        let number = row.number();
        Ok((number, row.parse()?, belonging(&standing)?))
    };
    rows.into_iter().map(parse).collect()
}

/// How everybody belongs to a room, in the order of their ids.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn of_room(connection: &mut Connection, room: &RoomId) -> Result<Vec<(UserId, Belonging)>, StorageError> {
    let rows: Vec<(String, String)> = run!(connection, |session| memberships::table
        .filter(memberships::room_id.eq(room.as_str()))
        .select((memberships::user_id, memberships::standing))
        .load(session))?;
    let mut all = rows
        .into_iter()
        .map(|(user, standing)| Ok((UserId::new(user), belonging(&standing)?)))
        .collect::<Result<Vec<_>, StorageError>>()?;
    // Databases sort texts each in their own way.
    all.sort();
    Ok(all)
}

fn belonging(standing: &str) -> Result<Belonging, StorageError> {
    Belonging::from_name(standing)
        .ok_or_else(|| StorageError::Corrupt(format!("a membership says {standing:?}")))
}

/// Makes the two of a direct room expected there. Belongs into the transaction that makes the room.
pub(super) fn expect_pair(connection: &mut Connection, new: &rooms::NewRoom) -> Result<(), StorageError> {
    let Some(peer) = &new.peer else { return Ok(()) };
    let expected = [&new.created_by, peer].map(|user| Membership {
        user: user.id.clone(),
        room: new.id.clone(),
        belonging: Some(Belonging::Invited),
        seq: 0,
    });
    save(connection, &expected)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{User, Visibility},
        storage::{
            Batch, batch,
            rooms::{NewRoom, create},
            testbed::{new_room, on_every_database, user},
        },
    };

    fn change(user: &User, room: &RoomId, belonging: Option<Belonging>) -> Membership {
        Membership { user: user.id.clone(), room: room.clone(), belonging, seq: 1 }
    }

    #[test]
    fn rows_follow_the_last_change_of_a_batch() {
        on_every_database(|database| {
            let (ada, bob) = (user("Ada"), user("Bob"));
            let rooms: Vec<RoomId> = ["a", "b", "c"]
                .map(|name| {
                    let new = new_room(name);
                    database.write(|connection| create(connection, &new)).unwrap();
                    new.id
                })
                .to_vec();
            let member = |role| Some(Belonging::Member(role));
            let mut writer = database.writer().unwrap();
            let changes = vec![
                change(&ada, &rooms[0], Some(Belonging::Invited)),
                change(&ada, &rooms[0], member(Role::Member)),
                change(&ada, &rooms[1], member(Role::Owner)),
                change(&bob, &rooms[0], Some(Belonging::Invited)),
                change(&bob, &rooms[2], member(Role::Member)),
                change(&bob, &rooms[2], None),
            ];
            batch::store(&mut writer, &Batch { memberships: changes, ..Batch::default() }).unwrap();
            let mine = |user: &User, mine| {
                let all = database.read(|conn| of_user(conn, &user.id, mine, None, 10)).unwrap();
                all.into_iter().map(|(_, room, belonging)| (room.id, belonging)).collect::<Vec<_>>()
            };
            let of_ada = [
                (rooms[1].clone(), Belonging::Member(Role::Owner)),
                (rooms[0].clone(), Belonging::Member(Role::Member)),
            ];
            assert_eq!(mine(&ada, Mine::Member), of_ada);
            assert_eq!(mine(&bob, Mine::Member), []);
            assert_eq!(mine(&bob, Mine::Invited), [(rooms[0].clone(), Belonging::Invited)]);
            let gone = vec![change(&bob, &rooms[0], None), change(&ada, &rooms[1], None)];
            let closed = vec![rooms[0].clone()];
            batch::store(&mut writer, &Batch { memberships: gone, closed, ..Batch::default() }).unwrap();
            assert_eq!(mine(&bob, Mine::Invited), []);
            assert_eq!(mine(&ada, Mine::Member).len(), 1, "a closed room is one's own still");
            let belonging = database.read(|conn| of_room(conn, &rooms[0])).unwrap();
            assert_eq!(belonging, [(ada.id, Belonging::Member(Role::Member))]);
        });
    }

    #[test]
    fn the_two_of_a_direct_room_are_expected_there() {
        on_every_database(|database| {
            let new = NewRoom { visibility: Visibility::Direct, peer: Some(user("Bob")), ..new_room("d") };
            database.write(|connection| create(connection, &new)).unwrap();
            for name in ["Ada", "Bob"] {
                let rooms = database
                    .read(|connection| of_user(connection, &user(name).id, Mine::Invited, None, 10))
                    .unwrap();
                assert_eq!(rooms.len(), 1, "{name}");
                assert_eq!(rooms[0].1.peer, Some(user("Bob")));
            }
        });
    }
}
