//! Why somebody who comes back from a provider is not let in, in a sentence for them.
//! It never carries what a provider wrote: anybody can write that into an address.

use crate::{
    auth::issuers::TokenFault,
    domain::{Code, Refusal},
};

/// What went wrong with a login at a provider.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginFault {
    /// There is no such provider.
    #[error("There is no such provider.")]
    NoProvider,
    /// The provider does not answer, or not as it should.
    #[error("The provider does not answer at the moment.")]
    Away,
    /// The state is unknown: made up, used before, or too old.
    #[error("This login is not known here, was used already, or took too long.")]
    Unknown,
    /// The login began in another browser.
    #[error("This login was begun in another browser, or another one was begun meanwhile.")]
    OtherBrowser,
    /// The person, or the provider for them, said no.
    #[error("The provider says that access was denied.")]
    Denied,
    /// The provider could not do it.
    #[error("The provider refused the login.")]
    Refused,
    /// The answer names another issuer than was asked (RFC 9207).
    #[error("The answer comes from another provider than the one that was asked.")]
    OtherIssuer,
    /// The provider does not take the code: it was used before, or never given.
    #[error(
        "The provider does not accept the code that came with this login: it was used already, or is not its own."
    )]
    Code,
    /// The provider gave no ID token, which OpenID Connect asks for.
    #[error("The provider does not say who you are.")]
    NoIdToken,
    /// The ID token is not to be believed.
    #[error("What the provider says about you cannot be believed: {0}.")]
    Token(#[from] TokenFault),
    /// The ID token belongs to another login.
    #[error("What the provider says about you belongs to another login.")]
    Nonce,
    /// The document about somebody is about somebody else, or about nobody.
    #[error("What the provider says about you contradicts itself.")]
    OtherPerson,
    /// Something of our own.
    #[error("{0}")]
    Own(Refusal),
}

impl LoginFault {
    /// The row of the table of codes.
    pub const fn code(&self) -> Code {
        match self {
            Self::NoProvider => Code::NotFound,
            Self::Away | Self::Token(TokenFault::NoKeys) => Code::AuthUnavailable,
            Self::Own(refusal) => refusal.code,
            _ => Code::LoginFailed,
        }
    }
}
