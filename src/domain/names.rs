//! Names that people choose, prepared and compared by the PRECIS nickname profile (RFC 8266).
//! Uniqueness is not judged here: a store holds the comparison key under a constraint.

use std::{marker::PhantomData, sync::Arc};

use precis_profiles::{Nickname as Profile, precis_core::profile::PrecisFastInvocation};

use super::{Code, Limits, Refusal};

/// A prepared name: how it is shown, and the key under which it is compared.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Name<Of> {
    shown: Arc<str>,
    key: Arc<str>,
    of: PhantomData<Of>,
}

/// Marks a [`Name`] as that of a person.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OfPerson {}

/// Marks a [`Name`] as that of a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OfRoom {}

/// A person's nickname, 1 to `limits.nickname_chars` characters.
pub type Nickname = Name<OfPerson>;

/// A room's name, 1 to `limits.room_name_chars` characters.
pub type RoomName = Name<OfRoom>;

impl Nickname {
    /// Prepares a nickname.
    ///
    /// # Errors
    /// `invalid`, field `nickname`, when the profile forbids it or it is empty or too long.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        prepare(text, limits.nickname_chars, "nickname")
    }
}

impl RoomName {
    /// Prepares a room's name.
    ///
    /// # Errors
    /// `invalid`, field `name`, when the profile forbids it or it is empty or too long.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        prepare(text, limits.room_name_chars, "name")
    }
}

impl<Of> Name<Of> {
    /// The name as people see it.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The same for any two names that the profile holds to be equal.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The name as people see it, shared.
    pub fn shown(&self) -> Arc<str> {
        Arc::clone(&self.shown)
    }
}

impl<Of> Clone for Name<Of> {
    fn clone(&self) -> Self {
        Self { shown: Arc::clone(&self.shown), key: Arc::clone(&self.key), of: PhantomData }
    }
}

fn prepare<Of>(text: &str, most: usize, field: &'static str) -> Result<Name<Of>, Refusal> {
    let refuse = |why: String| Refusal::new(Code::Invalid).field(field).message(why);
    // A prepared name is never longer in bytes than four times its characters, and preparing is not linear.
    if text.len() > most.saturating_mul(16) {
        return Err(refuse(format!("{field} must have 1 to {most} characters")));
    }
    let shown = Profile::enforce(text)
        .map_err(|_| refuse(format!("{field} is empty or has a character that names may not have")))?;
    let chars = shown.chars().count();
    if chars == 0 || chars > most {
        return Err(refuse(format!("{field} must have 1 to {most} characters")));
    }
    let key = Profile::enforce(shown.to_lowercase())
        .map_err(|_| refuse(format!("{field} has a character that names may not have")))?;
    Ok(Name { shown: Arc::from(shown.as_ref()), key: Arc::from(key.as_ref()), of: PhantomData })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nickname(text: &str) -> Result<Nickname, Refusal> {
        Nickname::parse(text, &Limits::default())
    }

    #[test]
    fn spaces_are_folded_and_the_rest_is_kept() {
        let name = nickname("  Ada \u{a0} Lovelace ").unwrap();
        assert_eq!((name.as_str(), name.key()), ("Ada Lovelace", "ada lovelace"));
    }

    #[test]
    fn case_and_width_do_not_tell_names_apart() {
        for (one, other) in
            [("Ada", "aDA"), ("ＡＤＡ", "ada"), ("ÄRGER", "ärger"), ("한글", "한글"), ("①", "1")]
        {
            assert_eq!(nickname(one).unwrap().key(), nickname(other).unwrap().key(), "{one} and {other}");
        }
    }

    #[test]
    fn what_the_profile_forbids_is_refused_with_its_field() {
        for text in ["", "   ", "a\u{0}b", "tab\there", "\u{202e}x", &"x".repeat(33), &"x".repeat(5000)] {
            let refusal = nickname(text).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some("nickname")), "{text:?}");
        }
        assert!(nickname(&"한".repeat(32)).is_ok());
    }
}
