//! `auth.providers`: where people may log in by the page, and what is known of each provider before it is asked.
//! Not the logging in: here is only seen to it that an entry makes sense.

use std::{collections::HashSet, fmt, path::PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::{issuers::is_name, properties::HIDDEN, web_url::WebUrl};

/// The providers; no two of them have one id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<ProviderSettings>", into = "Vec<ProviderSettings>")]
pub struct Providers(Vec<ProviderSettings>);

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct ProviderSettings {
    /// Its name in addresses.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it speaks, and where.
    #[serde(flatten)]
    pub kind: ProviderKind,
    /// What it calls this service.
    pub client_id: String,
    /// The secret that this service shares with it, written down here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
    /// The file with that secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret_file: Option<PathBuf>,
    /// How this service shows the secret; as the provider says where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_auth: Option<ClientAuth>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What says who somebody is.
    pub claims: ProviderClaims,
}

/// What a provider speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProviderKind {
    /// OAuth 2.0 alone: somebody is who the provider's own document says.
    OAuth {
        /// Whose names for people they are.
        issuer: String,
        /// Where people are sent.
        authorization_url: WebUrl,
        /// Where a code is changed for a token.
        token_url: WebUrl,
        /// The document about who has a token.
        userinfo_url: WebUrl,
    },
    /// OpenID Connect, whose addresses are found by asking the issuer.
    OpenId {
        /// The issuer.
        issuer: WebUrl,
    },
}

/// Where a claim or the provider's document says who somebody is; dots lead into objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderClaims {
    /// Names somebody for ever.
    pub id: String,
    /// What they might like to be called.
    pub nickname: String,
}

/// How a secret is shown to a provider (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// In `Authorization: Basic`.
    Basic,
    /// In the body.
    Post,
}

/// A secret. `Debug` and serde hide it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for whom it is shared with and for nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<Secret> for String {
    fn from(_: Secret) -> Self {
        HIDDEN.to_owned()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// A provider as a file has it: a preset and what is not as in that, or all of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with id, client_id and a preset, an issuer or addresses")]
struct Written {
    id: Option<String>,
    name: Option<String>,
    preset: Option<Preset>,
    issuer: Option<String>,
    authorization_url: Option<WebUrl>,
    token_url: Option<WebUrl>,
    userinfo_url: Option<WebUrl>,
    client_id: Option<String>,
    client_secret: Option<Secret>,
    client_secret_file: Option<PathBuf>,
    client_auth: Option<ClientAuth>,
    scopes: Option<Vec<String>>,
    claims: Option<WrittenClaims>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenClaims {
    id: Option<String>,
    nickname: Option<String>,
}

/// Providers whose addresses are known.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Preset {
    Google,
    Kakao,
    Naver,
    Github,
    Keycloak,
}

/// What a preset knows. Addresses that are empty are not known.
struct Known {
    name: &'static str,
    issuer: &'static str,
    authorization_url: &'static str,
    token_url: &'static str,
    userinfo_url: &'static str,
    client_auth: Option<ClientAuth>,
    scopes: &'static [&'static str],
    id: &'static str,
    nickname: &'static str,
}

/// OpenID Connect, of which nothing else is known.
const OPEN_ID: Known = Known {
    name: "",
    issuer: "",
    authorization_url: "",
    token_url: "",
    userinfo_url: "",
    client_auth: None,
    scopes: &["openid", "profile"],
    id: "sub",
    nickname: "preferred_username",
};

/// OAuth 2.0, of which nothing else is known.
const O_AUTH: Known = Known { scopes: &[], id: "id", nickname: "nickname", ..OPEN_ID };

impl Preset {
    const fn known(self) -> Known {
        match self {
            // https://developers.google.com/identity/openid-connect/openid-connect
            Self::Google => {
                Known { name: "Google", issuer: "https://accounts.google.com", nickname: "name", ..OPEN_ID }
            }
            // https://developers.kakao.com/docs/latest/en/kakaologin/rest-api: the secret goes in the body; what people
            // are asked to share is chosen in Kakao's console, so no scope is named.
            Self::Kakao => Known {
                name: "Kakao",
                issuer: "https://kauth.kakao.com",
                authorization_url: "https://kauth.kakao.com/oauth/authorize",
                token_url: "https://kauth.kakao.com/oauth/token",
                userinfo_url: "https://kapi.kakao.com/v2/user/me",
                client_auth: Some(ClientAuth::Post),
                nickname: "kakao_account.profile.nickname",
                ..O_AUTH
            },
            // https://developers.naver.com/docs/login/api/api.md and …/profile/profile.md: the id is one of this
            // application, and stands with all else below `response`.
            Self::Naver => Known {
                name: "NAVER",
                issuer: "https://nid.naver.com",
                authorization_url: "https://nid.naver.com/oauth2.0/authorize",
                token_url: "https://nid.naver.com/oauth2.0/token",
                userinfo_url: "https://openapi.naver.com/v1/nid/me",
                client_auth: Some(ClientAuth::Post),
                id: "response.id",
                nickname: "response.nickname",
                ..O_AUTH
            },
            // https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps and
            // https://docs.github.com/en/rest/users/users#get-the-authenticated-user: what is public needs no scope.
            Self::Github => Known {
                name: "GitHub",
                issuer: "https://github.com",
                authorization_url: "https://github.com/login/oauth/authorize",
                token_url: "https://github.com/login/oauth/access_token",
                userinfo_url: "https://api.github.com/user",
                client_auth: Some(ClientAuth::Post),
                nickname: "login",
                ..O_AUTH
            },
            // https://www.keycloak.org/securing-apps/oidc-layers: the issuer is https://HOST/realms/REALM.
            Self::Keycloak => Known { name: "Keycloak", ..OPEN_ID },
        }
    }
}

impl Providers {
    /// The providers, in the order of the file.
    pub fn as_slice(&self) -> &[ProviderSettings] {
        &self.0
    }
}

impl ProviderSettings {
    /// The addresses that this service or a browser is sent to.
    pub(super) fn urls(&self) -> Vec<&WebUrl> {
        match &self.kind {
            ProviderKind::OpenId { issuer } => vec![issuer],
            ProviderKind::OAuth { authorization_url, token_url, userinfo_url, .. } => {
                vec![authorization_url, token_url, userinfo_url]
            }
        }
    }
}

impl TryFrom<Vec<ProviderSettings>> for Providers {
    type Error = &'static str;

    fn try_from(providers: Vec<ProviderSettings>) -> Result<Self, Self::Error> {
        let ids: HashSet<&str> = providers.iter().map(|one| one.id.as_str()).collect();
        if ids.len() == providers.len() {
            Ok(Self(providers))
        } else {
            Err("providers of which no two have the same id")
        }
    }
}

impl From<Providers> for Vec<ProviderSettings> {
    fn from(providers: Providers) -> Self {
        providers.0
    }
}

impl TryFrom<Written> for ProviderSettings {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let is_oauth = written.authorization_url.is_some();
        let known = match written.preset {
            Some(preset) => preset.known(),
            None if is_oauth => O_AUTH,
            None => OPEN_ID,
        };
        let id = written.id.filter(|id| is_name(id));
        let id = id.ok_or("an id for each provider: 1 to 64 letters, digits, dots, dashes or underscores")?;
        let name = written.name.filter(|name| !name.is_empty()).unwrap_or_else(|| match known.name {
            "" => id.clone(),
            name => name.to_owned(),
        });
        if name.chars().count() > 64 {
            return Err("a name of at most 64 characters for each provider");
        }
        if written.client_secret.is_some() && written.client_secret_file.is_some() {
            return Err("client_secret or client_secret_file, not both");
        }
        let client_id = written.client_id.filter(|id| !id.is_empty());
        let claims = written.claims.unwrap_or_default();
        Ok(Self {
            id,
            name,
            kind: kind(
                &known,
                written.issuer,
                [written.authorization_url, written.token_url, written.userinfo_url],
            )?,
            client_id: client_id.ok_or("a client_id for each provider, which the provider gives")?,
            client_secret: written.client_secret,
            client_secret_file: written.client_secret_file,
            client_auth: written.client_auth.or(known.client_auth),
            scopes: written
                .scopes
                .unwrap_or_else(|| known.scopes.iter().map(|&scope| scope.to_owned()).collect()),
            claims: ProviderClaims {
                id: claims.id.unwrap_or_else(|| known.id.to_owned()),
                nickname: claims.nickname.unwrap_or_else(|| known.nickname.to_owned()),
            },
        })
    }
}

/// What it speaks: OAuth 2.0 alone where there are addresses, else OpenID Connect.
fn kind(
    known: &Known,
    issuer: Option<String>,
    urls: [Option<WebUrl>; 3],
) -> Result<ProviderKind, &'static str> {
    let issuer = issuer.or_else(|| some(known.issuer).map(str::to_owned));
    let preset = [known.authorization_url, known.token_url, known.userinfo_url];
    let urls = urls.into_iter().zip(preset).map(|(given, preset)| match given {
        Some(url) => Ok(Some(url)),
        None => some(preset).map(WebUrl::parse).transpose(),
    });
    let urls: Vec<Option<WebUrl>> = urls.collect::<Result<_, _>>()?;
    match <[Option<WebUrl>; 3]>::try_from(urls) {
        Ok([Some(authorization_url), Some(token_url), Some(userinfo_url)]) => {
            let issuer = issuer.unwrap_or_else(|| origin(&authorization_url));
            Ok(ProviderKind::OAuth { issuer, authorization_url, token_url, userinfo_url })
        }
        Ok([None, None, None]) => {
            let issuer = issuer
                .ok_or("an issuer for each provider, or authorization_url, token_url and userinfo_url")?;
            Ok(ProviderKind::OpenId { issuer: WebUrl::parse(&issuer)? })
        }
        _ => Err("authorization_url, token_url and userinfo_url together, or an issuer alone"),
    }
}

fn some(text: &'static str) -> Option<&'static str> {
    (!text.is_empty()).then_some(text)
}

fn origin(url: &WebUrl) -> String {
    Url::parse(url.as_str())
        .map_or_else(|_| url.as_str().to_owned(), |url| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn provider(entry: Value) -> Result<ProviderSettings, String> {
        serde_json::from_value(entry).map_err(|error| error.to_string())
    }

    #[test]
    fn a_preset_needs_an_id_and_what_the_provider_gave() {
        for (preset, name, issuer) in [
            ("google", "Google", "https://accounts.google.com"),
            ("kakao", "Kakao", "https://kauth.kakao.com"),
            ("naver", "NAVER", "https://nid.naver.com"),
            ("github", "GitHub", "https://github.com"),
        ] {
            let entry = json!({"id": "a", "preset": preset, "client_id": "c", "client_secret": "hunter2"});
            let provider = provider(entry).unwrap();
            assert_eq!(provider.name, name);
            let shown = serde_json::to_value(&provider).unwrap();
            assert_eq!(shown["issuer"], issuer);
            assert_eq!(shown["authorization_url"].is_null(), preset == "google");
            assert!(!format!("{provider:?} {shown}").contains("hunter2"));
        }
    }

    #[test]
    fn whatever_is_given_stands_over_the_preset_and_is_shown_as_it_can_be_loaded() {
        let keycloak = provider(json!({
            "id": "work", "preset": "keycloak", "issuer": "https://sso.example/realms/a", "client_id": "c",
            "client_secret_file": "/run/secrets/a", "scopes": ["openid"], "claims": {"nickname": "name"},
        }))
        .unwrap();
        assert_eq!((keycloak.claims.id.as_str(), keycloak.claims.nickname.as_str()), ("sub", "name"));
        let own = provider(json!({
            "id": "own", "authorization_url": "https://a.example:8443/login", "token_url": "https://a.example/token",
            "userinfo_url": "https://a.example/me", "client_id": "c",
        }))
        .unwrap();
        let shown = serde_json::to_value(&own).unwrap();
        assert_eq!(shown["issuer"], "https://a.example:8443");
        for one in [keycloak, own] {
            assert_eq!(provider(serde_json::to_value(&one).unwrap()).unwrap(), one);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_what_would() {
        let with = |more: Value| {
            let mut entry = json!({"id": "a", "client_id": "c"});
            entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            provider(entry).unwrap_err()
        };
        for (more, allowed) in [
            (json!({}), "an issuer"),
            (json!({"preset": "keycloak"}), "an issuer"),
            (json!({"preset": "myspace"}), "unknown variant"),
            (json!({"issuer": "a.example"}), "https://HOST"),
            (json!({"authorization_url": "https://a/b"}), "together"),
            (json!({"preset": "google", "id": "a/b"}), "an id"),
            (json!({"preset": "google", "client_id": ""}), "a client_id"),
            (json!({"preset": "google", "client_secret": "a", "client_secret_file": "b"}), "not both"),
            (json!({"preset": "google", "secret": "hunter2"}), "unknown field"),
        ] {
            let refusal = with(more.clone());
            assert!(refusal.contains(allowed) && !refusal.contains("hunter2"), "{more}: {refusal}");
        }
    }
}
