//! Whoever shows a token is told apart here, whatever kind of token it is: a guest's, our own, another issuer's.
//! What somebody may do is decided by who asks.

use super::{
    Guests, Token,
    access::{AccessTokens, claimed_issuer},
};
use crate::domain::{Code, Identity, Refusal, Timestamp};

/// Says who a token stands for.
#[derive(Clone)]
pub struct Doorkeeper {
    guests: Guests,
    access: AccessTokens,
}

impl Doorkeeper {
    pub(super) fn new(guests: Guests, access: AccessTokens) -> Self {
        Self { guests, access }
    }

    /// Who a token stands for.
    ///
    /// # Errors
    /// `unauthenticated` when it stands for nobody; `banned`; `storage_unavailable`.
    pub async fn identify(&self, token: &Token, now: Timestamp) -> Result<Identity, Refusal> {
        match claimed_issuer(token) {
            // A guest's token is no signed text: it is looked up.
            None => self.guests.authenticate(token, now).await,
            Some(issuer) if issuer == self.access.issuer() => self.access.identify(token, now).await,
            // Here other issuers come in, each with its own keys and rules.
            Some(_) => {
                Err(Refusal::new(Code::Unauthenticated).message("nobody here believes the token's issuer"))
            }
        }
    }
}
