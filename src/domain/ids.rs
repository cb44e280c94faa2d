//! Identifiers: of users, rooms, a room's log and a client's message.
//! They are made elsewhere (randomness is not known here); this file only holds and parses them.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{Code, Limits, Refusal};

macro_rules! opaque_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text that is already known to be such an identifier, from a store or a generator.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The identifier as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

opaque_id! {
    /// Names a user for ever; opaque, short and URL-safe.
    UserId
}
opaque_id! {
    /// Names a room for ever; opaque, short and URL-safe. Also the key of its records in the log.
    RoomId
}
opaque_id! {
    /// Names one life of a room's log; it changes only if that log was lost or replaced. Never contains `:`.
    Epoch
}
opaque_id! {
    /// Names one login to an account, from its beginning until it is ended; opaque, short and URL-safe.
    LoginId
}
opaque_id! {
    /// A client's own name for a message it sends, which makes the send idempotent within the dedup window.
    ClientId
}

impl RoomId {
    /// The room that a client's text names; none where no room can have such an id. Ids are URL-safe and short,
    /// and not every store takes every byte.
    pub fn parse(text: &str) -> Option<Self> {
        can_be_an_id(text).then(|| Self::new(text))
    }
}

impl LoginId {
    /// The login that a client's text names; none where no login can have such an id.
    pub fn parse(text: &str) -> Option<Self> {
        can_be_an_id(text).then(|| Self::new(text))
    }
}

impl UserId {
    /// The user that a client's text names; none where no user can have such an id.
    pub fn parse(text: &str) -> Option<Self> {
        can_be_an_id(text).then(|| Self::new(text))
    }
}

fn can_be_an_id(text: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= 64 && text.bytes().all(safe)
}

impl ClientId {
    /// Checks a client's text.
    ///
    /// # Errors
    /// `invalid`, field `client_id`, unless it has 1 to `limits.client_id_chars` characters, U+0000 not among them.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        let chars = text.chars().count();
        if chars == 0 || chars > limits.client_id_chars || text.contains('\0') {
            let allowed =
                format!("client_id must have 1 to {} characters and no U+0000", limits.client_id_chars);
            return Err(Refusal::new(Code::Invalid).field("client_id").message(allowed));
        }
        Ok(Self::new(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_room_can_be_called_is_no_room() {
        assert!(RoomId::parse("aZ09-_aZ09-_").is_some());
        for text in ["a b", "nul\0", "\u{ed}d", "a/b", &"x".repeat(65)] {
            assert!(RoomId::parse(text).is_none(), "{text:?}");
        }
    }
}
