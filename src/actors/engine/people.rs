//! What a node is asked about people: who they are, their accounts and their sessions.
//! Rooms are the business of `engine`; every rule is in `auth`.

use std::{sync::Arc, time::Duration};

use super::Engine;
use crate::{
    actors::{
        outbox::{Outbox, Pending},
        present::Presence,
        pulse::{Pulse, Reminder},
        subscriber::SessionId,
    },
    auth::{Profile, PublicKey, Registered, Session, SignUp, Token},
    domain::{
        Ban, CloseCode, Code, Device, Identity, Login, LoginId, Nickname, Refusal, ServerRole, Timestamp,
        User, UserId,
    },
    storage::logins::LoginRecord,
};

impl Engine {
    /// Registers a guest, or one who comes back with nickname and secret.
    ///
    /// # Errors
    /// `invalid`, `nickname_taken`, `storage_unavailable`.
    pub async fn register(&self, nickname: Nickname, secret: Option<String>) -> Result<Registered, Refusal> {
        self.0.auth.guests.register(nickname, secret, self.0.clock.now()).await
    }

    /// Who a token stands for, whatever kind of token it is.
    ///
    /// # Errors
    /// `unauthenticated`, `banned`, `storage_unavailable`; `auth_unavailable` for another issuer's token whose keys cannot
    /// be had.
    pub async fn authenticate(&self, token: &Token) -> Result<Identity, Refusal> {
        self.0.auth.doorkeeper.identify(token, self.0.clock.now()).await
    }

    /// Whether a text says of itself that it was signed by an issuer that is believed here.
    pub(in crate::actors) fn is_issued(&self, token: &Token) -> bool {
        self.0.auth.doorkeeper.is_issued(token)
    }

    /// Makes an account and logs in to it; a guest who asks becomes its owner.
    ///
    /// # Errors
    /// `invalid`, `login_taken`, `nickname_taken`, `forbidden`, `overloaded`, `storage_unavailable`,
    /// `auth_unavailable`.
    pub async fn sign_up(
        &self,
        sign_up: SignUp,
        guest: Option<&Identity>,
        device: &Device,
    ) -> Result<Session, Refusal> {
        let now = self.0.clock.now();
        let user = self.0.auth.accounts.create(sign_up, guest, ServerRole::User, now).await?;
        self.0.auth.logins.begin(&user.id, device, now).await
    }

    /// Logs in to an account.
    ///
    /// # Errors
    /// `bad_credentials`, `rate_limited`, `banned`, `overloaded`, `storage_unavailable`, `auth_unavailable`.
    pub async fn log_in(&self, login: &str, password: &str, device: &Device) -> Result<Session, Refusal> {
        self.0.auth.accounts.log_in(login, password, device, self.0.clock.now()).await
    }

    /// Gives the next tokens of a session for its refresh token.
    ///
    /// # Errors
    /// `unauthenticated`, `banned`, `storage_unavailable`, `auth_unavailable`.
    pub async fn refresh(&self, token: &str) -> Result<Session, Refusal> {
        self.0.auth.logins.refresh(token, self.0.clock.now()).await
    }

    /// The sessions of a user, newest first.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn sessions(&self, identity: &Identity) -> Result<Vec<LoginRecord>, Refusal> {
        self.0.auth.logins.of_user(&identity.user.id, self.0.clock.now()).await
    }

    /// Ends a session of a user's own; false where there is none of that name.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn end_session(&self, identity: &Identity, login: &LoginId) -> Result<bool, Refusal> {
        self.0.auth.logins.end(&identity.user.id, login, self.0.clock.now()).await
    }

    /// Ends a guest's token.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn end_token(&self, identity: &Identity, token: &Token) -> Result<(), Refusal> {
        self.0.auth.guests.end(token, &identity.user.id, self.0.clock.now()).await
    }

    /// What the user's account says of them, if they have one.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn profile(&self, identity: &Identity) -> Result<Option<Profile>, Refusal> {
        self.0.auth.accounts.profile(&identity.user.id).await
    }

    /// Gives a user another nickname, and tells their rooms. Done again it changes nothing, and tells the rooms that do not
    /// know yet.
    ///
    /// # Errors
    /// `nickname_taken`, `forbidden` to guests, `storage_unavailable`, `log_unavailable`, `overloaded`.
    pub async fn rename(&self, identity: &Identity, nickname: &Nickname) -> Result<User, Refusal> {
        let renamed = self.0.auth.accounts.rename(identity, nickname, self.0.clock.now()).await?;
        self.tell_renamed(&identity.user, nickname).await?;
        Ok(renamed)
    }

    /// Changes the user's password and ends their other sessions.
    ///
    /// # Errors
    /// `bad_credentials`, `invalid`, `forbidden`, `rate_limited`, `overloaded`, `storage_unavailable`,
    /// `auth_unavailable`.
    pub async fn change_password(
        &self,
        identity: &Identity,
        present: &str,
        new: &str,
    ) -> Result<(), Refusal> {
        self.0.auth.accounts.change_password(identity, present, new, self.0.clock.now()).await
    }

    /// Whether a new account can have a login.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn is_login_free(&self, login: &Login) -> Result<bool, Refusal> {
        self.0.auth.accounts.is_free(login).await
    }

    /// Whether a new user can have a nickname.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn is_nickname_free(&self, nickname: &Nickname) -> Result<bool, Refusal> {
        self.0.auth.accounts.is_unused(nickname).await
    }

    /// The keys with which others can check access tokens.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn public_keys(&self) -> Result<Vec<PublicKey>, Refusal> {
        Ok(self.0.auth.keys.public(self.0.clock.now()).await?)
    }

    /// Bans a user from this server, for so many seconds or for ever.
    ///
    /// # Errors
    /// `forbidden`, `user_not_found`, `storage_unavailable`.
    pub async fn ban_from_server(
        &self,
        admin: &Identity,
        user: &UserId,
        seconds: Option<u32>,
        reason: Option<String>,
    ) -> Result<(), Refusal> {
        let now = self.0.clock.now();
        let end = |seconds: u32| Timestamp::from_millis(now.as_millis() + i64::from(seconds) * 1_000);
        self.0.auth.authority.ban(admin, user, Ban { until: seconds.map(end), reason }, now).await
    }

    /// Takes a user's ban back.
    ///
    /// # Errors
    /// `forbidden`, `user_not_found`, `storage_unavailable`.
    pub async fn unban_from_server(&self, admin: &Identity, user: &UserId) -> Result<(), Refusal> {
        self.0.auth.authority.unban(admin, user, self.0.clock.now()).await
    }

    /// Makes a user an admin of this server, or one no more.
    ///
    /// # Errors
    /// `forbidden`, `user_not_found`, `storage_unavailable`.
    pub async fn set_server_role(
        &self,
        admin: &Identity,
        user: &UserId,
        role: ServerRole,
    ) -> Result<(), Refusal> {
        self.0.auth.authority.set_role(admin, user, role, self.0.clock.now()).await
    }

    /// Knows a connection as somebody's until what this gives is dropped: it is closed when their login ends or they are
    /// banned, on whichever node that is done.
    pub fn attend(&self, identity: &Identity, id: SessionId, outbox: &Arc<Outbox>) -> Presence {
        let presence = self.0.present.enter(identity, id, outbox);
        // What ended between the look at the token and now was told to nobody here.
        if let Err(refusal) = self.0.auth.doorkeeper.look_again(identity.clone(), self.0.clock.now()) {
            let code = match refusal.code {
                Code::Banned => CloseCode::Banned,
                _ => CloseCode::Unauthenticated,
            };
            outbox.close(code, Pending::Flush);
        }
        presence
    }

    /// Has a connection told when what its client showed expires, and closed so much later if nothing else was shown.
    pub(in crate::actors) fn limit(&self, identity: &Identity, pulse: &Pulse, remind: Option<Reminder>) {
        let Some(expires_at) = identity.expires_at else { return pulse.lasts() };
        let left = expires_at.millis_since(self.0.clock.now()).max(0).unsigned_abs();
        let patience = if remind.is_some() { self.renewal() } else { Duration::ZERO };
        pulse.expires(Duration::from_millis(left), patience, remind);
    }

    /// Has a listener's connection closed when what it showed expires: it can show nothing new.
    pub fn limit_listener(&self, identity: &Identity, pulse: &Pulse) {
        self.limit(identity, pulse, None);
    }

    /// How long a client may take to show a new token in the place of one that has expired.
    pub(in crate::actors) fn renewal(&self) -> Duration {
        self.0.renewal
    }
}
