//! CONNECT, and STOMP, which is the same: which version is spoken, who the client is, how it shows that it lives.
//! Whether a token or a secret is good is judged by others.

use std::fmt;

use super::{Broken, Frame, Heartbeat, Version};

/// A client's first frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect {
    /// The highest version that both ends know.
    pub version: Version,
    /// How the client says who it is.
    pub identity: Identity,
    /// What it offers; nothing in 1.0.
    pub heartbeat: Heartbeat,
    /// The virtual host that it names. Clients must name one from 1.1 on, and well-known ones do not; there is only one.
    pub host: Option<String>,
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// By the token in `Authorization: Bearer`; nothing else counts then.
    Token(String),
    /// By a passcode, which is a token or, with a nickname, the secret of a guest.
    Passcode {
        /// The token or secret.
        passcode: String,
        /// The nickname.
        login: Option<String>,
    },
    /// By a nickname alone.
    Nickname(String),
    /// Not at all, or in a way that the server does not know.
    Nobody,
}

impl Connect {
    /// Reads the frame.
    pub(super) fn parse(frame: &Frame) -> Result<Self, Broken> {
        let version =
            Version::negotiate(frame.header("accept-version")).ok_or_else(Broken::no_common_version)?;
        if version > Version::V1_0 && !frame.body.is_empty() {
            return Err(Broken::malformed("only SEND may have a body"));
        }
        let heartbeat = match version {
            Version::V1_0 => Heartbeat::default(),
            _ => Heartbeat::parse(frame.header("heart-beat"))?,
        };
        let identity = Identity::of(frame, version);
        Ok(Self { version, identity, heartbeat, host: frame.header("host").map(str::to_owned) })
    }
}

impl Identity {
    fn of(frame: &Frame, version: Version) -> Self {
        if let Some(value) = authorization(frame) {
            return bearer(value).map_or(Self::Nobody, |token| Self::Token(token.to_owned()));
        }
        let given = |name: &str| {
            let value = frame.header(name)?;
            let value = if version == Version::V1_0 { value.trim_matches(' ') } else { value };
            (!value.is_empty()).then(|| value.to_owned())
        };
        match (given("passcode"), given("login")) {
            (Some(passcode), login) => Self::Passcode { passcode, login },
            (None, Some(login)) => Self::Nickname(login),
            (None, None) => Self::Nobody,
        }
    }
}

/// A token in `Authorization: Bearer`. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(String);

impl Bearer {
    /// That of a frame, if it has one.
    pub(super) fn of(frame: &Frame) -> Option<Self> {
        bearer(authorization(frame)?).map(|token| Self(token.to_owned()))
    }

    /// The token.
    pub fn into_token(self) -> String {
        self.0
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(hidden)")
    }
}

/// The header's value. It comes from HTTP, where names have no case.
fn authorization(frame: &Frame) -> Option<&str> {
    let mut headers = frame.headers.iter();
    headers.find(|(name, _)| name.eq_ignore_ascii_case("authorization")).map(|(_, value)| value.as_str())
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stomp::Command;

    fn connect(headers: &[(&str, &str)]) -> Result<Connect, Broken> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Connect::parse(&Frame { command: Command::Connect, headers, body: Vec::new() })
    }

    fn identity(headers: &[(&str, &str)]) -> Identity {
        connect(headers).unwrap().identity
    }

    #[test]
    fn a_client_says_who_it_is_in_one_of_three_ways() {
        let token = Identity::Token("t.1".to_owned());
        assert_eq!(identity(&[("login", "ada"), ("Authorization", "Bearer t.1")]), token);
        assert_eq!(identity(&[("authorization", "bearer  t.1")]), token);
        let passcode = |login: Option<&str>| Identity::Passcode {
            passcode: "p".to_owned(),
            login: login.map(str::to_owned),
        };
        assert_eq!(identity(&[("passcode", "p")]), passcode(None));
        assert_eq!(identity(&[("login", "ada"), ("passcode", "p")]), passcode(Some("ada")));
        assert_eq!(identity(&[("login", "ada"), ("passcode", "")]), Identity::Nickname("ada".to_owned()));
        assert_eq!(identity(&[("login", " ada ")]), Identity::Nickname("ada".to_owned()));
        let new = [("accept-version", "1.2"), ("login", " ada ")];
        assert_eq!(identity(&new), Identity::Nickname(" ada ".to_owned()));
        for nobody in [("x", "y"), ("Authorization", "Basic YQ=="), ("Authorization", "t"), ("login", "")] {
            assert_eq!(identity(&[nobody]), Identity::Nobody);
        }
    }

    #[test]
    fn heart_beats_begin_with_1_1() {
        let beats =
            |version| connect(&[("accept-version", version), ("heart-beat", "1,2")]).unwrap().heartbeat;
        assert_eq!(beats("1.0"), Heartbeat::default());
        assert_eq!(beats("1.1"), Heartbeat { can: 1, wants: 2 });
        assert!(connect(&[("accept-version", "1.1"), ("heart-beat", "often")]).is_err());
    }
}
