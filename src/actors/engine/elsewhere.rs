//! What a node is asked about logins at providers.
//! How they go is the business of `auth::providers`; a session is begun as for everybody else.

use super::Engine;
use crate::{
    auth::{
        Session,
        providers::{Answer, Begun, Finished, LoginFault, Provider},
    },
    domain::{Device, Nickname, Refusal, User},
};

impl Engine {
    /// The providers that people can log in at.
    pub fn providers(&self) -> &[Provider] {
        self.0.auth.providers.all()
    }

    /// Begins a login at a provider.
    ///
    /// # Errors
    /// Why it cannot begin.
    pub async fn begin_elsewhere(
        &self,
        provider: &str,
        redirect_uri: String,
        return_to: String,
    ) -> Result<Begun, LoginFault> {
        self.0.auth.providers.begin(provider, redirect_uri, return_to, self.0.clock.now()).await
    }

    /// Ends a login at a provider.
    ///
    /// # Errors
    /// Why nobody is let in.
    pub async fn finish_elsewhere(
        &self,
        provider: &str,
        answer: &Answer<'_>,
        browser: Option<&str>,
    ) -> Result<Finished, LoginFault> {
        self.0.auth.providers.finish(provider, answer, browser, self.0.clock.now()).await
    }

    /// What somebody might like to be called who has logged in at a provider for the first time.
    ///
    /// # Errors
    /// `login_failed`, `storage_unavailable`.
    pub async fn newcomer(&self, secret: &str) -> Result<Option<String>, Refusal> {
        self.0.auth.providers.newcomer(secret, self.0.clock.now()).await
    }

    /// Makes a user of somebody who has logged in at a provider for the first time, and begins their session.
    ///
    /// # Errors
    /// `login_failed`, `nickname_taken`, `banned`, `storage_unavailable`, `auth_unavailable`.
    pub async fn register_newcomer(
        &self,
        secret: &str,
        nickname: Nickname,
        device: &Device,
    ) -> Result<Session, Refusal> {
        let user = self.0.auth.providers.register(secret, nickname, self.0.clock.now()).await?;
        self.welcome(&user, device).await
    }

    /// Begins a session of somebody who has logged in at a provider.
    ///
    /// # Errors
    /// `banned`, `storage_unavailable`, `auth_unavailable`.
    pub async fn welcome(&self, user: &User, device: &Device) -> Result<Session, Refusal> {
        self.0.auth.logins.begin(&user.id, device, self.0.clock.now()).await
    }
}
