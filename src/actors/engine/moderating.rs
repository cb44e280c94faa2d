//! What is done about others in a room, in the name of somebody who has shown who they are.
//! Whether they may is judged by the room.

use super::Engine;
use crate::{
    actors::to_room::ToRoom,
    domain::{
        Act, Authority, Deed, Identity, Nickname, Penalty, Reason, Refusal, Role, RoomId, ServerRole,
        Timestamp, User,
    },
    storage::{
        memberships::{self, Mine},
        rooms,
    },
};

/// Rooms that are told of a new nickname at once.
const PAGE: u32 = 100;

impl Engine {
    /// Does something about others in a room; no error where it is so already.
    ///
    /// # Errors
    /// `room_not_found`, `forbidden`, `invalid`, `banned` (of who is invited), `room_closed`, `storage_unavailable`,
    /// `log_unavailable`, `overloaded`.
    pub async fn act(&self, room: &RoomId, identity: &Identity, deed: Deed) -> Result<(), Refusal> {
        let sender = identity.user.clone();
        let act = self.with_authority(room, identity, deed).await?;
        self.ask(room, |reply| ToRoom::Act { sender, act, reply }).await
    }

    /// An admin acts as one only where their role in the room is not enough, so that what they do as a member is
    /// not shown as what the server does.
    async fn with_authority(&self, room: &RoomId, identity: &Identity, deed: Deed) -> Result<Act, Refusal> {
        if identity.role != ServerRole::Admin {
            return Ok(Act { deed, authority: Authority::Role });
        }
        let (user, viewer) = (identity.user.clone(), Self::viewer(identity));
        let standing = self.standing(room, viewer, user).await?;
        let authority = match standing.role {
            Some(Role::Owner) if standing.ban.is_none() => Authority::Role,
            _ => Authority::Admin,
        };
        Ok(Act { deed, authority })
    }

    /// Something that is held against a user from now on, for some seconds or for ever.
    ///
    /// # Errors
    /// `user_not_found`, `storage_unavailable`.
    pub fn penalty(&self, user: User, seconds: Option<u32>, reason: Option<Reason>) -> Penalty {
        let until = seconds.map(|seconds| self.later(seconds));
        Penalty { user, until, reason }
    }

    /// So many seconds from now.
    pub(super) fn later(&self, seconds: u32) -> Timestamp {
        Timestamp::from_millis(self.0.clock.now().as_millis() + i64::from(seconds) * 1000)
    }

    /// Tells every room of somebody's that they are called otherwise now; `before` is what they were called. It is for
    /// whoever changed the name in the users' rows, and done again it changes nothing.
    ///
    /// # Errors
    /// `storage_unavailable`, `log_unavailable`, `overloaded`; some rooms may know by then.
    pub(super) async fn tell_renamed(&self, before: &User, nickname: &Nickname) -> Result<(), Refusal> {
        let (id, name) = (before.id.clone(), nickname.shown());
        self.0.store.write(move |conn| rooms::rename_in_pairs(conn, &id, &name)).await?;
        self.0.logs.log.stored().await?;
        let mut after = None;
        loop {
            let id = before.id.clone();
            let page = move |conn: &mut _| memberships::of_user(conn, &id, Mine::Member, after, PAGE);
            let page = self.0.store.read(page).await?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = Some(*last);
            for (_, room, _) in page {
                let (sender, nickname) = (before.clone(), nickname.shown());
                self.ask(&room.id, |reply| ToRoom::Rename { sender, nickname, reply }).await?;
            }
        }
    }
}
