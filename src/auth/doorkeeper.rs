//! Whoever shows a token is told apart here, whatever kind of token it is: a guest's, our own, another issuer's.
//! What somebody may do is decided by who asks.

use super::{
    Guests, Token,
    access::{AccessTokens, claimed_issuer},
    in_force::InForce,
    issuers::Issuers,
    news::News,
};
use crate::domain::{Code, Identity, Refusal, Timestamp};

/// Says who a token stands for.
#[derive(Clone)]
pub struct Doorkeeper {
    guests: Guests,
    access: AccessTokens,
    issuers: Issuers,
    news: News,
    in_force: InForce,
}

impl Doorkeeper {
    pub(super) fn new(
        guests: Guests,
        access: AccessTokens,
        issuers: Issuers,
        news: News,
        in_force: InForce,
    ) -> Self {
        Self { guests, access, issuers, news, in_force }
    }

    /// Whether a text says of itself that it was signed by an issuer that is believed here, this node's own among them.
    pub fn is_issued(&self, token: &Token) -> bool {
        claimed_issuer(token)
            .is_some_and(|issuer| issuer == self.access.issuer() || self.issuers.of(&issuer).is_some())
    }

    /// Who a token stands for.
    ///
    /// # Errors
    /// `unauthenticated` when it stands for nobody, or for a login that has ended; `banned`; `storage_unavailable`;
    /// `auth_unavailable` for another issuer's token whose keys cannot be had.
    pub async fn identify(&self, token: &Token, now: Timestamp) -> Result<Identity, Refusal> {
        let identity = match claimed_issuer(token) {
            // A guest's token is no signed text: it is looked up.
            None => return self.guests.authenticate(token, now).await,
            Some(issuer) if issuer == self.access.issuer() => self.access.identify(token, now).await?,
            Some(issuer) => match self.issuers.of(&issuer) {
                Some(issuer) => self.issuers.authenticate(issuer, token, now).await?,
                None => {
                    let why = "nobody here believes the token's issuer";
                    return Err(Refusal::new(Code::Unauthenticated).message(why));
                }
            },
        };
        self.news.begin(now).await?;
        self.in_force.admit(identity, now)
    }

    /// Somebody who was identified before, as they are by now.
    ///
    /// # Errors
    /// `unauthenticated` when their login has ended meanwhile; `banned`.
    pub fn look_again(&self, identity: Identity, now: Timestamp) -> Result<Identity, Refusal> {
        self.in_force.admit(identity, now)
    }
}
