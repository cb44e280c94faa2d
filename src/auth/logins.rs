//! Logins: begun with a password or elsewhere, kept alive by refresh tokens, ended one by one.
//! Passwords are not known here, nor where logins are kept.

use std::sync::Arc;

use super::{
    access::{Access, AccessTokens},
    keys::KeyRing,
    news::{Event, News},
    random,
    refresh::{RefreshToken, Worth},
    refresh_store::RefreshStore,
};
use crate::{
    config::AuthSettings,
    domain::{Ban, Code, Device, LoginId, Refusal, ServerRole, Timestamp, User, UserId},
    storage::{Store, logins::LoginRecord, users},
};

/// A login as its owner needs it: who they are, and the tokens that say so.
#[derive(Debug, Clone)]
pub struct Session {
    /// Who.
    pub user: User,
    /// The login's name.
    pub login: LoginId,
    /// What is shown with each request, for some minutes.
    pub access: Access,
    /// What gives the next two tokens.
    pub refresh: RefreshToken,
}

/// The register of logins.
#[derive(Clone)]
pub struct Logins {
    store: Arc<dyn RefreshStore>,
    people: Store,
    keys: KeyRing,
    access: AccessTokens,
    news: News,
    refresh_ms: i64,
    grace_ms: i64,
    most: usize,
}

impl Logins {
    pub(super) fn new(
        store: Arc<dyn RefreshStore>,
        people: Store,
        keys: KeyRing,
        access: AccessTokens,
        news: News,
        settings: &AuthSettings,
    ) -> Self {
        Self {
            store,
            people,
            keys,
            access,
            news,
            refresh_ms: i64::from(settings.refresh_s) * 1_000,
            grace_ms: i64::from(settings.refresh_grace_s) * 1_000,
            most: settings.sessions_per_user,
        }
    }

    /// Begins a login for somebody who has shown who they are, in whatever way.
    ///
    /// # Errors
    /// `banned`; `user_not_found`; `storage_unavailable`, `auth_unavailable`.
    pub async fn begin(&self, user: &UserId, device: &Device, now: Timestamp) -> Result<Session, Refusal> {
        let (user, role) = self.person(user, now).await?.ok_or(Code::UserNotFound)?;
        let refresh = RefreshToken::first(LoginId::new(random::id()));
        let login = LoginRecord {
            id: refresh.login().clone(),
            user: user.id.clone(),
            device: device.as_str().to_owned(),
            created_at: now,
            seen_at: now,
            expires_at: self.expiry(now),
            generation: refresh.generation(),
            token_hash: refresh.digest(),
        };
        self.store.begin(login).await?;
        self.end_surplus(&user.id, now).await?;
        self.session(user, role, refresh, now).await
    }

    /// The next tokens of a login, for its newest refresh token. One that was used before ends the login.
    ///
    /// # Errors
    /// `unauthenticated`; `banned`; `storage_unavailable`, `auth_unavailable`.
    pub async fn refresh(&self, shown: &str, now: Timestamp) -> Result<Session, Refusal> {
        let ended = || Refusal::new(Code::Unauthenticated).message("the session has ended: log in again");
        let shown = RefreshToken::parse(shown).ok_or_else(ended)?;
        let chain = self.keys.chain(now).await?;
        // Who was not the first to use the token finds its successor in the second round.
        for _ in 0..2 {
            let found = self.store.find(shown.login()).await?;
            let login = found.filter(|login| now < login.expires_at).ok_or_else(ended)?;
            let refresh = match shown.judge(&login, &chain, now, self.grace_ms) {
                Worth::Newest(next) => {
                    let (user, role) = self.person(&login.user, now).await?.ok_or_else(ended)?;
                    let next_login = LoginRecord {
                        seen_at: now,
                        expires_at: self.expiry(now),
                        generation: next.generation(),
                        token_hash: next.digest(),
                        ..login
                    };
                    if !self.store.advance(shown.digest(), next_login).await? {
                        continue;
                    }
                    return self.session(user, role, next, now).await;
                }
                Worth::Repeated(next) => next,
                Worth::Stolen => {
                    log::warn!(
                        "login {} of user {} ended: refresh token {} was used again, so two have it",
                        login.id,
                        login.user,
                        shown.generation()
                    );
                    self.end(&login.user, &login.id, now).await?;
                    return Err(ended());
                }
                Worth::Nothing => return Err(ended()),
            };
            let (user, role) = self.person(&login.user, now).await?.ok_or_else(ended)?;
            return self.session(user, role, refresh, now).await;
        }
        Err(Code::Overloaded.into())
    }

    /// The logins of a user that have not expired, newest first.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn of_user(&self, user: &UserId, now: Timestamp) -> Result<Vec<LoginRecord>, Refusal> {
        let mut logins = self.store.of_user(user).await?;
        logins.retain(|login| now < login.expires_at);
        Ok(logins)
    }

    /// Ends a user's login, on all nodes; false where there was none of that name.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn end(&self, user: &UserId, login: &LoginId, now: Timestamp) -> Result<bool, Refusal> {
        if self.store.find(login).await?.is_none_or(|found| found.user != *user) {
            return Ok(false);
        }
        // All nodes are told first: if the second step fails, the login can be ended again, and not if the first did.
        self.news.tell(Event::Ended { user: user.clone(), login: Some(login.clone()) }, now).await?;
        Ok(self.store.end(user, login).await?)
    }

    /// Ends all of a user's logins but one, and whatever they did without a login.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn end_others(
        &self,
        user: &UserId,
        keep: Option<&LoginId>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        for login in self.store.of_user(user).await? {
            if keep != Some(&login.id) {
                self.end(user, &login.id, now).await?;
            }
        }
        Ok(self.news.tell(Event::Ended { user: user.clone(), login: None }, now).await?)
    }

    /// Forgets logins that have expired.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Refusal> {
        Ok(self.store.sweep(now).await?)
    }

    /// Ends what a user has too many of: those that were used the longest time ago.
    async fn end_surplus(&self, user: &UserId, now: Timestamp) -> Result<(), Refusal> {
        let mut logins = self.store.of_user(user).await?;
        logins.sort_by_key(|login| std::cmp::Reverse(login.seen_at));
        for login in logins.iter().skip(self.most) {
            self.end(user, &login.id, now).await?;
        }
        Ok(())
    }

    async fn person(&self, user: &UserId, now: Timestamp) -> Result<Option<(User, ServerRole)>, Refusal> {
        let id = user.clone();
        let Some(person) = self.people.read(move |connection| users::by_id(connection, &id)).await? else {
            return Ok(None);
        };
        match person.ban.filter(|ban| ban.holds_at(now)) {
            Some(ban) => Err(banned(&ban)),
            None => Ok(Some((person.user, person.role))),
        }
    }

    async fn session(
        &self,
        user: User,
        role: ServerRole,
        refresh: RefreshToken,
        now: Timestamp,
    ) -> Result<Session, Refusal> {
        let login = refresh.login().clone();
        let access = self.access.make(&user, role, &login, now).await?;
        Ok(Session { user, login, access, refresh })
    }

    fn expiry(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis() + self.refresh_ms)
    }
}

/// What somebody is told who may not use this server.
pub(super) fn banned(ban: &Ban) -> Refusal {
    let until = ban.until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"));
    let reason = ban.reason.as_deref().map(|reason| format!(": {reason}")).unwrap_or_default();
    Refusal::new(Code::Banned).message(format!("banned {until}{reason}"))
}
