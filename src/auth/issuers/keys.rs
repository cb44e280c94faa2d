//! The public keys of an issuer, read from a JSON Web Key Set or PEM, and what each of them may verify.
//! Where they come from, and how fresh they are, is known by their source.

use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse},
};
use serde_json::Value;

/// Most keys of one issuer; further ones are not looked at.
const MOST: usize = 64;

/// Fewest bytes of the modulus of an RSA key: 2048 bits (RFC 7518, section 3.3).
const RSA_BYTES: usize = 256;

/// Bytes of an Ed25519 key (RFC 8032, section 5.1.5).
const ED25519_BYTES: usize = 32;

/// Fewest bytes of a shared secret (RFC 7518, section 3.2).
const SECRET_BYTES: usize = 32;

const RSA: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

/// Why keys could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Neither PEM nor a set of keys.
    #[error("holds neither a JSON Web Key Set nor public keys in PEM")]
    Format,
    /// None of the keys can verify a token.
    #[error("holds no key that could verify a token: RSA of 2048 bits or more, P-256, P-384 or Ed25519")]
    Empty,
    /// A secret that can be guessed.
    #[error("holds a secret of fewer than 32 bytes")]
    Short,
}

/// One key.
#[derive(Clone)]
pub(super) struct Key {
    id: Option<String>,
    /// A key from a file without ids may be meant by any.
    is_anonymous: bool,
    verifies: Vec<Algorithm>,
    /// The key itself.
    pub(super) decoding: DecodingKey,
}

/// The keys of an issuer.
#[derive(Clone)]
pub(super) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a JSON Web Key Set. A key that is not understood, or is not for signatures, is left out.
    pub(super) fn from_jwks(text: &[u8]) -> Result<Self, KeysError> {
        let document: Value = serde_json::from_slice(text).map_err(|_| KeysError::Format)?;
        let keys = document.get("keys").and_then(Value::as_array).ok_or(KeysError::Format)?;
        let keys: Vec<_> = keys.iter().filter_map(from_jwk).take(MOST).collect();
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self(keys)) }
    }

    /// Reads a file of public keys: a JSON Web Key Set, or PEM.
    pub(super) fn from_file(text: &[u8]) -> Result<Self, KeysError> {
        if text.trim_ascii_start().starts_with(b"{") {
            return Self::from_jwks(text);
        }
        let text = str::from_utf8(text).map_err(|_| KeysError::Format)?;
        if !text.contains("-----BEGIN") {
            return Err(KeysError::Format);
        }
        let keys: Vec<_> = blocks(text).filter_map(from_pem).take(MOST).collect();
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self(keys)) }
    }

    /// Takes a shared secret, without white space around it.
    pub(super) fn from_secret(text: &[u8]) -> Result<Self, KeysError> {
        let secret = text.trim_ascii();
        if secret.len() < SECRET_BYTES {
            return Err(KeysError::Short);
        }
        let decoding = DecodingKey::from_secret(secret).map_err(|_| KeysError::Short)?;
        Ok(Self(vec![Key { id: None, is_anonymous: true, verifies: vec![Algorithm::HS256], decoding }]))
    }

    /// The keys that a token's header can mean.
    pub(super) fn meant<'a>(
        &'a self,
        id: Option<&'a str>,
        algorithm: Algorithm,
    ) -> impl Iterator<Item = &'a Key> {
        self.0.iter().filter(move |key| {
            let is_named = key.is_anonymous || id.is_none() || key.id.as_deref() == id;
            is_named && key.verifies.contains(&algorithm)
        })
    }
}

fn from_jwk(value: &Value) -> Option<Key> {
    let jwk: Jwk = serde_json::from_value(value.clone()).ok()?;
    let is_for_signatures =
        jwk.common.public_key_use.as_ref().is_none_or(|of| *of == PublicKeyUse::Signature);
    let verifies = |operations: &Vec<KeyOperations>| operations.contains(&KeyOperations::Verify);
    if !is_for_signatures || !jwk.common.key_operations.as_ref().is_none_or(verifies) {
        return None;
    }
    let mut key = key_of(&jwk)?;
    if let Some(only) = value.get("alg").and_then(Value::as_str) {
        // The name of RFC 9864 for what RFC 8037 calls EdDSA.
        let only = if only == "Ed25519" { "EdDSA" } else { only };
        key.verifies.retain(|algorithm| Algorithm::from_str(only).is_ok_and(|only| only == *algorithm));
    }
    key.is_anonymous = false;
    Some(key)
}

fn from_pem(block: &str) -> Option<Key> {
    let bytes = block.as_bytes();
    let decoding = DecodingKey::from_rsa_pem(bytes)
        .or_else(|_| DecodingKey::from_ec_pem(bytes))
        .or_else(|_| DecodingKey::from_ed_pem(bytes));
    key_of(&Jwk::from_decoding_key(&decoding.ok()?, None).ok()?)
}

/// A key that any id means; nothing if it is weak, or of a kind that verifies nothing here.
fn key_of(jwk: &Jwk) -> Option<Key> {
    let verifies = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => RSA.to_vec(),
        AlgorithmParameters::EllipticCurve(key) => on_curve(&key.curve)?,
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        // A secret in a public document is none.
        _ => return None,
    };
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    let id = jwk.common.key_id.clone();
    has_a_size_that_fits(jwk).then_some(Key { id, is_anonymous: true, verifies, decoding })
}

fn on_curve(curve: &EllipticCurve) -> Option<Vec<Algorithm>> {
    match curve {
        EllipticCurve::P256 => Some(vec![Algorithm::ES256]),
        EllipticCurve::P384 => Some(vec![Algorithm::ES384]),
        _ => None,
    }
}

/// Whether an RSA key is strong enough, and an Ed25519 key as long as one is, which the crate takes for granted.
fn has_a_size_that_fits(jwk: &Jwk) -> bool {
    let bytes = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).unwrap_or_default();
    match &jwk.algorithm {
        AlgorithmParameters::RSA(key) => {
            bytes(&key.n).iter().skip_while(|byte| **byte == 0).count() >= RSA_BYTES
        }
        AlgorithmParameters::OctetKeyPair(key) => bytes(&key.x).len() == ED25519_BYTES,
        _ => true,
    }
}

/// The PEM blocks of a text, each with its first and last line.
fn blocks(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("-----BEGIN").filter_map(move |(from, _)| {
        let block = &text[from..];
        let end = block.find("-----END")?;
        let rest = block[end..].find('\n').map_or(block.len(), |line| end + line);
        Some(&block[..rest])
    })
}
