//! What admins do to users: bans from the whole server, and what somebody is on it.
//! What is done in rooms is the rooms' business.

use super::news::{Event, News};
use crate::{
    domain::{Ban, Code, Identity, Refusal, ServerRole, Timestamp, UserId},
    storage::{Store, users},
};

/// Carries out what admins may do; it asks each time whether they are one.
#[derive(Clone)]
pub struct Authority {
    store: Store,
    news: News,
}

impl Authority {
    pub(super) fn new(store: Store, news: News) -> Self {
        Self { store, news }
    }

    /// Bans a user from this server, on all nodes; another ban takes the place of the one before.
    ///
    /// # Errors
    /// `forbidden` to who is no admin, and against oneself or another admin; `user_not_found`; `storage_unavailable`.
    pub async fn ban(
        &self,
        admin: &Identity,
        user: &UserId,
        ban: Ban,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        must_be_admin(admin)?;
        let id = user.clone();
        let person = self.store.read(move |connection| users::by_id(connection, &id)).await?;
        if person.ok_or(Code::UserNotFound)?.role == ServerRole::Admin {
            return Err(
                Refusal::new(Code::Forbidden).message("an admin cannot be banned: take the role first")
            );
        }
        let (id, stored) = (user.clone(), ban.clone());
        self.store.write(move |connection| users::set_ban(connection, &id, now, Some(&stored))).await?;
        log::info!("{} banned user {user} from the server", admin.user.id);
        Ok(self.news.tell(Event::Banned { user: user.clone(), ban }, now).await?)
    }

    /// Takes a ban back; no error where there is none.
    ///
    /// # Errors
    /// `forbidden` to who is no admin; `user_not_found`; `storage_unavailable`.
    pub async fn unban(&self, admin: &Identity, user: &UserId, now: Timestamp) -> Result<(), Refusal> {
        must_be_admin(admin)?;
        let id = user.clone();
        if !self.store.write(move |connection| users::set_ban(connection, &id, now, None)).await? {
            return Err(Code::UserNotFound.into());
        }
        log::info!("{} let user {user} use the server again", admin.user.id);
        Ok(self.news.tell(Event::Unbanned { user: user.clone() }, now).await?)
    }

    /// Makes a user an admin, or one no more.
    ///
    /// # Errors
    /// `forbidden` to who is no admin, and for oneself, so that there is always one, and for guests; `user_not_found`;
    /// `storage_unavailable`.
    pub async fn set_role(
        &self,
        admin: &Identity,
        user: &UserId,
        role: ServerRole,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        must_be_admin(admin)?;
        let refuse = |why: &'static str| Err(Refusal::new(Code::Forbidden).message(why));
        if admin.user.id == *user {
            return refuse("nobody changes their own role");
        }
        let id = user.clone();
        let person = self.store.read(move |connection| users::by_id(connection, &id)).await?;
        let person = person.ok_or(Code::UserNotFound)?;
        if person.role == ServerRole::Guest {
            return refuse("a guest has no account, and no other role");
        }
        let id = user.clone();
        self.store.write(move |connection| users::set_role(connection, &id, role)).await?;
        log::info!("{} made user {user} {}", admin.user.id, role.name());
        Ok(self.news.tell(Event::Changed { user: person.user, role }, now).await?)
    }
}

fn must_be_admin(identity: &Identity) -> Result<(), Refusal> {
    match identity.role {
        ServerRole::Admin => Ok(()),
        ServerRole::User | ServerRole::Guest => {
            Err(Refusal::new(Code::Forbidden).message("only admins of the server may do this"))
        }
    }
}
