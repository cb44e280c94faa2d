//! Tokens of other issuers, over every protocol: who bears a good one is somebody, and whoever does not is nobody.
//! The keys in `tests/keys` are the issuer's; the issuer itself is this test.

mod admins;
mod people;
mod tokens;

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::document::Document;
use crate::support::http::Http;
use crate::support::server::{Plan, Server};

/// The `iss` of the tokens.
const ISSUER: &str = "https://login.example";

/// A server that believes an issuer, and that issuer.
struct House {
    server: Server,
    http: Http,
    keys: Document,
    _folder: TempDir,
}

impl House {
    async fn open() -> House {
        House::with("").await
    }

    /// With more lines of the issuer's entry.
    async fn with(more: &str) -> House {
        let keys = Document::serve(&json!({ "keys": [jwk(&key("rsa"), Algorithm::RS256, "k1")] })).await;
        let folder = TempDir::new().unwrap();
        let entry = format!(
            "[[auth.issuers]]\nname = \"company\"\nissuer = \"{ISSUER}\"\naudience = \"klatsch\"\n\
             jwks_url = \"{}\"\nrefresh_s = 1\nadmin_role = \"chat-admin\"\n\
             claims = {{ roles = \"realm_access.roles\" }}\n{more}\n",
            keys.url
        );
        let server = believing(&folder, &entry).start().await;
        House { http: Http::to(&server), server, keys, _folder: folder }
    }
}

/// A server with a settings file that says this.
fn believing(folder: &TempDir, settings: &str) -> Plan {
    let file = folder.path().join("issuer.toml");
    fs::write(&file, settings).unwrap();
    Plan::default().with_arguments(&["--config", file.to_str().unwrap()])
}

/// A private key by its name in `tests/keys`.
fn key(name: &str) -> EncodingKey {
    let pem = fs::read(format!("tests/keys/{name}.pem")).unwrap();
    EncodingKey::from_rsa_pem(&pem)
        .or_else(|_| EncodingKey::from_ec_pem(&pem))
        .or_else(|_| EncodingKey::from_ed_pem(&pem))
        .unwrap()
}

/// The public half, as it stands in a set of keys.
fn jwk(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = id.into();
    jwk
}

/// Seconds since 1970, now.
#[expect(clippy::disallowed_methods, reason = "a test is an issuer with a clock of its own")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Good claims of somebody, with changes.
fn claims(subject: &str, nickname: &str, change: Value) -> Value {
    let mut claims = json!({
        "iss": ISSUER, "aud": ["klatsch", "another"], "sub": subject, "preferred_username": nickname,
        "iat": now(), "exp": now() + 300,
    });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

/// A token under a key's id.
fn sign(algorithm: Algorithm, id: &str, key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: Some(id.to_owned()), ..Header::new(algorithm) };
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// A good token of somebody.
fn token(subject: &str, nickname: &str) -> String {
    sign(Algorithm::RS256, "k1", &key("rsa"), &claims(subject, nickname, json!({})))
}
