//! Rooms as lists show them: names, creators, and the head and number of members that `batch` keeps.
//! What a room is after its log is the fold's business.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, records::unsigned, schema::rooms};
use crate::domain::{Epoch, Position, RoomId, RoomInfo, Timestamp, User, UserId};

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
struct RoomRow {
    number: i64,
    id: String,
    name: String,
    epoch: String,
    created_at: i64,
    creator_id: String,
    creator_nickname: String,
    members: i64,
    head: i64,
}

impl RoomRow {
    fn parse(self) -> Result<RoomInfo, StorageError> {
        Ok(RoomInfo {
            id: RoomId::new(self.id),
            name: self.name.into(),
            created_at: Timestamp::from_millis(self.created_at),
            created_by: User { id: UserId::new(self.creator_id), nickname: self.creator_nickname.into() },
            members: unsigned(self.members)?,
            head: Position { epoch: Epoch::new(self.epoch), seq: unsigned(self.head)? },
        })
    }
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
    );
    let inserted = run!(connection, |session| diesel::insert_into(rooms::table)
        .values(row)
        .on_conflict(rooms::name_key)
        .do_nothing()
        .execute(session))?;
    let room = by_name_key(connection, &new.name_key)?
        .ok_or_else(|| StorageError::unavailable("a room vanished while it was made"))?;
    Ok(if inserted == 1 { RoomCreation::Created(room) } else { RoomCreation::Taken(room) })
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

/// At most `limit` rooms with their numbers, newest first; those made before the room numbered `after`.
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
        .order(rooms::number.desc())
        .limit(i64::from(limit))
        .select(RoomRow::as_select())
        .load(session))?;
    rows.into_iter().map(|row| Ok((row.number, row.parse()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testbed::{new_room, on_every_database};

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
