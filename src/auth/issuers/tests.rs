//! Tokens of other issuers, signed with real keys, and what becomes of each. Served keys are in `served.rs`.
//! The same table is tried over the wire in `tests/it/issuers/`.

mod served;

use std::fs;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::{
    auth::{access::claimed_issuer, fetch::Fetcher},
    config::{self, IssuerSettings},
    storage::{Database, Options},
};
use jsonwebtoken::Algorithm::{self, *};

const NOW: Timestamp = Timestamp::from_millis(1_763_712_000_000);

macro_rules! key {
    ($name:literal) => {
        include_str!(concat!("../../../tests/keys/", $name, ".pem"))
    };
}

/// A key pair by its kind: the private key, and the public one as PEM.
fn pair(algorithm: Algorithm) -> (EncodingKey, &'static str) {
    let key = match algorithm {
        ES256 => (EncodingKey::from_ec_pem(key!("p256").as_bytes()), key!("p256.pub")),
        ES384 => (EncodingKey::from_ec_pem(key!("p384").as_bytes()), key!("p384.pub")),
        EdDSA => (EncodingKey::from_ed_pem(key!("ed25519").as_bytes()), key!("ed25519.pub")),
        _ => (EncodingKey::from_rsa_pem(key!("rsa").as_bytes()), key!("rsa.pub")),
    };
    (key.0.unwrap(), key.1)
}

fn other_rsa() -> EncodingKey {
    EncodingKey::from_rsa_pem(key!("rsa_other").as_bytes()).unwrap()
}

/// A key as it stands in a set.
fn jwk(key: &EncodingKey, algorithm: Algorithm, id: &str) -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(key, algorithm).unwrap()).unwrap();
    jwk["kid"] = id.into();
    jwk["use"] = "sig".into();
    jwk
}

/// Claims that are good, with changes.
fn claims(change: Value) -> Value {
    let mut claims = json!({
        "iss": "https://login.example", "aud": "klatsch", "sub": "7", "preferred_username": "Ada",
        "iat": 1_763_712_000, "exp": 1_763_712_300,
    });
    claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    claims
}

fn sign(algorithm: Algorithm, id: Option<&str>, key: &EncodingKey, claims: &Value) -> String {
    let mut header = Header::new(algorithm);
    header.kid = id.map(str::to_owned);
    jsonwebtoken::encode(&header, claims, key).unwrap()
}

/// An issuer with `more` beside name, issuer and audience.
fn issuer(more: Value) -> Issuer {
    let mut entry = json!({"name": "company", "issuer": "https://login.example", "audience": "klatsch"});
    entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let settings: IssuerSettings = serde_json::from_value(entry).unwrap();
    Issuer::new(&settings, &Fetcher::new(&config::Settings::default().auth)).unwrap()
}

/// An issuer with a file that holds this.
fn issuer_with(setting: &str, text: &str, more: Value) -> Issuer {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, text).unwrap();
    let mut entry = more;
    entry[setting] = path.display().to_string().into();
    issuer(entry)
}

async fn fault(issuer: &Issuer, token: &str) -> TokenFault {
    issuer.verify(token, NOW).await.map(|believed| believed.expires_at).expect_err(token)
}

fn encoded(part: &Value) -> String {
    BASE64URL_NOPAD.encode(part.to_string().as_bytes())
}

#[actix_rt::test]
async fn every_asymmetric_algorithm_is_verified_by_keys_in_pem_and_in_a_set() {
    for algorithm in [RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA] {
        let (key, pem) = pair(algorithm);
        let set = json!({"keys": [jwk(&key, algorithm, "k1")]}).to_string();
        let token = sign(algorithm, Some("k1"), &key, &claims(json!({})));
        for text in [pem, &set] {
            let believed = issuer_with("key_file", text, json!({})).verify(&token, NOW).await.unwrap();
            assert_eq!(believed.expires_at.as_millis(), 1_763_712_300_000, "{algorithm:?}");
        }
        let narrow = issuer_with("key_file", pem, json!({"algorithms": ["ES256", "RS512"]}));
        let verdict = narrow.verify(&token, NOW).await.map(drop);
        let expected = if [ES256, RS512].contains(&algorithm) { Ok(()) } else { Err(TokenFault::Algorithm) };
        assert_eq!(verdict, expected, "{algorithm:?}");
    }
}

#[actix_rt::test]
async fn what_is_not_signed_by_the_issuers_key_is_refused() {
    let (key, pem) = pair(RS256);
    let issuer = issuer_with("key_file", pem, json!({}));
    let good = sign(RS256, None, &key, &claims(json!({})));
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let hs256 = sign(HS256, None, &EncodingKey::from_secret(pem.as_bytes()).unwrap(), &claims(json!({})));
    let none =
        |alg: &str, signature: &str| format!("{}.{payload}.{signature}", encoded(&json!({"alg": alg})));
    let forged = encoded(&claims(json!({"sub": "8"})));
    for (token, expected) in [
        (sign(RS256, None, &other_rsa(), &claims(json!({}))), TokenFault::Signature),
        (format!("{header}.{forged}.{signature}"), TokenFault::Signature),
        (format!("{header}.{payload}."), TokenFault::Signature),
        (sign(ES256, None, &pair(ES256).0, &claims(json!({}))), TokenFault::UnknownKey),
        (hs256, TokenFault::Algorithm),
        (none("none", ""), TokenFault::Algorithm),
        (none("None", signature), TokenFault::Algorithm),
        (none("ROT13", signature), TokenFault::Algorithm),
        (format!("{header}.{payload}"), TokenFault::Malformed),
        (format!("{good}.x"), TokenFault::Malformed),
        (format!("{header}.{}.{signature}", "e".repeat(20_000)), TokenFault::Malformed),
    ] {
        assert_eq!(fault(&issuer, &token).await, expected, "{token}");
    }
}

#[actix_rt::test]
async fn a_token_of_another_kind_or_with_a_demand_is_refused() {
    let (key, pem) = pair(EdDSA);
    let issuer = issuer_with("key_file", pem, json!({}));
    for (kind, is_one) in [("JWT", true), ("at+jwt", true), ("logout+jwt", false), ("dpop+jwt", false)] {
        let header = Header { typ: Some(kind.to_owned()), ..Header::new(EdDSA) };
        let token = jsonwebtoken::encode(&header, &claims(json!({})), &key).unwrap();
        assert_eq!(issuer.verify(&token, NOW).await.is_ok(), is_one, "{kind}");
    }
    let header = Header { crit: Some(vec!["b64".to_owned()]), ..Header::new(EdDSA) };
    let token = jsonwebtoken::encode(&header, &claims(json!({})), &key).unwrap();
    assert_eq!(fault(&issuer, &token).await, TokenFault::Malformed);
}

#[actix_rt::test]
async fn a_shared_secret_verifies_hs256_and_nothing_else() {
    let secret = "a secret of more than thirty-two bytes";
    let issuer = issuer_with("secret_file", &format!("{secret}\n"), json!({}));
    let key = EncodingKey::from_secret(secret.as_bytes()).unwrap();
    assert!(issuer.verify(&sign(HS256, None, &key, &claims(json!({}))), NOW).await.is_ok());
    let other = EncodingKey::from_secret(b"another secret of thirty-two bytes and more").unwrap();
    let wrong = sign(HS256, None, &other, &claims(json!({})));
    assert_eq!(fault(&issuer, &wrong).await, TokenFault::Signature);
    let rs256 = sign(RS256, None, &pair(RS256).0, &claims(json!({})));
    assert_eq!(fault(&issuer, &rs256).await, TokenFault::Algorithm);
}

#[test]
fn a_file_without_a_good_key_stops_the_start() {
    let weak = include_str!("../../../tests/keys/rsa_weak.pub.pem");
    let secret = json!({"keys": [{"kty": "oct", "k": BASE64URL_NOPAD.encode(&[7; 64])}]}).to_string();
    let mut for_encryption = jwk(&pair(RS256).0, RS256, "k1");
    for_encryption["use"] = "enc".into();
    let for_encryption = json!({"keys": [for_encryption]}).to_string();
    let mut short = jwk(&pair(EdDSA).0, EdDSA, "k1");
    short["x"] = BASE64URL_NOPAD.encode(&[7; 31]).into();
    let short = json!({"keys": [short]}).to_string();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("keys");
    for (setting, text, words) in [
        ("key_file", weak, "no key"),
        ("key_file", short.as_str(), "no key"),
        ("key_file", secret.as_str(), "no key"),
        ("key_file", for_encryption.as_str(), "no key"),
        ("key_file", key!("rsa"), "no key"),
        ("key_file", "neither", "neither"),
        ("key_file", "{}", "neither"),
        ("secret_file", "short", "32 bytes"),
    ] {
        fs::write(&path, text).unwrap();
        let entry = json!({"name": "a", "issuer": "b", "audience": "c", setting: path});
        let settings: IssuerSettings = serde_json::from_value(entry).unwrap();
        let error = Issuer::new(&settings, &Fetcher::new(&config::Settings::default().auth))
            .err()
            .map(|error| error.to_string());
        assert!(error.as_ref().is_some_and(|error| error.contains(words)), "{text}: {error:?}");
    }
}

#[actix_rt::test]
async fn the_register_knows_whose_token_it_is_before_it_believes_it() {
    let (key, pem) = pair(EdDSA);
    let folder = TempDir::new().unwrap();
    let database = Database::open(Options {
        url: format!("sqlite://{}", folder.path().join("klatsch.sqlite").display()),
        read_connections: 1,
        busy_timeout_ms: 0,
    });
    let store = Store::new(database.unwrap(), 1);
    let issuers = Issuers::new(vec![issuer_with("key_file", pem, json!({}))], store, Limits::default());
    let whose = |token: &str| {
        let claimed = claimed_issuer(&Token::shown(token))?;
        issuers.of(&claimed).map(|issuer| issuer.iss().to_owned())
    };
    let ours = sign(EdDSA, None, &key, &claims(json!({})));
    let other = sign(EdDSA, None, &key, &claims(json!({"iss": "https://other.example"})));
    assert_eq!(whose(&ours).as_deref(), Some("https://login.example"));
    for token in [other.as_str(), "an opaque token", "a.b.c", "..", ""] {
        assert_eq!(whose(token), None, "{token}");
    }
}

#[test]
fn an_issuer_over_http_is_refused_at_the_start_unless_it_is_allowed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("klatsch.toml");
    let entry = "[[auth.issuers]]\nname = \"a\"\nissuer = \"b\"\naudience = \"c\"\n";
    for (more, is_refused) in [
        ("jwks_url = \"http://10.0.0.1/jwks\"\n", true),
        ("jwks_url = \"http://localhost:1/jwks\"\n", false),
        ("jwks_url = \"https://a.example/jwks\"\n", false),
        ("jwks_url = \"http://10.0.0.1/jwks\"\n[auth]\nplain_http = true\n", false),
    ] {
        fs::write(&path, format!("{entry}{more}")).unwrap();
        let loaded = config::Settings::load(Some(&path), []);
        assert_eq!(loaded.is_err(), is_refused, "{more}: {loaded:?}");
    }
}
