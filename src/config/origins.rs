//! Whose pages may call a node from a browser.
//! Not the check of a request, which also knows the host that was asked for.

use serde::{Deserialize, Serialize};

/// Origins allowed besides the node's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub enum AllowedOrigins {
    /// Only pages that the node itself served.
    SameOrigin,
    /// Those, and pages of these origins (`scheme://host[:port]`, lower case).
    Listed(Vec<String>),
    /// Every page.
    Any,
}

impl AllowedOrigins {
    /// Whether a page of a foreign `origin` may call; the node's own origin is the caller's to recognise.
    pub fn allows_foreign(&self, origin: &str) -> bool {
        match self {
            Self::SameOrigin => false,
            Self::Listed(origins) => origins.iter().any(|one| one.eq_ignore_ascii_case(origin)),
            Self::Any => true,
        }
    }
}

impl TryFrom<Vec<String>> for AllowedOrigins {
    type Error = &'static str;

    fn try_from(origins: Vec<String>) -> Result<Self, Self::Error> {
        match origins.as_slice() {
            [] => Ok(Self::SameOrigin),
            [any] if any == "*" => Ok(Self::Any),
            _ if origins.iter().all(|origin| is_origin(origin)) => {
                let lower = origins.iter().map(|origin| origin.to_ascii_lowercase());
                Ok(Self::Listed(lower.collect()))
            }
            _ => Err("a list of origins, such as https://chat.example or http://localhost:5173, or * alone"),
        }
    }
}

impl From<AllowedOrigins> for Vec<String> {
    fn from(origins: AllowedOrigins) -> Self {
        match origins {
            AllowedOrigins::SameOrigin => Vec::new(),
            AllowedOrigins::Listed(origins) => origins,
            AllowedOrigins::Any => vec!["*".to_owned()],
        }
    }
}

/// An origin is a scheme and a host with nothing behind them, as browsers send it.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
            && !host.is_empty()
            && !host.contains(|c: char| c.is_whitespace() || "/?#@*".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(origins: &[&str]) -> Result<AllowedOrigins, &'static str> {
        AllowedOrigins::try_from(origins.iter().map(|&one| one.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_list_is_empty_everything_or_origins() {
        assert_eq!(parse(&[]), Ok(AllowedOrigins::SameOrigin));
        assert_eq!(parse(&["*"]), Ok(AllowedOrigins::Any));
        assert!(parse(&["https://a.example", "http://localhost:5173"]).is_ok());
        for bad in [&["*", "https://a.example"][..], &["a.example"], &["https://a.example/"], &[""]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_listed_origins_are_allowed_whatever_their_case() {
        let origins = parse(&["https://A.example"]).expect("valid");
        assert!(origins.allows_foreign("https://a.EXAMPLE"));
        assert!(!origins.allows_foreign("https://a.example.evil"));
        assert!(!origins.allows_foreign("http://a.example"));
    }
}
