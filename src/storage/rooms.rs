//! Rooms as lists show them: names, creators, and the head and number of members that `batch` keeps.
//! What a room is after its log is the fold's business.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, memberships, records::unsigned, schema::rooms};
use crate::domain::{Epoch, Foundation, Position, RoomId, RoomInfo, Timestamp, User, UserId, Visibility};

/// A room that is about to be stored, with no members and no records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// Names the room for ever.
    pub id: RoomId,
    /// The name that people see.
    pub name: String,
    /// What tells names apart.
    pub name_key: String,
    /// The first life of its log.
    pub epoch: Epoch,
    /// When it is made.
    pub created_at: Timestamp,
    /// Who makes it.
    pub created_by: User,
    /// For whose eyes.
    pub visibility: Visibility,
    /// The other one of a direct room.
    pub peer: Option<User>,
    /// The partition of the Kafka log that it lives in; none on the embedded log.
    pub partition: Option<i32>,
}

impl NewRoom {
    /// What it is made as.
    pub fn foundation(&self) -> Foundation {
        let (creator, peer) = (self.created_by.id.clone(), self.peer.as_ref().map(|peer| peer.id.clone()));
        Foundation { creator, visibility: self.visibility, peer }
    }
}

/// What became of a new room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoomCreation {
    /// It is stored.
    Created(RoomInfo),
    /// This room has the name; nothing is stored.
    Taken(RoomInfo),
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rooms)]
pub(super) struct RoomRow {
    number: i64,
    id: String,
    name: String,
    epoch: String,
    created_at: i64,
    creator_id: String,
    creator_nickname: String,
    members: i64,
    head: i64,
    visibility: String,
    peer_id: Option<String>,
    peer_nickname: Option<String>,
    closed: bool,
}

impl RoomRow {
    pub(super) const fn number(&self) -> i64 {
        self.number
    }

    pub(super) fn parse(self) -> Result<RoomInfo, StorageError> {
        let user = |(id, nickname): (String, String)| User { id: UserId::new(id), nickname: nickname.into() };
        Ok(RoomInfo {
            visibility: visibility(&self.visibility)?,
            peer: self.peer_id.zip(self.peer_nickname).map(user),
            closed: self.closed,
            id: RoomId::new(self.id),
            name: self.name.into(),
            created_at: Timestamp::from_millis(self.created_at),
            created_by: User { id: UserId::new(self.creator_id), nickname: self.creator_nickname.into() },
            members: unsigned(self.members)?,
            head: Position { epoch: Epoch::new(self.epoch), seq: unsigned(self.head)? },
        })
    }
}

fn visibility(name: &str) -> Result<Visibility, StorageError> {
    Visibility::from_name(name)
        .ok_or_else(|| StorageError::Corrupt(format!("a room has the visibility {name:?}")))
}

/// What a room was made as; none if there is no such room.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn foundation_of(connection: &mut Connection, room: &RoomId) -> Result<Option<Foundation>, StorageError> {
    let row: Option<(String, String, Option<String>)> = run!(connection, |session| rooms::table
        .find(room.as_str())
        .select((rooms::creator_id, rooms::visibility, rooms::peer_id))
        .first(session)
        .optional())?;
    let Some((creator, name, peer)) = row else { return Ok(None) };
    let (creator, peer) = (UserId::new(creator), peer.map(UserId::new));
    Ok(Some(Foundation { creator, visibility: visibility(&name)?, peer }))
}

/// Stores a room. Belongs into [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Conflict`] if the room's id is there already.
pub fn create(connection: &mut Connection, new: &NewRoom) -> Result<RoomCreation, StorageError> {
    let row = (
        rooms::id.eq(new.id.as_str()),
        rooms::name.eq(&new.name),
        rooms::name_key.eq(&new.name_key),
        rooms::epoch.eq(new.epoch.as_str()),
        rooms::created_at.eq(new.created_at.as_millis()),
        rooms::creator_id.eq(new.created_by.id.as_str()),
        rooms::creator_nickname.eq(&*new.created_by.nickname),
        rooms::members.eq(0),
        rooms::head.eq(0),
        rooms::partition.eq(new.partition),
        rooms::visibility.eq(new.visibility.name()),
        rooms::peer_id.eq(new.peer.as_ref().map(|peer| peer.id.as_str())),
        rooms::peer_nickname.eq(new.peer.as_ref().map(|peer| &*peer.nickname)),
        rooms::closed.eq(false),
    );
    let inserted = run!(connection, |session| diesel::insert_into(rooms::table)
        .values(row)
        .on_conflict(rooms::name_key)
        .do_nothing()
        .execute(session))?;
    let room = by_name_key(connection, &new.name_key)?
        .ok_or_else(|| StorageError::unavailable("a room vanished while it was made"))?;
    if inserted == 0 {
        return Ok(RoomCreation::Taken(room));
    }
    memberships::expect_pair(connection, new)?;
    Ok(RoomCreation::Created(room))
}

/// The room with this id.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn by_id(connection: &mut Connection, id: &RoomId) -> Result<Option<RoomInfo>, StorageError> {
    let row = run!(connection, |session| rooms::table
        .find(id.as_str())
        .select(RoomRow::as_select())
        .first(session)
        .optional())?;
    row.map(RoomRow::parse).transpose()
}

/// The room whose name has this key.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn by_name_key(connection: &mut Connection, name_key: &str) -> Result<Option<RoomInfo>, StorageError> {
    let row = run!(connection, |session| rooms::table
        .filter(rooms::name_key.eq(name_key))
        .select(RoomRow::as_select())
        .first(session)
        .optional())?;
    row.map(RoomRow::parse).transpose()
}

/// At most `limit` rooms that anybody may find, with their numbers, newest first; those made before the room numbered
/// `after`.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn newest(
    connection: &mut Connection,
    after: Option<i64>,
    limit: u32,
) -> Result<Vec<(i64, RoomInfo)>, StorageError> {
    let rows = run!(connection, |session| rooms::table
        .filter(rooms::number.lt(after.unwrap_or(i64::MAX)))
        .filter(rooms::visibility.eq(Visibility::Public.name()))
        .filter(rooms::closed.eq(false))
        .order(rooms::number.desc())
        .limit(i64::from(limit))
        .select(RoomRow::as_select())
        .load(session))?;
    rows.into_iter().map(|row| Ok((row.number, row.parse()?))).collect()
}

/// Lets the rooms that somebody shares with one other show what they are called now.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn rename_in_pairs(
    connection: &mut Connection,
    user: &UserId,
    nickname: &str,
) -> Result<(), StorageError> {
    let direct = Visibility::Direct.name();
    let made = rooms::table.filter(rooms::creator_id.eq(user.as_str())).filter(rooms::visibility.eq(direct));
    run!(connection, |session| diesel::update(made)
        .set(rooms::creator_nickname.eq(nickname))
        .execute(session))?;
    let shared = rooms::table.filter(rooms::peer_id.eq(user.as_str()));
    run!(connection, |session| diesel::update(shared)
        .set(rooms::peer_nickname.eq(nickname))
        .execute(session))?;
    Ok(())
}

/// Gives a room its partition of the Kafka log unless it has one, and says which one is in force, whoever gave
/// it. Belongs into [`Database::write`](super::Database::write).
///
/// # Errors
/// [`StorageError::Unavailable`], also if there is no such room.
pub fn place(connection: &mut Connection, room: &RoomId, partition: i32) -> Result<i32, StorageError> {
    let unplaced = rooms::table.find(room.as_str()).filter(rooms::partition.is_null());
    run!(connection, |session| diesel::update(unplaced)
        .set(rooms::partition.eq(partition))
        .execute(session))?;
    partition_of(connection, room)?
        .ok_or_else(|| StorageError::unavailable(format!("room {room} has no row to be placed in")))
}

/// The partition of the Kafka log that a room lives in, if it has one.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn partition_of(connection: &mut Connection, room: &RoomId) -> Result<Option<i32>, StorageError> {
    let found: Option<Option<i32>> = run!(connection, |session| rooms::table
        .find(room.as_str())
        .select(rooms::partition)
        .first(session)
        .optional())?;
    Ok(found.flatten())
}

/// At most `limit` rooms of a partition with their numbers, oldest first; those made after the room numbered
/// `after`.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn placed_in(
    connection: &mut Connection,
    partition: i32,
    after: i64,
    limit: u32,
) -> Result<Vec<(i64, RoomId)>, StorageError> {
    let rows: Vec<(i64, String)> = run!(connection, |session| rooms::table
        .filter(rooms::partition.eq(partition))
        .filter(rooms::number.gt(after))
        .order(rooms::number.asc())
        .limit(i64::from(limit))
        .select((rooms::number, rooms::id))
        .load(session))?;
    Ok(rows.into_iter().map(|(number, id)| (number, RoomId::new(id))).collect())
}

/// Whether some room lives on the Kafka log, so that the embedded one must leave this database alone.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn any_placed(connection: &mut Connection) -> Result<bool, StorageError> {
    let placed = rooms::table.filter(rooms::partition.is_not_null()).select(rooms::id);
    let found: Option<String> = run!(connection, |session| placed.first(session).optional())?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{
        Batch, batch,
        testbed::{new_room, on_every_database},
    };

    #[test]
    fn a_name_is_given_to_one_room() {
        on_every_database(|database| {
            let new = new_room("Tea");
            let created = database.write(|connection| create(connection, &new)).unwrap();
            let RoomCreation::Created(room) = created else { panic!("{created:?}") };
            assert_eq!((&*room.name, room.members, room.head.seq), ("Tea", 0, 0));
            assert_eq!((&room.created_at, &room.created_by), (&new.created_at, &new.created_by));

            let other = NewRoom { id: RoomId::new("other"), name: "TEA".to_owned(), ..new };
            let again = database.write(|connection| create(connection, &other)).unwrap();
            assert_eq!(again, RoomCreation::Taken(room.clone()));

            let found = database
                .read(|connection| Ok((by_id(connection, &room.id)?, by_name_key(connection, "tea")?)))
                .unwrap();
            assert_eq!(found, (Some(room.clone()), Some(room)));
            assert_eq!(database.read(|connection| by_id(connection, &other.id)).unwrap(), None);
        });
    }

    #[test]
    fn a_room_keeps_the_partition_that_it_was_given_first() {
        on_every_database(|database| {
            let (old, born) = (new_room("old"), NewRoom { partition: Some(7), ..new_room("born") });
            database.write(|connection| create(connection, &old)).unwrap();
            assert!(!database.read(any_placed).unwrap());
            database.write(|connection| create(connection, &born)).unwrap();
            assert!(database.read(any_placed).unwrap());

            let put = |room: &RoomId, partition| database.write(|conn| place(conn, room, partition));
            assert_eq!(database.read(|connection| partition_of(connection, &old.id)).unwrap(), None);
            for (room, partition, in_force) in [(&old, 3, 3), (&old, 4, 3), (&born, 4, 7)] {
                assert_eq!(put(&room.id, partition).unwrap(), in_force);
                let found = database.read(|connection| partition_of(connection, &room.id)).unwrap();
                assert_eq!(found, Some(in_force));
            }
            assert!(matches!(put(&RoomId::new("none"), 1), Err(StorageError::Unavailable(_))));
            let placed = |after| database.read(|connection| placed_in(connection, 7, after, 9)).unwrap();
            assert_eq!(placed(0), [(2, born.id.clone())]);
            assert_eq!(placed(2), []);
        });
    }

    #[test]
    fn only_public_rooms_that_are_open_are_listed() {
        on_every_database(|database| {
            let public = new_room("public");
            let private = NewRoom { visibility: Visibility::Private, ..new_room("private") };
            for new in [&public, &private] {
                let created = database.write(|connection| create(connection, new)).unwrap();
                let RoomCreation::Created(room) = created else { panic!("{created:?}") };
                let founded = database.read(|connection| foundation_of(connection, &new.id)).unwrap();
                assert_eq!(founded, Some(room.foundation()));
                assert_eq!(room.visibility, new.visibility);
            }
            let listed = || {
                let rooms = database.read(|connection| newest(connection, None, 9)).unwrap();
                rooms.into_iter().map(|(_, room)| room.id).collect::<Vec<_>>()
            };
            assert_eq!(listed(), std::slice::from_ref(&public.id));
            let batch = Batch { closed: vec![public.id.clone()], ..Batch::default() };
            batch::store(&mut database.writer().unwrap(), &batch).unwrap();
            assert_eq!(listed(), []);
            assert!(database.read(|connection| by_id(connection, &public.id)).unwrap().unwrap().closed);
            let again = NewRoom { id: RoomId::new("again"), ..public };
            let created = database.write(|connection| create(connection, &again)).unwrap();
            assert!(matches!(created, RoomCreation::Created(_)), "the name is free again: {created:?}");
        });
    }

    #[test]
    fn rooms_are_paged_from_the_newest() {
        on_every_database(|database| {
            let names = ["a", "b", "c", "d", "e"];
            for name in names {
                database.write(|connection| create(connection, &new_room(name))).unwrap();
            }
            let (mut listed, mut after) = (Vec::new(), None);
            loop {
                let page = database.read(|connection| newest(connection, after, 2)).unwrap();
                let Some((last, _)) = page.last() else { break };
                after = Some(*last);
                listed.extend(page.into_iter().map(|(_, room)| room.name.to_string()));
            }
            assert_eq!(listed, ["e", "d", "c", "b", "a"]);
        });
    }
}
