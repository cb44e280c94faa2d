//! People whom other issuers know: their tokens are judged, and whoever comes first gets a user here.
//! How somebody logs in there is not known here; `providers` does that with people who come by a page.

mod claims;
mod fault;
mod issuer;
mod keys;
mod nicknames;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Token, known::Known, logins::banned, random};
use crate::{
    domain::{Code, Identity, Limits, Refusal, ServerRole, Timestamp, UserId},
    storage::{
        StorageError, Store,
        identities::{self, NewIdentity},
        users::Person,
    },
};

pub use claims::{Claims, Subject};
pub use fault::TokenFault;
pub use issuer::{Believed, Issuer};
pub use source::SourceError;

/// The issuers that are believed, and whom they know.
#[derive(Clone)]
pub struct Issuers {
    issuers: Arc<[Issuer]>,
    store: Store,
    limits: Limits,
    known: Arc<Known<Identity>>,
}

impl Issuers {
    /// A register of whom these issuers know.
    pub fn new(issuers: Vec<Issuer>, store: Store, limits: Limits) -> Self {
        Self { issuers: issuers.into(), store, limits, known: Arc::default() }
    }

    /// The issuer with this `iss`, if it is one of these. Nothing is believed yet.
    pub fn of(&self, iss: &str) -> Option<&Issuer> {
        self.issuers.iter().find(|issuer| issuer.iss() == iss)
    }

    /// Who a token of this issuer stands for. Somebody who was never here becomes a user.
    ///
    /// # Errors
    /// `unauthenticated` with the reason; `auth_unavailable` if the issuer's keys were never had;
    /// `storage_unavailable`.
    pub async fn authenticate(
        &self,
        issuer: &Issuer,
        token: &Token,
        now: Timestamp,
    ) -> Result<Identity, Refusal> {
        let believed = issuer.verify(token.as_str(), now).await?;
        let subject = believed.claims.subject(&issuer.names)?;
        let is_admin = issuer.admin_role.as_ref().is_some_and(|role| subject.roles.contains(role));
        let role = if is_admin { ServerRole::Admin } else { ServerRole::User };
        let person = self.person(issuer.iss(), &subject, now).await?;
        Ok(Identity {
            // Who is an admin here is that whatever the issuer says.
            role: person.role.max(role),
            expires_at: Some(believed.expires_at),
            ..person
        })
    }

    /// Somebody whom an issuer calls so; while the database is away, who that was when it was last asked.
    async fn person(&self, issuer: &str, subject: &Subject, now: Timestamp) -> Result<Identity, Refusal> {
        let digest =
            Sha256::new().chain_update(issuer).chain_update([0]).chain_update(&subject.id).finalize();
        let digest: [u8; 32] = digest.into();
        match self.find_or_make(issuer, subject, now).await {
            Ok(Some(person)) => {
                if let Some(ban) = person.ban.filter(|ban| ban.holds_at(now)) {
                    self.known.forget(&digest);
                    return Err(banned(&ban));
                }
                let identity = Identity { role: person.role, ..Identity::guest(person.user) };
                self.known.remember(digest, identity.clone());
                Ok(identity)
            }
            Ok(None) => Err(Code::NicknameTaken.into()),
            Err(error @ StorageError::Unavailable(_)) => {
                self.known.whose(&digest).ok_or_else(|| error.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn find_or_make(
        &self,
        issuer: &str,
        subject: &Subject,
        now: Timestamp,
    ) -> Result<Option<Person>, StorageError> {
        let (iss, sub) = (issuer.to_owned(), subject.id.clone());
        let known = self.store.read(move |conn| identities::find(conn, &iss, &sub)).await?;
        if known.is_some() {
            return Ok(known);
        }
        let wanted = subject.nickname.as_deref();
        let new = NewIdentity {
            issuer: issuer.to_owned(),
            subject: subject.id.clone(),
            user_id: UserId::new(random::id()),
            nicknames: nicknames::candidates(wanted, issuer, &subject.id, &self.limits),
            created_at: now,
        };
        let again = new.clone();
        match self.store.write(move |conn| identities::find_or_create(conn, &new)).await {
            // Another node was faster, and its row is there now.
            Err(StorageError::Conflict(_)) => {
                self.store.write(move |conn| identities::find_or_create(conn, &again)).await
            }
            done => done,
        }
    }
}
