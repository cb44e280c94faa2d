//! Invitations to rooms, of people and by links that expire, and rooms for two.
//! Who may invite is judged by the room, each time somebody is invited.

use super::Engine;
use crate::{
    actors::to_room::ToRoom,
    auth::{Token, random},
    domain::{
        Access, Act, Authority, Code, Deed, Identity, Nickname, Refusal, RoomId, RoomInfo, User, Viewer,
        Visibility,
    },
    storage::{
        invitations::{self, Link},
        rooms::{NewRoom, RoomCreation},
        users,
    },
};

impl Engine {
    /// The user of a nickname.
    ///
    /// # Errors
    /// `user_not_found`, `storage_unavailable`.
    pub async fn user_named(&self, nickname: &Nickname) -> Result<User, Refusal> {
        let key = nickname.key().to_owned();
        let found = self.0.store.read(move |conn| users::by_nickname_key(conn, &key)).await?;
        found.ok_or_else(|| Code::UserNotFound.into())
    }

    /// Makes a link that invites to a room in somebody's name, for some seconds and, where that is bounded, so many people.
    ///
    /// # Errors
    /// As [`Self::penalties`](Self::penalties).
    pub async fn create_link(
        &self,
        room: &RoomId,
        maker: &Identity,
        seconds: u32,
        uses: Option<u32>,
    ) -> Result<(Link, Token), Refusal> {
        let info = self.looked_after(room, maker).await?;
        // A link invites in the name of its maker, so that it is good as long as they may invite.
        let own = Viewer { role: None, ..Self::viewer(maker) };
        self.ask(room, |reply| ToRoom::Show { viewer: own, access: Access::Moderate, reply }).await?;
        if info.closed {
            return Err(Code::RoomClosed.into());
        }
        let token = Token::new();
        let link = Link {
            id: random::id(),
            room: room.clone(),
            maker: maker.user.clone(),
            created_at: self.0.clock.now(),
            expires_at: self.later(seconds),
            uses,
            used: 0,
        };
        let (row, hash) = (link.clone(), token.digest());
        self.0.store.write(move |conn| invitations::create(conn, &row, &hash)).await?;
        Ok((link, token))
    }

    /// The links of a room that are good now, newest first.
    ///
    /// # Errors
    /// As [`Self::create_link`].
    pub async fn links(&self, room: &RoomId, identity: &Identity) -> Result<Vec<Link>, Refusal> {
        self.looked_after(room, identity).await?;
        let (id, now) = (room.clone(), self.0.clock.now());
        Ok(self.0.store.read(move |conn| invitations::of_room(conn, &id, now)).await?)
    }

    /// Takes a link away.
    ///
    /// # Errors
    /// As [`Self::create_link`], and `invitation_not_found`.
    pub async fn remove_link(&self, room: &RoomId, identity: &Identity, link: String) -> Result<(), Refusal> {
        self.looked_after(room, identity).await?;
        let id = room.clone();
        match self.0.store.write(move |conn| invitations::remove(conn, &id, &link)).await? {
            true => Ok(()),
            false => Err(Code::InvitationNotFound.into()),
        }
    }

    /// Invites who shows a link's token, in the name of who made it. A use that invites nobody is given back.
    ///
    /// # Errors
    /// `invitation_not_found` for a link that is not good, or whose maker may not invite any more; `banned`,
    /// `storage_unavailable`, `log_unavailable`, `overloaded`.
    pub async fn accept(&self, token: &Token, user: &User) -> Result<RoomInfo, Refusal> {
        let (hash, now) = (token.digest(), self.0.clock.now());
        let taken = self.0.store.write(move |conn| invitations::take(conn, &hash, now)).await?;
        let Link { id, room, maker, .. } = taken.ok_or(Code::InvitationNotFound)?;
        let viewer = Viewer { user: Some(user.id.clone()), role: None };
        let belongs = self.standing(&room, viewer.clone(), user.clone()).await;
        let belongs = belongs.is_ok_and(|standing| standing.role.is_some() || standing.invited);
        let invited = match belongs {
            true => Ok(()),
            false => {
                let act = Act { deed: Deed::Invite(user.clone()), authority: Authority::Role };
                self.ask(&room, |reply| ToRoom::Act { sender: maker, act, reply }).await
            }
        };
        if belongs || invited.is_err() {
            self.0.store.write(move |conn| invitations::give_back(conn, &id)).await?;
        }
        match invited {
            Ok(()) => Ok(self.room(&room, &viewer, Access::See).await?.0),
            Err(refusal) if refusal.code.number() < 500 && refusal.code != Code::Banned => {
                Err(Code::InvitationNotFound.into())
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The room of two people, made if there is none yet; who asks becomes a member of it, and the other one is expected
    /// there. Says whether it was made now.
    ///
    /// # Errors
    /// `user_not_found`, `invalid` (field `nickname`) for a room with oneself, `storage_unavailable`, `log_unavailable`.
    pub async fn direct(&self, user: &User, nickname: &Nickname) -> Result<(RoomInfo, bool), Refusal> {
        let peer = self.user_named(nickname).await?;
        if peer.id == user.id {
            let refusal = Refusal::new(Code::Invalid).field("nickname");
            return Err(refusal.message("nickname must be somebody else's"));
        }
        let mut pair = [user.id.as_str(), peer.id.as_str()];
        pair.sort_unstable();
        // No name that somebody chose has U+0001 in it.
        let name_key = format!("direct\u{1}{} {}", pair[0], pair[1]);
        let new = NewRoom {
            visibility: Visibility::Direct,
            peer: Some(peer),
            ..self.new_room(user.clone(), (String::new(), name_key)).await?
        };
        let (room, is_new) = match self.make(new).await? {
            RoomCreation::Created(room) => (room, true),
            RoomCreation::Taken(room) => (room, false),
        };
        let sender = user.clone();
        self.ask(&room.id, |reply| ToRoom::Join { sender, reply }).await?;
        let viewer = Viewer { user: Some(user.id.clone()), role: None };
        Ok((self.room(&room.id, &viewer, Access::Read).await?.0, is_new))
    }

    async fn looked_after(&self, room: &RoomId, identity: &Identity) -> Result<RoomInfo, Refusal> {
        let viewer = Self::viewer(identity);
        self.ask(room, |reply| ToRoom::Show { viewer, access: Access::Moderate, reply }).await
    }
}
