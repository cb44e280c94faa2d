//! Access tokens: signed texts (JWT, EdDSA) that say who somebody is, good for some minutes and for this service alone.
//! Whether a login has ended meanwhile is not known here.

use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Token, keys::KeyRing};
use crate::{
    config::AuthSettings,
    domain::{Code, Identity, LoginId, Refusal, ServerRole, Timestamp, User, UserId},
    storage::StorageError,
};

/// What kind of token it is (RFC 9068), so that another text that was signed for another purpose is none.
const KIND: &str = "at+jwt";

/// The clocks of nodes may differ by so much.
const SKEW_S: i64 = 5;

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: String,
    nickname: String,
    role: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// An access token, and for how long it is good.
#[derive(Debug, Clone)]
pub struct Access {
    /// The token.
    pub token: Token,
    /// Seconds.
    pub expires_in: u32,
}

/// Makes access tokens, and believes those that it made.
#[derive(Debug, Clone)]
pub(super) struct AccessTokens {
    keys: KeyRing,
    issuer: String,
    audience: String,
    good_s: u32,
}

impl AccessTokens {
    /// As the settings have it.
    pub(super) fn new(keys: KeyRing, settings: &AuthSettings) -> Self {
        Self {
            keys,
            issuer: settings.issuer.as_str().to_owned(),
            audience: settings.audience.as_str().to_owned(),
            good_s: settings.access_s,
        }
    }

    /// Who signs.
    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A token for somebody who has logged in.
    ///
    /// # Errors
    /// `storage_unavailable` where no key is known and the database does not answer.
    pub(super) async fn make(
        &self,
        user: &User,
        role: ServerRole,
        login: &LoginId,
        now: Timestamp,
    ) -> Result<Access, Refusal> {
        let key = self.keys.signing(now).await?;
        let issued = now.as_millis().div_euclid(1_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user.id.to_string(),
            sid: login.to_string(),
            nickname: user.nickname.to_string(),
            role: role.name().to_owned(),
            iat: issued,
            nbf: issued,
            exp: issued + i64::from(self.good_s),
        };
        let header =
            Header { typ: Some(KIND.to_owned()), kid: Some(key.id.clone()), ..Header::new(Algorithm::EdDSA) };
        let text = jsonwebtoken::encode(&header, &claims, &key.signs).map_err(|error| {
            log::error!("signing an access token: {error}");
            Code::Internal
        })?;
        Ok(Access { token: Token::shown(text), expires_in: self.good_s })
    }

    /// Who a token says somebody is, if it is one of these and good now.
    ///
    /// # Errors
    /// `unauthenticated`; `storage_unavailable` where its key is not known and the database does not answer.
    pub(super) async fn identify(&self, token: &Token, now: Timestamp) -> Result<Identity, Refusal> {
        let header = jsonwebtoken::decode_header(token.as_str()).map_err(|_| bad("it cannot be read"))?;
        if header.alg != Algorithm::EdDSA || header.typ.as_deref() != Some(KIND) {
            return Err(bad("it is of another kind"));
        }
        let kid = header.kid.ok_or_else(|| bad("it names no key"))?;
        let key = self.keys.named(&kid, now).await.map_err(unavailable)?;
        let key = key.ok_or_else(|| bad("its key is not known"))?;
        let read = jsonwebtoken::decode::<Claims>(token.as_str(), &key.proves, &self.rules());
        let claims = read.map_err(|error| bad_because(&error))?.claims;
        let now_s = now.as_millis().div_euclid(1_000);
        if now_s >= claims.exp {
            return Err(bad("it has expired"));
        }
        if claims.nbf > now_s + SKEW_S || claims.iat > now_s + SKEW_S {
            return Err(bad("it is not good yet"));
        }
        let role = ServerRole::of_name(&claims.role).ok_or_else(|| bad("it names no role"))?;
        Ok(Identity {
            user: User { id: UserId::new(claims.sub), nickname: claims.nickname.into() },
            role,
            login: Some(LoginId::new(claims.sid)),
            expires_at: Some(Timestamp::from_millis(claims.exp.saturating_mul(1_000))),
        })
    }

    /// What a token must have. Its times are judged here and not by the library, which would read a clock.
    fn rules(&self) -> Validation {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.set_issuer(&[&self.issuer]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        rules
    }
}

/// Who a token says has signed it, whether that is true or not; none for what is no signed token.
pub(super) fn claimed_issuer(token: &Token) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: Option<String>,
    }
    if token.as_str().bytes().filter(|byte| *byte == b'.').count() != 2 {
        return None;
    }
    let issued: Issued = jsonwebtoken::dangerous::insecure_decode_claims(token.as_str()).ok()?;
    Some(issued.iss.unwrap_or_default())
}

fn bad(why: &str) -> Refusal {
    Refusal::new(Code::Unauthenticated).message(format!("the token is not good: {why}"))
}

fn bad_because(error: &jsonwebtoken::errors::Error) -> Refusal {
    use jsonwebtoken::errors::ErrorKind;
    bad(match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong",
        ErrorKind::InvalidIssuer => "another issuer made it",
        ErrorKind::InvalidAudience => "it is for somebody else",
        _ => "it cannot be read",
    })
}

fn unavailable(error: StorageError) -> Refusal {
    error.into()
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::EncodingKey;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        auth::random,
        config::Settings,
        storage::{
            Database, Store,
            auth_keys::{self, StoredKey},
            testbed::on_sqlite,
        },
    };

    const NOW: Timestamp = Timestamp::from_millis(1_763_712_000_000);

    fn settings() -> AuthSettings {
        AuthSettings { access_s: 600, ..Settings::default().auth }
    }

    fn node(database: &Database) -> AccessTokens {
        let keys = KeyRing::new(Store::new(database.clone(), 2), &settings());
        AccessTokens::new(keys, &settings())
    }

    fn ada() -> User {
        User { id: UserId::new("u1"), nickname: "Ada".into() }
    }

    fn on_a_database<F: Future<Output = ()>>(test: impl Fn(AccessTokens, Database) -> F) {
        on_sqlite(|database| {
            actix_rt::System::new().block_on(test(node(database), database.clone()));
        });
    }

    fn after(millis: i64) -> Timestamp {
        Timestamp::from_millis(NOW.as_millis() + millis)
    }

    #[test]
    fn a_token_says_who_somebody_is_until_it_expires_on_every_node() {
        on_a_database(async |tokens, database| {
            let access = tokens.make(&ada(), ServerRole::Admin, &LoginId::new("l1"), NOW).await.unwrap();
            assert_eq!(access.expires_in, 600);
            let other_node = node(&database);
            let identity = other_node.identify(&access.token, after(599_999)).await.unwrap();
            let expected = Identity {
                user: ada(),
                role: ServerRole::Admin,
                login: Some(LoginId::new("l1")),
                expires_at: Some(after(600_000)),
            };
            assert_eq!(identity, expected);
            let refused = other_node.identify(&access.token, after(600_000)).await.unwrap_err();
            assert_eq!(refused.code, Code::Unauthenticated);
            assert_eq!(claimed_issuer(&access.token).as_deref(), Some("klatsch"));
        });
    }

    fn claims() -> Value {
        let now = NOW.as_millis() / 1_000;
        json!({
            "iss": "klatsch", "aud": "klatsch", "sub": "u1", "sid": "l1", "nickname": "Ada", "role": "user",
            "iat": now, "nbf": now, "exp": now + 600,
        })
    }

    fn header(alg: Algorithm, kid: &str) -> Header {
        Header { typ: Some(KIND.to_owned()), kid: Some(kid.to_owned()), ..Header::new(alg) }
    }

    fn unsigned(header: Value, claims: &Value) -> String {
        let part = |value: &Value| data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        format!("{}.{}.", part(&header), part(claims))
    }

    /// The table of tokens that must not be taken.
    #[test]
    fn what_is_wrong_with_a_token_is_found() {
        on_a_database(async |tokens, database| {
            let key = tokens.keys.signing(NOW).await.unwrap();
            let shown = tokens.keys.public(NOW).await.unwrap();
            let signed = |header: &Header, claims: &Value, key: &EncodingKey| {
                jsonwebtoken::encode(header, claims, key).unwrap()
            };
            let good = header(Algorithm::EdDSA, &key.id);
            let with = |field: &str, value: Value| {
                let mut claims = claims();
                claims[field] = value;
                signed(&good, &claims, &key.signs)
            };
            let now = NOW.as_millis() / 1_000;
            // A key that is in no node's ring, and one that is but has another name.
            let strangers =
                EncodingKey::from_ed_der(&[&super::super::keys::PKCS8_HEAD[..], &[7; 32]].concat());
            let public = shown[0].key;
            let public_text = data_encoding::BASE64URL_NOPAD.encode(&public);
            let hmac = |secret: &[u8]| EncodingKey::from_secret(secret).unwrap();
            let hs256 = header(Algorithm::HS256, &key.id);
            let fresh = signed(&good, &claims(), &key.signs);
            let (message, signature) = fresh.rsplit_once('.').unwrap();
            let swapped = unsigned(serde_json::to_value(&good).unwrap(), &json!({"sub": "u2"}));
            let bad = [
                ("wrong key", signed(&good, &claims(), &strangers)),
                ("alg none", unsigned(json!({"alg": "none", "typ": KIND, "kid": key.id}), &claims())),
                ("alg None", unsigned(json!({"alg": "None", "typ": KIND, "kid": key.id}), &claims())),
                ("no signature", format!("{message}.")),
                ("half a signature", format!("{message}.{}", &signature[..40])),
                ("another's signature", format!("{swapped}{signature}")),
                ("HS256 with the public key", signed(&hs256, &claims(), &hmac(&public))),
                ("HS256 with its text", signed(&hs256, &claims(), &hmac(public_text.as_bytes()))),
                ("expired", with("exp", json!(now))),
                ("not yet valid", with("nbf", json!(now + 60))),
                ("made in the future", with("iat", json!(now + 60))),
                ("other audience", with("aud", json!("another"))),
                ("no audience", with("aud", Value::Null)),
                ("other issuer", with("iss", json!("another"))),
                ("no expiry", with("exp", Value::Null)),
                ("no role", with("role", json!("king"))),
                ("unknown kid", signed(&header(Algorithm::EdDSA, "nobody"), &claims(), &key.signs)),
                ("no kid", signed(&Header { kid: None, ..good.clone() }, &claims(), &key.signs)),
                (
                    "other kind",
                    signed(&Header { typ: Some("JWT".into()), ..good.clone() }, &claims(), &key.signs),
                ),
                ("empty", String::new()),
                ("dots", "..".to_owned()),
            ];
            for (what, text) in bad {
                let refused = tokens.identify(&Token::shown(text), NOW).await;
                assert_eq!(refused.map_err(|refusal| refusal.code), Err(Code::Unauthenticated), "{what}");
            }
            tokens.identify(&Token::shown(fresh), NOW).await.expect("nothing is wrong with this one");

            // A key of another purpose is none of these.
            let other = StoredKey {
                id: "other".to_owned(),
                purpose: "refresh".to_owned(),
                secret: random::key().to_vec(),
                used_from: NOW,
                good_until: after(1_000_000),
            };
            database.write(|connection| auth_keys::add(connection, &other)).unwrap();
            let der = [&super::super::keys::PKCS8_HEAD[..], &other.secret].concat();
            let text = signed(&header(Algorithm::EdDSA, "other"), &claims(), &EncodingKey::from_ed_der(&der));
            assert!(tokens.identify(&Token::shown(text), after(2_000)).await.is_err());
        });
    }
}
