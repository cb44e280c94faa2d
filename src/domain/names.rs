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
    let forbidden = |_| refuse(format!("{field} is empty or has a character that names may not have"));
    let (plain, pictographs) = take_pictographs(text);
    let shown = Profile::enforce(plain).map_err(forbidden)?;
    let chars = shown.chars().count();
    if chars == 0 || chars > most {
        return Err(refuse(format!("{field} must have 1 to {most} characters")));
    }
    let key = Profile::enforce(shown.to_lowercase()).map_err(forbidden)?;
    let [shown, key] = [&shown, &key].map(|name| put_pictographs(name, &pictographs).into());
    Ok(Name { shown, key, of: PhantomData })
}

/// A symbol that every rule of the profile keeps where and as it is.
const STAND_IN: char = '\u{2603}';

/// Blocks of pictographs that have grown since Unicode 6.3, at which the profile's tables stop.
const PICTOGRAPHS: std::ops::RangeInclusive<char> = '\u{1f300}'..='\u{1faff}';

/// Puts a stand-in for each pictograph, so that newer ones are judged like those that the profile knows.
fn take_pictographs(text: &str) -> (String, Vec<char>) {
    let stands_in = |symbol: &char| *symbol == STAND_IN || PICTOGRAPHS.contains(symbol);
    let plain = text.chars().map(|symbol| if stands_in(&symbol) { STAND_IN } else { symbol }).collect();
    (plain, text.chars().filter(stands_in).collect())
}

fn put_pictographs(plain: &str, pictographs: &[char]) -> String {
    let mut pictographs = pictographs.iter();
    plain
        .chars()
        .map(|symbol| if symbol == STAND_IN { *pictographs.next().unwrap_or(&symbol) } else { symbol })
        .collect()
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
    fn pictographs_of_any_age_are_symbols() {
        let name = nickname(" Ferris \u{1f980}\u{2603} \u{1fae0} ").unwrap();
        assert_eq!(name.as_str(), "Ferris \u{1f980}\u{2603} \u{1fae0}");
        assert_eq!(name.key(), "ferris \u{1f980}\u{2603} \u{1fae0}");
        assert_ne!(nickname("\u{1f980}").unwrap().key(), nickname("\u{2603}").unwrap().key());
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
