//! Rooms as somebody may see them: lists, rooms by id and name, their members and records, and one's own rooms.
//! Whether somebody may see something is asked of the room itself, unless anybody may.

use super::Engine;
use crate::{
    actors::to_room::{Penalties, Standing, ToRoom},
    domain::{
        Access, Belonging, Code, Identity, Penalty, Record, Refusal, Role, RoomId, RoomInfo, RoomName, Seq,
        User, UserId, Viewer, Visibility,
    },
    log::Page,
    storage::{
        memberships::{self, Mine},
        rooms, users,
    },
};

/// A page of the room list: rooms with the cursor of each.
pub type RoomPage = Vec<(i64, RoomInfo)>;

impl Engine {
    /// A room as it stands, and the newest record of it that the database has, for who may see this of it.
    ///
    /// # Errors
    /// `room_not_found`, `not_a_member`, `banned`, `storage_unavailable`.
    pub async fn room(
        &self,
        room: &RoomId,
        viewer: &Viewer,
        access: Access,
    ) -> Result<(RoomInfo, Seq), Refusal> {
        let found = self.admit(room, viewer, access).await?;
        let stored = found.head.seq;
        let stands = self.0.logs.log.stand(found).await?;
        Ok((stands.seen_by(viewer.user.as_ref()), stored))
    }

    /// The room of a name, if there is one that may be seen.
    ///
    /// # Errors
    /// `storage_unavailable`, `log_unavailable`.
    pub async fn room_named(&self, name: &RoomName, viewer: &Viewer) -> Result<Option<RoomInfo>, Refusal> {
        match self.named(name).await? {
            Some(room) => self.if_shown(room, viewer).await,
            None => Ok(None),
        }
    }

    /// Public rooms that were made before the one with the given cursor, or the newest ones.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn rooms(&self, after: Option<i64>, limit: u32) -> Result<RoomPage, Refusal> {
        self.0.logs.log.stored().await?;
        Ok(self.0.store.read(move |conn| rooms::newest(conn, after, limit)).await?)
    }

    /// Rooms of somebody's own, newest first, each with its cursor and how they belong to it. It is what the database has.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn rooms_of(
        &self,
        user: &UserId,
        mine: Mine,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<(i64, RoomInfo, Belonging)>, Refusal> {
        self.0.logs.log.stored().await?;
        let id = user.clone();
        let found =
            self.0.store.read(move |conn| memberships::of_user(conn, &id, mine, after, limit)).await?;
        let seen = |(number, room, how): (i64, RoomInfo, Belonging)| (number, room.seen_by(Some(user)), how);
        Ok(found.into_iter().map(seen).collect())
    }

    /// Members who joined after the given record, with the number of the record that made them one and what they are.
    ///
    /// # Errors
    /// As [`Self::room`], and `log_unavailable`, `overloaded`.
    pub async fn members(
        &self,
        room: &RoomId,
        viewer: Viewer,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, User, Role)>, Refusal> {
        self.settle(room).await?;
        self.ask(room, |reply| ToRoom::Members { viewer, after, limit, reply }).await
    }

    /// What somebody is in a room.
    ///
    /// # Errors
    /// As [`Self::members`].
    pub async fn standing(&self, room: &RoomId, viewer: Viewer, user: User) -> Result<Standing, Refusal> {
        self.settle(room).await?;
        self.ask(room, |reply| ToRoom::Standing { viewer, user, reply }).await
    }

    /// What is held against people in a room, for who looks after it.
    ///
    /// # Errors
    /// As [`Self::members`], and `forbidden`.
    pub async fn penalties(
        &self,
        room: &RoomId,
        viewer: Viewer,
        which: Penalties,
    ) -> Result<Vec<Penalty>, Refusal> {
        self.settle(room).await?;
        self.ask(room, |reply| ToRoom::Penalties { viewer, which, reply }).await
    }

    /// Records of a room, ascending, for who was shown the room by [`Self::room`].
    ///
    /// # Errors
    /// `storage_unavailable`, `log_unavailable`.
    pub async fn history(&self, room: &RoomId, page: Page, limit: u32) -> Result<Vec<Record>, Refusal> {
        Ok(self.0.logs.log.read(room, page, limit).await?)
    }

    /// The user of an id.
    ///
    /// # Errors
    /// `user_not_found`, `storage_unavailable`.
    pub async fn user(&self, id: UserId) -> Result<User, Refusal> {
        let found = self.0.store.read(move |conn| users::by_id(conn, &id)).await?;
        found.map(|person| person.user).ok_or_else(|| Code::UserNotFound.into())
    }

    /// The room of a name, whoever may see it.
    pub(super) async fn named(&self, name: &RoomName) -> Result<Option<RoomInfo>, Refusal> {
        let key = name.key().to_owned();
        Ok(self.0.store.read(move |conn| rooms::by_name_key(conn, &key)).await?)
    }

    /// A room that was found, if somebody may see it.
    pub(super) async fn if_shown(
        &self,
        room: RoomInfo,
        viewer: &Viewer,
    ) -> Result<Option<RoomInfo>, Refusal> {
        if room.visibility == Visibility::Public {
            return Ok(Some(room));
        }
        match self.shown(&room.id, viewer, Access::See).await {
            Ok(room) => Ok(Some(room)),
            Err(refusal) if refusal.code == Code::RoomNotFound => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// A room's row, for who may see this of it. Rooms that anybody may read are not woken for that.
    async fn admit(&self, room: &RoomId, viewer: &Viewer, access: Access) -> Result<RoomInfo, Refusal> {
        let id = room.clone();
        let found = self.0.store.read(move |conn| rooms::by_id(conn, &id)).await?;
        let found = found.ok_or(Code::RoomNotFound)?;
        if found.visibility != Visibility::Public {
            self.shown(room, viewer, access).await?;
        }
        Ok(found)
    }

    async fn shown(&self, room: &RoomId, viewer: &Viewer, access: Access) -> Result<RoomInfo, Refusal> {
        let viewer = viewer.clone();
        self.ask(room, |reply| ToRoom::Show { viewer, access, reply }).await
    }

    /// Waits until an awake room has what is durable by now.
    async fn settle(&self, room: &RoomId) -> Result<(), Refusal> {
        self.locate(room).await?;
        Ok(self.0.logs.log.settle(room).await?)
    }

    /// Who somebody is to a room that they look at.
    pub fn viewer(identity: &Identity) -> Viewer {
        Viewer::of(Some(identity))
    }
}
