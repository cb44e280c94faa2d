//! What a node is asked about people: who they are, their accounts and their sessions.
//! Rooms are the business of `engine`; every rule is in `auth`.

use super::Engine;
use crate::{
    auth::{Profile, PublicKey, Registered, Session, SignUp, Token},
    domain::{Device, Identity, Login, LoginId, Nickname, Refusal, ServerRole, User},
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
        self.0.auth.logins.end(&identity.user.id, login).await
    }

    /// Ends a guest's token.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn end_token(&self, token: &Token) -> Result<(), Refusal> {
        self.0.auth.guests.end(token).await
    }

    /// What the user's account says of them, if they have one.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn profile(&self, identity: &Identity) -> Result<Option<Profile>, Refusal> {
        self.0.auth.accounts.profile(&identity.user.id).await
    }

    /// Gives a user another nickname.
    ///
    /// # Errors
    /// `nickname_taken`, `forbidden` to guests, `storage_unavailable`.
    pub async fn rename(&self, identity: &Identity, nickname: &Nickname) -> Result<User, Refusal> {
        self.0.auth.accounts.rename(identity, nickname).await
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
}
