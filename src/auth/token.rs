//! Opaque bearer tokens, of which only a digest is stored.
//! Who a token stands for is in the database.

use std::fmt;

use sha2::{Digest, Sha256};

use super::random;

/// A bearer token as its owner holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// A new one: 256 random bits.
    pub fn new() -> Self {
        Self(random::secret())
    }

    /// Takes what a client shows; whether it is good is for the database to say.
    pub fn shown(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for its owner.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The SHA-256 digest under which it is stored; a token's entropy makes salt and stretching needless.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl Default for Token {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}
