//! One issuer: what its tokens look like, its keys, and the verdict on a token. The only verifier of foreign tokens.
//! Who somebody is on this server is decided by the register.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header, Validation, errors::ErrorKind};
use serde_json::{Map, Value};

use super::{
    claims::{Claims, Expected},
    fault::TokenFault,
    keys::KeySet,
    source::{Source, SourceError},
};
use crate::{
    auth::fetch::Fetcher,
    config::{ClaimNames, IssuerSettings, SigningAlgorithm},
    domain::Timestamp,
};

/// Longest token, in bytes.
const TOKEN_BYTES: usize = 16 * 1024;

/// What the header of a token for a service may call it; others, such as `logout+jwt`, are for something else.
const KINDS: &[&str] = &["jwt", "at+jwt", "application/jwt", "application/at+jwt"];

/// An issuer of tokens.
pub struct Issuer {
    issuer: String,
    audience: Vec<String>,
    algorithms: Vec<Algorithm>,
    skew_ms: i64,
    /// Where its claims say who somebody is.
    pub names: ClaimNames,
    /// The role that makes an admin.
    pub admin_role: Option<String>,
    source: Source,
}

/// A token that was believed.
#[derive(Debug, Clone)]
pub struct Believed {
    /// What it says.
    pub claims: Claims,
    /// When it expires.
    pub expires_at: Timestamp,
}

impl Issuer {
    /// An issuer as the settings have it.
    ///
    /// # Errors
    /// A file with keys that cannot be read.
    pub fn new(settings: &IssuerSettings, fetcher: &Fetcher) -> Result<Self, SourceError> {
        let millis = |seconds: u64| i64::try_from(seconds).unwrap_or(i64::MAX / 1000) * 1000;
        let (refresh_ms, age_ms) = (millis(settings.refresh_s), millis(settings.keys_age_s));
        Ok(Self {
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            algorithms: settings.algorithms.iter().copied().map(algorithm).collect(),
            skew_ms: millis(settings.clock_skew_s),
            names: settings.claims.clone(),
            admin_role: settings.admin_role.clone(),
            source: Source::open(&settings.keys, fetcher, refresh_ms, age_ms)?,
        })
    }

    /// The `iss` of its tokens.
    pub fn iss(&self) -> &str {
        &self.issuer
    }

    /// Judges a token.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Believed, TokenFault> {
        let header = self.header(token)?;
        let known = self.source.known(now).await;
        let mut verdict = match &known {
            Some(keys) => signed_by(keys, &header, token),
            None => Err(TokenFault::NoKeys),
        };
        // The issuer may have a new key: one that is named and not known, or one without a name.
        let may_be_new = match verdict {
            Err(TokenFault::UnknownKey | TokenFault::NoKeys) => true,
            Err(TokenFault::Signature) => header.kid.is_none(),
            _ => false,
        };
        if may_be_new && let Some(keys) = self.source.refreshed(now).await {
            let has_changed = known.is_none_or(|known| !Arc::ptr_eq(&known, &keys));
            if has_changed {
                verdict = signed_by(&keys, &header, token);
            }
        }
        let claims = Claims::new(verdict?);
        let expected = Expected { issuer: &self.issuer, audience: &self.audience, skew_ms: self.skew_ms };
        let expires_at = claims.judge(&expected, now)?;
        Ok(Believed { claims, expires_at })
    }

    /// The header, if a token of this issuer can have it.
    fn header(&self, token: &str) -> Result<Header, TokenFault> {
        if token.len() > TOKEN_BYTES || token.split('.').count() != 3 {
            return Err(TokenFault::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| match error.kind() {
            // An algorithm that has no name here, such as `none`, is an error of the JSON.
            ErrorKind::Json(_) | ErrorKind::InvalidAlgorithmName => TokenFault::Algorithm,
            _ => TokenFault::Malformed,
        })?;
        let fits = |kind: &String| KINDS.iter().any(|one| one.eq_ignore_ascii_case(kind));
        if header.crit.is_some() || !header.typ.as_ref().is_none_or(fits) {
            return Err(TokenFault::Malformed);
        }
        if !self.algorithms.contains(&header.alg) {
            return Err(TokenFault::Algorithm);
        }
        Ok(header)
    }
}

/// The claims, if one of the keys that the header can mean has signed them.
fn signed_by(keys: &KeySet, header: &Header, token: &str) -> Result<Map<String, Value>, TokenFault> {
    let mut fault = TokenFault::UnknownKey;
    for key in keys.meant(header.kid.as_deref(), header.alg) {
        match jsonwebtoken::decode(token, &key.decoding, &signature_alone(header.alg)) {
            Ok(token) => return Ok(token.claims),
            Err(error) if *error.kind() == ErrorKind::InvalidSignature => fault = TokenFault::Signature,
            Err(_) => fault = TokenFault::Malformed,
        }
    }
    Err(fault)
}

/// Times and names are judged here, by a clock that is an argument; the crate judges signatures.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

const fn algorithm(algorithm: SigningAlgorithm) -> Algorithm {
    match algorithm {
        SigningAlgorithm::RS256 => Algorithm::RS256,
        SigningAlgorithm::RS384 => Algorithm::RS384,
        SigningAlgorithm::RS512 => Algorithm::RS512,
        SigningAlgorithm::PS256 => Algorithm::PS256,
        SigningAlgorithm::PS384 => Algorithm::PS384,
        SigningAlgorithm::PS512 => Algorithm::PS512,
        SigningAlgorithm::ES256 => Algorithm::ES256,
        SigningAlgorithm::ES384 => Algorithm::ES384,
        SigningAlgorithm::EdDSA => Algorithm::EdDSA,
        SigningAlgorithm::HS256 => Algorithm::HS256,
    }
}
