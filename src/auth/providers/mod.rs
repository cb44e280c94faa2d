//! Logging in elsewhere, by the page: somebody goes to a provider and comes back with a code, to any node.
//! Sessions and their tokens are not begun here: the end of it is a user, or somebody who has to choose a nickname.

mod discovery;
mod fault;
mod provider;
#[cfg(test)]
mod tests;
mod tokens;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::random;
use crate::{
    domain::{Code, Nickname, Refusal, Timestamp, User, UserId},
    storage::{
        StorageError, Store,
        identities::{self, NewIdentity},
        provider_logins::{self, Attempt, Newcomer},
    },
};

pub use fault::LoginFault;
pub use provider::Provider;

/// Milliseconds that somebody may take to come back from a provider, and then again to choose a nickname.
const PATIENCE_MS: i64 = 600_000;

/// Longest proposal for a nickname that is kept, in characters.
const PROPOSAL_CHARS: usize = 128;

/// The providers, and the logins at them that are under way.
#[derive(Clone)]
pub struct Providers {
    providers: Arc<[Provider]>,
    store: Store,
}

/// A login that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser is sent.
    pub url: String,
    /// What the browser keeps meanwhile.
    pub browser: String,
}

/// What a browser brings back from a provider.
#[derive(Debug, Default)]
pub struct Answer<'a> {
    /// What names the login.
    pub state: Option<&'a str>,
    /// What tokens are given for.
    pub code: Option<&'a str>,
    /// Why there is no code.
    pub error: Option<&'a str>,
    /// Who says so (RFC 9207).
    pub iss: Option<&'a str>,
}

/// How a login at a provider ended.
#[derive(Debug)]
pub enum Finished {
    /// With somebody who is known here.
    Known {
        /// Who.
        user: User,
        /// Where on the page it goes on.
        return_to: String,
    },
    /// With somebody who has to choose a nickname.
    New {
        /// What their browser keeps meanwhile.
        secret: String,
        /// Where on the page it goes on.
        return_to: String,
    },
}

impl Providers {
    /// A register of logins at these providers.
    pub fn new(providers: Vec<Provider>, store: Store) -> Self {
        Self { providers: providers.into(), store }
    }

    /// The providers, in the order of the settings.
    pub fn all(&self) -> &[Provider] {
        &self.providers
    }

    /// Whether there is a provider of that id.
    pub fn has(&self, id: &str) -> bool {
        self.provider(id).is_ok()
    }

    /// Begins a login.
    ///
    /// # Errors
    /// `NoProvider`, `Away`, and what the database has against it.
    pub async fn begin(
        &self,
        id: &str,
        redirect_uri: String,
        return_to: String,
        now: Timestamp,
    ) -> Result<Begun, LoginFault> {
        let provider = self.provider(id)?;
        let (state, nonce, browser) = (random::secret(), random::secret(), random::secret());
        let way = provider.way(&state, &nonce, &redirect_uri, now).await?;
        let attempt = Attempt {
            state_hash: digest(&state),
            browser_hash: digest(&browser),
            provider: id.to_owned(),
            nonce,
            verifier: way.verifier,
            redirect_uri,
            return_to,
            expires_at: later(now),
        };
        self.store.write(move |connection| provider_logins::begin(connection, &attempt, now)).await?;
        Ok(Begun { url: way.url, browser })
    }

    /// Ends a login, well or not; it cannot be ended twice.
    ///
    /// # Errors
    /// Why nobody is let in.
    pub async fn finish(
        &self,
        id: &str,
        answer: &Answer<'_>,
        browser: Option<&str>,
        now: Timestamp,
    ) -> Result<Finished, LoginFault> {
        let provider = self.provider(id)?;
        let state = answer.state.ok_or(LoginFault::Unknown)?;
        let state_hash = digest(state);
        let taken = self.store.write(move |conn| provider_logins::take(conn, &state_hash, now)).await?;
        let attempt = taken.filter(|attempt| attempt.provider == id).ok_or(LoginFault::Unknown)?;
        if browser.map(digest) != Some(attempt.browser_hash) {
            return Err(LoginFault::OtherBrowser);
        }
        if !provider.can_have_said(answer.iss, now).await? {
            return Err(LoginFault::OtherIssuer);
        }
        let code = match (answer.code, answer.error) {
            (_, Some("access_denied")) => return Err(LoginFault::Denied),
            (Some(code), None) => code,
            _ => return Err(LoginFault::Refused),
        };
        let person = provider.person(code, state, &attempt, now).await?;
        self.arrive(person, attempt.return_to, now).await
    }

    /// What somebody might like to be called who has to choose a nickname; they are in none of our rows yet.
    ///
    /// # Errors
    /// `login_failed` if there is nobody, or not any more; `storage_unavailable`.
    pub async fn newcomer(&self, secret: &str, now: Timestamp) -> Result<Option<String>, Refusal> {
        Ok(self.expected(secret, now).await?.nickname)
    }

    /// Makes a user of somebody who has chosen a nickname.
    ///
    /// # Errors
    /// `login_failed` if there is nobody, or not any more; `nickname_taken`; `storage_unavailable`.
    pub async fn register(&self, secret: &str, nickname: Nickname, now: Timestamp) -> Result<User, Refusal> {
        let newcomer = self.expected(secret, now).await?;
        let new = NewIdentity {
            issuer: newcomer.issuer,
            subject: newcomer.subject,
            user_id: UserId::new(random::id()),
            nicknames: vec![nickname],
            created_at: now,
        };
        let hash = newcomer.secret_hash;
        let made = self.store.write(move |connection| {
            let person = identities::find_or_create(connection, &new)?;
            if person.is_some() {
                provider_logins::arrived(connection, &hash)?;
            }
            Ok(person)
        });
        made.await?
            .map(|person| person.user)
            .ok_or_else(|| Refusal::new(Code::NicknameTaken).field("nickname"))
    }

    /// Who logged in: somebody who is known, or somebody new. An address of e-mail plays no part in it: whoever has the same
    /// one at another provider, or in an account, is somebody else until they show that they are both.
    async fn arrive(
        &self,
        person: provider::Person,
        return_to: String,
        now: Timestamp,
    ) -> Result<Finished, LoginFault> {
        let (issuer, subject) = (person.issuer.clone(), person.subject.id.clone());
        let known = self.store.read(move |conn| identities::find(conn, &issuer, &subject)).await?;
        if let Some(person) = known {
            return Ok(Finished::Known { user: person.user, return_to });
        }
        let secret = random::secret();
        let proposal = |nickname: String| nickname.chars().take(PROPOSAL_CHARS).collect();
        let newcomer = Newcomer {
            secret_hash: digest(&secret),
            issuer: person.issuer,
            subject: person.subject.id,
            nickname: person.subject.nickname.map(proposal),
            expires_at: later(now),
        };
        self.store.write(move |connection| provider_logins::expect(connection, &newcomer, now)).await?;
        Ok(Finished::New { secret, return_to })
    }

    async fn expected(&self, secret: &str, now: Timestamp) -> Result<Newcomer, Refusal> {
        let hash = digest(secret);
        let found = self.store.read(move |conn| provider_logins::newcomer(conn, &hash, now)).await?;
        found.ok_or_else(|| {
            Refusal::new(Code::LoginFailed).message("nobody has logged in elsewhere in this browser just now")
        })
    }

    fn provider(&self, id: &str) -> Result<&Provider, LoginFault> {
        self.providers.iter().find(|provider| provider.id() == id).ok_or(LoginFault::NoProvider)
    }
}

impl From<StorageError> for LoginFault {
    fn from(error: StorageError) -> Self {
        Self::Own(error.into())
    }
}

fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

const fn later(now: Timestamp) -> Timestamp {
    Timestamp::from_millis(now.as_millis() + PATIENCE_MS)
}
