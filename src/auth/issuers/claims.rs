//! What a verified token says: whom it is for, when it is good, and who somebody is.
//! Its signature was judged before; nothing here reads a clock.

use serde_json::{Map, Value};

use super::fault::TokenFault;
use crate::{config::ClaimNames, domain::Timestamp};

/// Longest name that an issuer may give somebody, in bytes.
const SUBJECT_BYTES: usize = 255;

/// The claims of a token, which its issuer signed.
#[derive(Debug, Clone)]
pub struct Claims(Map<String, Value>);

/// Whom a token must come from and be for.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a [String],
    pub(super) skew_ms: i64,
}

/// Who a token says that somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What the issuer calls them, for ever.
    pub id: String,
    /// What they would like to be called, where the issuer knows.
    pub nickname: Option<String>,
    /// What they are there.
    pub roles: Vec<String>,
}

impl Claims {
    pub(in crate::auth) const fn new(claims: Map<String, Value>) -> Self {
        Self(claims)
    }

    /// A claim; dots lead into objects, unless a claim has them in its own name.
    pub fn get(&self, path: &str) -> Option<&Value> {
        if let Some(value) = self.0.get(path) {
            return Some(value);
        }
        let mut parts = path.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// Judges whom the token is for and when it is good; gives the instant at which it expires.
    pub(super) fn judge(&self, expected: &Expected<'_>, now: Timestamp) -> Result<Timestamp, TokenFault> {
        if self.0.get("iss").and_then(Value::as_str) != Some(expected.issuer) {
            return Err(TokenFault::Issuer);
        }
        if !self.is_for(expected.audience) {
            return Err(TokenFault::Audience);
        }
        let expires = self.instant("exp")?.ok_or(TokenFault::Expired)?;
        if now.millis_since(expires) >= expected.skew_ms {
            return Err(TokenFault::Expired);
        }
        for start in ["nbf", "iat"] {
            if self.instant(start)?.is_some_and(|start| start.millis_since(now) > expected.skew_ms) {
                return Err(TokenFault::NotYetValid);
            }
        }
        Ok(expires)
    }

    /// Who it is, by the names that the claims have.
    pub fn subject(&self, names: &ClaimNames) -> Result<Subject, TokenFault> {
        let id = match self.get(&names.id) {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => return Err(TokenFault::Nobody),
        };
        let is_whole = !id.is_empty() && id.len() <= SUBJECT_BYTES && !id.contains('\0');
        let nickname = self.get(&names.nickname).and_then(Value::as_str).map(str::to_owned);
        let subject = Subject { id, nickname, roles: self.texts(&names.roles) };
        if is_whole { Ok(subject) } else { Err(TokenFault::Nobody) }
    }

    fn is_for(&self, audience: &[String]) -> bool {
        let is_ours = |value: &Value| value.as_str().is_some_and(|aud| audience.iter().any(|one| one == aud));
        match self.0.get("aud") {
            Some(Value::Array(all)) => all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        }
    }

    /// A date in seconds, which may have a fraction.
    fn instant(&self, name: &str) -> Result<Option<Timestamp>, TokenFault> {
        let Some(value) = self.0.get(name) else { return Ok(None) };
        let seconds = value.as_f64().filter(|seconds| (0.0..1e11).contains(seconds));
        #[expect(clippy::cast_possible_truncation, reason = "the number was held within bounds")]
        let millis = |seconds: f64| Timestamp::from_millis((seconds * 1000.0) as i64);
        seconds.map(millis).map(Some).ok_or(TokenFault::Malformed)
    }

    /// The texts of a claim: a list, or one text with blanks between.
    fn texts(&self, path: &str) -> Vec<String> {
        match self.get(path) {
            Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Timestamp = Timestamp::from_millis(1_763_712_000_000);

    fn claims(claims: &Value) -> Claims {
        Claims::new(claims.as_object().unwrap().clone())
    }

    fn judged(change: &Value) -> Result<Timestamp, TokenFault> {
        let mut all = json!({"iss": "i", "aud": "a", "exp": 1_763_712_060, "iat": 1_763_712_000});
        for (name, value) in change.as_object().unwrap() {
            match value {
                Value::Null => all.as_object_mut().unwrap().remove(name),
                value => all.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        let audience = ["a".to_owned(), "b".to_owned()];
        claims(&all).judge(&Expected { issuer: "i", audience: &audience, skew_ms: 30_000 }, NOW)
    }

    #[test]
    fn a_token_is_good_for_its_audience_in_its_time() {
        for good in [
            json!({}),
            json!({"aud": ["x", "b"]}),
            json!({"exp": 1_763_711_971}),
            json!({"exp": 1_763_711_970.5}),
            json!({"nbf": 1_763_712_030}),
            json!({"iat": null}),
        ] {
            assert!(judged(&good).is_ok(), "{good}");
        }
        assert_eq!(judged(&json!({})), Ok(Timestamp::from_millis(1_763_712_060_000)));
    }

    #[test]
    fn what_is_wrong_with_a_token_is_named() {
        for (bad, fault) in [
            (json!({"iss": "other"}), TokenFault::Issuer),
            (json!({"iss": null}), TokenFault::Issuer),
            (json!({"iss": ["i"]}), TokenFault::Issuer),
            (json!({"aud": "c"}), TokenFault::Audience),
            (json!({"aud": []}), TokenFault::Audience),
            (json!({"aud": null}), TokenFault::Audience),
            (json!({"exp": 1_763_711_970}), TokenFault::Expired),
            (json!({"exp": null}), TokenFault::Expired),
            (json!({"exp": "tomorrow"}), TokenFault::Malformed),
            (json!({"exp": -1}), TokenFault::Malformed),
            (json!({"exp": 1e300}), TokenFault::Malformed),
            (json!({"nbf": 1_763_712_031}), TokenFault::NotYetValid),
            (json!({"iat": 1_763_712_031}), TokenFault::NotYetValid),
        ] {
            assert_eq!(judged(&bad), Err(fault), "{bad}");
        }
    }

    #[test]
    fn claims_are_found_by_paths_and_roles_in_every_shape() {
        let claims = claims(&json!({
            "sub": "7", "number": 42, "https://a.example/name": "Ada", "scope": "read write",
            "realm_access": {"roles": ["admin", 3, "user"]}, "long": "x".repeat(256),
        }));
        let subject = |id: &str, nickname: &str, roles: &str| {
            claims.subject(&ClaimNames { id: id.into(), nickname: nickname.into(), roles: roles.into() })
        };
        let ada = subject("sub", "https://a.example/name", "realm_access.roles").unwrap();
        assert_eq!((ada.id.as_str(), ada.nickname.as_deref()), ("7", Some("Ada")));
        assert_eq!(ada.roles, ["admin", "user"]);
        let other = subject("number", "missing", "scope").unwrap();
        assert_eq!((other.id.as_str(), other.nickname, other.roles.len()), ("42", None, 2));
        for id in ["missing", "realm_access", "long"] {
            assert_eq!(subject(id, "x", "x"), Err(TokenFault::Nobody), "{id}");
        }
    }
}
