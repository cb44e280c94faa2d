//! `auth.issuers`: whose tokens are believed besides the node's own, and what of them is read.
//! Not the judging of a token: here is only seen to it that an entry makes sense.

use std::{collections::HashSet, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::web_url::WebUrl;

/// The issuers; no two of them have one name or one `iss`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<IssuerSettings>", into = "Vec<IssuerSettings>")]
pub struct Issuers(Vec<IssuerSettings>);

/// One issuer of tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct IssuerSettings {
    /// What log lines call it.
    pub name: String,
    /// The `iss` of its tokens, to the letter.
    pub issuer: String,
    /// The `aud` of its tokens, of which one must be there.
    pub audience: Vec<String>,
    /// Where its keys are.
    #[serde(flatten)]
    pub keys: KeySource,
    /// What its tokens may be signed with.
    pub algorithms: Vec<SigningAlgorithm>,
    /// Seconds that its clock may be off.
    pub clock_skew_s: u64,
    /// Seconds between two requests for its keys because of a key that is not known.
    pub refresh_s: u64,
    /// Seconds after which its keys are asked for anew, so that withdrawn ones are forgotten.
    pub keys_age_s: u64,
    /// Which claims say who somebody is.
    pub claims: ClaimNames,
    /// The role that makes an admin of this service; nobody where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_role: Option<String>,
}

/// Where the keys are that an issuer signs with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySource {
    /// A JSON Web Key Set that is fetched.
    JwksUrl(WebUrl),
    /// A file with public keys: PEM, or a JSON Web Key Set.
    KeyFile(PathBuf),
    /// A file with a secret that the issuer shares, for HS256 alone.
    SecretFile(PathBuf),
}

/// Names of claims; dots lead into objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClaimNames {
    /// Names somebody for ever.
    pub id: String,
    /// What they would like to be called.
    pub nickname: String,
    /// What they are: a text, texts with blanks between, or a list.
    pub roles: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { id: "sub".to_owned(), nickname: "preferred_username".to_owned(), roles: "roles".to_owned() }
    }
}

/// How a token may be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are those of RFC 7518 and RFC 8037")]
pub enum SigningAlgorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
    HS256,
}

impl SigningAlgorithm {
    /// All that need no shared secret.
    pub const ASYMMETRIC: &'static [Self] = &[
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
    ];
}

/// An issuer as a file has it, which names only what is not as usual.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with name, issuer, audience and jwks_url, key_file or secret_file"
)]
struct Written {
    name: Option<String>,
    issuer: Option<String>,
    audience: Option<OneOrMore>,
    jwks_url: Option<WebUrl>,
    key_file: Option<PathBuf>,
    secret_file: Option<PathBuf>,
    algorithms: Option<Vec<SigningAlgorithm>>,
    clock_skew_s: Option<u64>,
    refresh_s: Option<u64>,
    keys_age_s: Option<u64>,
    claims: Option<ClaimNames>,
    admin_role: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl Issuers {
    /// The issuers, in the order of the file.
    pub fn as_slice(&self) -> &[IssuerSettings] {
        &self.0
    }
}

impl TryFrom<Vec<IssuerSettings>> for Issuers {
    type Error = &'static str;

    fn try_from(issuers: Vec<IssuerSettings>) -> Result<Self, Self::Error> {
        let names: HashSet<&str> = issuers.iter().map(|one| one.name.as_str()).collect();
        let texts: HashSet<&str> = issuers.iter().map(|one| one.issuer.as_str()).collect();
        if names.len() == issuers.len() && texts.len() == issuers.len() {
            Ok(Self(issuers))
        } else {
            Err("issuers of which no two have the same name or the same issuer")
        }
    }
}

impl From<Issuers> for Vec<IssuerSettings> {
    fn from(issuers: Issuers) -> Self {
        issuers.0
    }
}

impl TryFrom<Written> for IssuerSettings {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let audience = match written.audience {
            Some(OneOrMore::One(audience)) => vec![audience],
            Some(OneOrMore::More(audience)) => audience,
            None => Vec::new(),
        };
        if audience.is_empty() || audience.iter().any(String::is_empty) {
            return Err("an audience for each issuer, for a token for another service is none for this one");
        }
        let keys = match (written.jwks_url, written.key_file, written.secret_file) {
            (Some(url), None, None) => KeySource::JwksUrl(url),
            (None, Some(file), None) => KeySource::KeyFile(file),
            (None, None, Some(file)) => KeySource::SecretFile(file),
            _ => return Err("one of jwks_url, key_file and secret_file for each issuer"),
        };
        let algorithms = algorithms(&keys, written.algorithms)?;
        Ok(Self {
            name: written
                .name
                .filter(|name| is_name(name))
                .ok_or("a name for each issuer: 1 to 64 letters, digits, dots, dashes or underscores")?,
            issuer: written
                .issuer
                .filter(|issuer| !issuer.is_empty())
                .ok_or("an issuer, the iss of its tokens")?,
            audience,
            keys,
            algorithms,
            clock_skew_s: within(written.clock_skew_s.unwrap_or(30), 0, 300)
                .ok_or("a clock_skew_s from 0 to 300")?,
            refresh_s: within(written.refresh_s.unwrap_or(10), 1, 3600)
                .ok_or("a refresh_s from 1 to 3600")?,
            keys_age_s: within(written.keys_age_s.unwrap_or(3600), 1, 604_800)
                .ok_or("a keys_age_s from 1 to 604800")?,
            claims: written.claims.unwrap_or_default(),
            admin_role: written.admin_role.filter(|role| !role.is_empty()),
        })
    }
}

/// A public key verifies nothing that a secret signed, and the other way round, so the two never mix.
fn algorithms(
    keys: &KeySource,
    given: Option<Vec<SigningAlgorithm>>,
) -> Result<Vec<SigningAlgorithm>, &'static str> {
    let is_secret = matches!(keys, KeySource::SecretFile(_));
    let usual = if is_secret { &[SigningAlgorithm::HS256] } else { SigningAlgorithm::ASYMMETRIC };
    let algorithms = given.unwrap_or_else(|| usual.to_vec());
    match algorithms.iter().all(|algorithm| usual.contains(algorithm)) && !algorithms.is_empty() {
        true => Ok(algorithms),
        false if is_secret => Err("HS256 alone where there is a secret_file"),
        false => Err("RS256 to RS512, PS256 to PS512, ES256, ES384 or EdDSA; HS256 needs a secret_file"),
    }
}

/// Whether a text can name an issuer or a provider.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

fn within(number: u64, least: u64, most: u64) -> Option<u64> {
    (least..=most).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn with(more: &Value) -> Result<IssuerSettings, String> {
        let mut entry = json!({"name": "company", "issuer": "https://login.example", "audience": "klatsch"});
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(entry).map_err(|error| error.to_string())
    }

    #[test]
    fn a_short_entry_has_the_usual_rest() {
        let issuer = with(&json!({"jwks_url": "https://login.example/jwks"})).unwrap();
        assert_eq!(issuer.audience, ["klatsch"]);
        assert_eq!(issuer.algorithms, SigningAlgorithm::ASYMMETRIC);
        assert_eq!((issuer.clock_skew_s, issuer.claims.id.as_str()), (30, "sub"));
        let shown = serde_json::to_value(&issuer).unwrap();
        assert_eq!(serde_json::from_value::<IssuerSettings>(shown).unwrap(), issuer);
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        for (more, allowed) in [
            (json!({}), "one of jwks_url, key_file and secret_file"),
            (json!({"jwks_url": "https://a/b", "key_file": "c"}), "one of jwks_url"),
            (json!({"jwks_url": "jwks.json"}), "https://HOST/PATH"),
            (json!({"key_file": "a", "audience": []}), "an audience"),
            (json!({"key_file": "a", "algorithms": ["RS256", "HS256"]}), "HS256 needs a secret_file"),
            (json!({"secret_file": "a", "algorithms": ["RS256"]}), "HS256 alone"),
            (json!({"key_file": "a", "algorithms": ["none"]}), "unknown variant"),
            (json!({"key_file": "a", "algorithms": []}), "RS256"),
            (json!({"key_file": "a", "clock_skew_s": 301}), "0 to 300"),
            (json!({"key_file": "a", "name": "a b"}), "a name"),
            (json!({"key_file": "a", "audiense": "a"}), "audience"),
        ] {
            let refusal = with(&more).unwrap_err();
            assert!(refusal.contains(allowed), "{more}: {refusal}");
        }
        let one = with(&json!({"key_file": "a"})).unwrap();
        assert!(Issuers::try_from(vec![one.clone(), one]).is_err());
    }
}
