//! Links with which whoever has one is invited to a room, and how often each was used.
//! Whether their makers may still invite is the room's to say; tokens are known here by their hashes alone.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::invitation_links as links};
use crate::domain::{RoomId, Timestamp, User, UserId};

/// A link as its room's moderators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Names it.
    pub id: String,
    /// To which room.
    pub room: RoomId,
    /// In whose name it invites.
    pub maker: User,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is good no more.
    pub expires_at: Timestamp,
    /// How often it may be used, where that is bounded.
    pub uses: Option<u32>,
    /// How often it was.
    pub used: u32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = links)]
struct LinkRow {
    id: String,
    room_id: String,
    maker_id: String,
    maker_nickname: String,
    created_at: i64,
    expires_at: i64,
    uses: Option<i64>,
    used: i64,
}

impl LinkRow {
    fn parse(self) -> Result<Link, StorageError> {
        let count = |column: i64| u32::try_from(column).map_err(StorageError::corrupt);
        Ok(Link {
            id: self.id,
            room: RoomId::new(self.room_id),
            maker: User { id: UserId::new(self.maker_id), nickname: self.maker_nickname.into() },
            created_at: Timestamp::from_millis(self.created_at),
            expires_at: Timestamp::from_millis(self.expires_at),
            uses: self.uses.map(count).transpose()?,
            used: count(self.used)?,
        })
    }
}

/// Stores a new link under the hash of its token.
///
/// # Errors
/// [`StorageError::Conflict`] if its id or hash is there already.
pub fn create(connection: &mut Connection, link: &Link, hash: &[u8; 32]) -> Result<(), StorageError> {
    let row = (
        links::id.eq(&link.id),
        links::hash.eq(hash.as_slice()),
        links::room_id.eq(link.room.as_str()),
        links::maker_id.eq(link.maker.id.as_str()),
        links::maker_nickname.eq(&*link.maker.nickname),
        links::created_at.eq(link.created_at.as_millis()),
        links::expires_at.eq(link.expires_at.as_millis()),
        links::uses.eq(link.uses.map(i64::from)),
        links::used.eq(i64::from(link.used)),
    );
    run!(connection, |session| diesel::insert_into(links::table).values(row).execute(session))?;
    Ok(())
}

/// The links of a room that are good now, newest first.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn of_room(
    connection: &mut Connection,
    room: &RoomId,
    now: Timestamp,
) -> Result<Vec<Link>, StorageError> {
    let rows = run!(connection, |session| links::table
        .filter(links::room_id.eq(room.as_str()))
        .filter(links::expires_at.gt(now.as_millis()))
        .filter(links::uses.is_null().or(links::used.nullable().lt(links::uses)))
        .order((links::created_at.desc(), links::id.asc()))
        .select(LinkRow::as_select())
        .load(session))?;
    rows.into_iter().map(LinkRow::parse).collect()
}

/// Takes a link away; `false` where the room has none of this id.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn remove(connection: &mut Connection, room: &RoomId, id: &str) -> Result<bool, StorageError> {
    let meant = links::table.filter(links::id.eq(id)).filter(links::room_id.eq(room.as_str()));
    Ok(run!(connection, |session| diesel::delete(meant).execute(session))? > 0)
}

/// The link of a token, if it is good now. It counts as used once more by that, whoever else uses it at the same time.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn take(
    connection: &mut Connection,
    hash: &[u8; 32],
    now: Timestamp,
) -> Result<Option<Link>, StorageError> {
    let good = links::table
        .filter(links::hash.eq(hash.as_slice()))
        .filter(links::expires_at.gt(now.as_millis()))
        .filter(links::uses.is_null().or(links::used.nullable().lt(links::uses)));
    let taken = run!(connection, |session| diesel::update(good)
        .set(links::used.eq(links::used + 1))
        .execute(session))?;
    if taken == 0 {
        return Ok(None);
    }
    let row = run!(connection, |session| links::table
        .filter(links::hash.eq(hash.as_slice()))
        .select(LinkRow::as_select())
        .first(session)
        .optional())?;
    row.map(LinkRow::parse).transpose()
}

/// Gives a use of a link back, which invited nobody.
///
/// # Errors
/// [`StorageError::Unavailable`].
pub fn give_back(connection: &mut Connection, id: &str) -> Result<(), StorageError> {
    let meant = links::table.filter(links::id.eq(id)).filter(links::used.gt(0));
    run!(connection, |session| diesel::update(meant).set(links::used.eq(links::used - 1)).execute(session))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::testbed::{on_every_database, user};

    fn link(id: &str, uses: Option<u32>) -> Link {
        Link {
            id: id.to_owned(),
            room: RoomId::new("r"),
            maker: user("Ada"),
            created_at: Timestamp::from_millis(1),
            expires_at: Timestamp::from_millis(100),
            uses,
            used: 0,
        }
    }

    #[test]
    fn a_link_is_good_until_it_is_used_up_expired_or_taken_away() {
        on_every_database(|database| {
            let (twice, always) = (link("twice", Some(2)), link("always", None));
            for (link, hash) in [(&twice, [1; 32]), (&always, [2; 32])] {
                database.write(|connection| create(connection, link, &hash)).unwrap();
            }
            let at = Timestamp::from_millis;
            let take = |hash: u8, now| database.write(|conn| take(conn, &[hash; 32], at(now))).unwrap();
            assert_eq!(take(1, 50), Some(Link { used: 1, ..twice.clone() }));
            assert_eq!(take(1, 50), Some(Link { used: 2, ..twice.clone() }));
            assert_eq!(take(1, 50), None);
            database.write(|connection| give_back(connection, "twice")).unwrap();
            assert!(take(1, 50).is_some());
            assert_eq!((take(2, 100), take(3, 50)), (None, None));
            let good = |now| database.read(|conn| of_room(conn, &twice.room, at(now))).unwrap();
            assert_eq!(good(50), [always]);
            assert_eq!(good(100), []);
            let remove = |room: &str| database.write(|conn| remove(conn, &RoomId::new(room), "always"));
            assert_eq!((remove("other"), remove("r"), remove("r")), (Ok(false), Ok(true), Ok(false)));
            assert_eq!(take(2, 50), None);
        });
    }
}
