//! What somebody logs in with beside a password: the login, and what else an account says of them.
//! Passwords are not known here, nor whether a login is taken.

use precis_profiles::{UsernameCaseMapped, precis_core::profile::PrecisFastInvocation};

use super::{Code, Refusal};

/// Characters of a prepared login.
const LOGIN_CHARS: usize = 64;

/// Bytes of an address, as RFC 5321 bounds a path.
const EMAIL_BYTES: usize = 254;

/// Characters of a device's name.
const DEVICE_CHARS: usize = 100;

/// What an account is logged in to by, prepared and compared as RFC 8265 has user names: case does not count.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Login {
    shown: String,
    key: String,
}

impl Login {
    /// Prepares a login.
    ///
    /// # Errors
    /// `invalid`, field `login`, unless it has 1 to 64 letters, digits or ASCII symbols and no spaces.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let refuse = || {
            let allowed = format!("login must have 1 to {LOGIN_CHARS} letters, digits or symbols, no spaces");
            Refusal::new(Code::Invalid).field("login").message(allowed)
        };
        // Preparing is not linear, so it gets no long text.
        if text.len() > LOGIN_CHARS * 4 {
            return Err(refuse());
        }
        let key = UsernameCaseMapped::enforce(text).map_err(|_| refuse())?;
        if key.chars().count() > LOGIN_CHARS || text.chars().count() > LOGIN_CHARS {
            return Err(refuse());
        }
        Ok(Self { shown: text.to_owned(), key: key.into_owned() })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// The same for any two that are one login.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// An address that nobody has verified: it is shown to its owner, and says nothing about who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// Takes what looks like an address.
    ///
    /// # Errors
    /// `invalid`, field `email`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let looks_so =
            text.rsplit_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
        let is_plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        match looks_so && is_plain && text.len() <= EMAIL_BYTES {
            true => Ok(Self(text.to_owned())),
            false => Err(Refusal::new(Code::Invalid).field("email").message("email must be an address")),
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a device is called in the list of one's sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(String);

impl Device {
    /// Takes a client's own name for itself; what is too long is cut, for it is only shown.
    ///
    /// # Errors
    /// `invalid`, field `device`, where it has U+0000.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.contains('\0') {
            return Err(Refusal::new(Code::Invalid).field("device").message("device must not have U+0000"));
        }
        Ok(Self(text.trim().chars().take(DEVICE_CHARS).collect()))
    }

    /// The name; empty where there is none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_width_do_not_tell_logins_apart_and_what_was_written_is_kept() {
        for (one, other) in
            [("Ada", "aDA"), ("ada@Example.org", "ADA@example.ORG"), ("ａｄａ", "ada"), ("유나", "유나")]
        {
            let (one, other) = (Login::parse(one).unwrap(), Login::parse(other).unwrap());
            assert_eq!(one.key(), other.key());
        }
        assert_eq!(Login::parse("Ada").unwrap().as_str(), "Ada");
    }

    #[test]
    fn what_is_no_login_is_refused_with_its_field() {
        for text in ["", " ", "a b", "a\u{0}b", "\u{202e}x", "☃", &"x".repeat(65), &"x".repeat(5000)] {
            let refusal = Login::parse(text).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some("login")), "{text:?}");
        }
        assert!(Login::parse(&"x".repeat(64)).is_ok());
    }

    #[test]
    fn an_address_looks_like_one() {
        for good in ["a@b", "\"a@b\"@example.org", "유나@example.한국"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "a@b\n", &format!("{}@b", "a".repeat(260))] {
            assert_eq!(Email::parse(bad).unwrap_err().field, Some("email"), "{bad:?}");
        }
    }

    #[test]
    fn a_device_is_cut_and_not_refused_for_its_length() {
        assert_eq!(Device::parse(&"한".repeat(200)).unwrap().as_str().chars().count(), 100);
        assert_eq!(Device::parse("  phone ").unwrap().as_str(), "phone");
        assert_eq!(Device::parse("a\0").unwrap_err().field, Some("device"));
    }
}
