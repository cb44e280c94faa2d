//! Why a token of another issuer is not believed.
//! Which of it a client is told is the same for all: the reason, and nothing of the token.

use crate::domain::{Code, Refusal};

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not three parts of JSON, too long, or of a kind that is no token for a service.
    #[error("the token is no signed JSON Web Token for a service")]
    Malformed,
    /// The header names an algorithm that is not the issuer's, such as `none`.
    #[error("the token is signed with an algorithm that is not allowed")]
    Algorithm,
    /// No key of the issuer has the `kid`, or may be used with the algorithm.
    #[error("the token is signed with a key that its issuer does not have")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("the token's signature is wrong")]
    Signature,
    /// It was made by somebody else.
    #[error("the token has another issuer")]
    Issuer,
    /// It was made for another service.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// The claim that names somebody is missing or none that can.
    #[error("the token does not say who somebody is")]
    Nobody,
    /// The issuer's keys were never had.
    #[error("the keys of the token's issuer cannot be had")]
    NoKeys,
}

impl From<TokenFault> for Refusal {
    fn from(fault: TokenFault) -> Self {
        let code = match fault {
            TokenFault::NoKeys => Code::AuthUnavailable,
            _ => Code::Unauthenticated,
        };
        Self::new(code).message(fault.to_string())
    }
}
