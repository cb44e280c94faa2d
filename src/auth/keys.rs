//! The keys that all nodes share: those that sign access tokens, one after the other, and the one of refresh tokens.
//! What is signed is not known here.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{DecodingKey, EncodingKey};
use sha2::Sha256;

use super::random;
use crate::{
    config::AuthSettings,
    domain::Timestamp,
    storage::{
        Connection, StorageError, Store,
        auth_keys::{self, StoredKey},
    },
};

const SIGNS: &str = "access";
const CHAINS: &str = "refresh";

/// The one key of refresh tokens, which has no successor.
const CHAIN_ID: &str = "refresh-1";

/// A key is known to all so long before it signs.
const SHOWN_BEFORE_MS: i64 = 3_600_000;

/// What was signed at the end of a key's time is believed for as long as a token is good, and so much longer.
const MARGIN_MS: i64 = 3_600_000;

/// The database is not asked more often for a key that nobody knows.
const ASK_EVERY_MS: i64 = 1_000;

const DAY_MS: i64 = 24 * 3_600_000;

/// What stands before the 32 bytes of a private key in PKCS #8 (RFC 8410).
pub(super) const PKCS8_HEAD: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

/// A key that signs access tokens.
pub(super) struct AccessKey {
    /// Its name, which stands in each token.
    pub(super) id: String,
    /// What signs.
    pub(super) signs: EncodingKey,
    /// What tells whether it was this key that signed.
    pub(super) proves: DecodingKey,
    public: [u8; 32],
    used_from: Timestamp,
    good_until: Timestamp,
}

impl AccessKey {
    fn of(stored: &StoredKey) -> Option<Self> {
        let seed: [u8; 32] = stored.secret.as_slice().try_into().ok()?;
        let public = SigningKey::from_bytes(&seed).verifying_key().to_bytes();
        Some(Self {
            id: stored.id.clone(),
            signs: EncodingKey::from_ed_der(&[&PKCS8_HEAD[..], &seed].concat()),
            proves: DecodingKey::from_ed_der(&public),
            public,
            used_from: stored.used_from,
            good_until: stored.good_until,
        })
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({})", self.id)
    }
}

/// The key that makes a refresh token's successor of it.
#[derive(Clone)]
pub(super) struct ChainKey(Vec<u8>);

impl ChainKey {
    /// The successor of a token's secret, which nobody can know who has not this key.
    pub(super) fn next(&self, secret: &[u8; 32]) -> [u8; 32] {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.chain_update(secret).finalize().into_bytes().into()
    }

    #[cfg(test)]
    pub(super) fn of(secret: &[u8]) -> Self {
        Self(secret.to_vec())
    }
}

/// A public key (Ed25519), with which others can check what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    /// The name that stands in tokens.
    pub id: String,
    /// The key itself.
    pub key: [u8; 32],
}

/// The keys, as this node knows them.
#[derive(Clone)]
pub struct KeyRing {
    store: Store,
    /// So long a key signs.
    term_ms: i64,
    /// So long its last token is believed.
    after_ms: i64,
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    access: Vec<Arc<AccessKey>>,
    chain: Option<ChainKey>,
    asked_at: Option<Timestamp>,
}

impl KeyRing {
    /// Keys in a store.
    pub(super) fn new(store: Store, settings: &AuthSettings) -> Self {
        Self {
            store,
            term_ms: i64::from(settings.key_days) * DAY_MS,
            after_ms: i64::from(settings.access_s) * 1_000 + MARGIN_MS,
            known: Arc::default(),
        }
    }

    /// Sees to it that there is a key that signs now, and the next one in time; learns of those that others made.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub async fn keep_up(&self, now: Timestamp) -> Result<(), StorageError> {
        let (term_ms, after_ms) = (self.term_ms, self.after_ms);
        let look = move |connection: &mut Connection| -> Result<_, StorageError> {
            let mut access = auth_keys::good(connection, SIGNS, now)?;
            if let Some(used_from) = due(access.last(), term_ms, now) {
                let good_until = Timestamp::from_millis(used_from.as_millis() + term_ms + after_ms);
                let key = StoredKey {
                    id: random::id(),
                    purpose: SIGNS.to_owned(),
                    secret: random::key().to_vec(),
                    used_from,
                    good_until,
                };
                auth_keys::add(connection, &key)?;
                access.push(key);
            }
            Ok(access)
        };
        let access = self.store.write(look).await?;
        let chain = self.chain_key(now).await?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.access = access.iter().filter_map(AccessKey::of).map(Arc::new).collect();
        known.chain = Some(chain);
        known.asked_at = Some(now);
        Ok(())
    }

    /// The key that signs now.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where none is known and the database does not answer.
    pub(super) async fn signing(&self, now: Timestamp) -> Result<Arc<AccessKey>, StorageError> {
        if let Some(key) = self.signs_now(now) {
            return Ok(key);
        }
        self.keep_up(now).await?;
        self.signs_now(now).ok_or_else(|| StorageError::Unavailable("there is no key that signs".to_owned()))
    }

    /// The key of a name, as long as what it signed is believed.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where it is not known and the database does not answer.
    pub(super) async fn named(
        &self,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Arc<AccessKey>>, StorageError> {
        if let Some(key) = self.known_by(id, now) {
            return Ok(Some(key));
        }
        let asked_at = self.known.read().unwrap_or_else(PoisonError::into_inner).asked_at;
        if asked_at.is_none_or(|asked_at| now.millis_since(asked_at) >= ASK_EVERY_MS) {
            self.keep_up(now).await?;
        }
        Ok(self.known_by(id, now))
    }

    /// The key of refresh tokens.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where it is not known and the database does not answer.
    pub(super) async fn chain(&self, now: Timestamp) -> Result<ChainKey, StorageError> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).chain.clone();
        match known {
            Some(chain) => Ok(chain),
            None => self.chain_key(now).await,
        }
    }

    /// The public keys of all that sign, will sign soon, or signed lately.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] where none is known and the database does not answer.
    pub async fn public(&self, now: Timestamp) -> Result<Vec<PublicKey>, StorageError> {
        self.signing(now).await?;
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let good = known.access.iter().filter(|key| now < key.good_until);
        let shown = good.map(|key| PublicKey { id: key.id.clone(), key: key.public });
        Ok(shown.collect())
    }

    /// Forgets keys that are no longer good.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(super) async fn sweep(&self, now: Timestamp) -> Result<(), StorageError> {
        self.store.write(move |connection| auth_keys::forget_old(connection, now)).await?;
        Ok(())
    }

    async fn chain_key(&self, now: Timestamp) -> Result<ChainKey, StorageError> {
        let look = move |connection: &mut Connection| auth_keys::good(connection, CHAINS, now);
        if let Some(key) = self.store.read(look).await?.pop() {
            return Ok(ChainKey(key.secret));
        }
        let key = StoredKey {
            id: CHAIN_ID.to_owned(),
            purpose: CHAINS.to_owned(),
            secret: random::key().to_vec(),
            used_from: now,
            good_until: Timestamp::from_millis(i64::MAX),
        };
        match self.store.write(move |connection| auth_keys::add(connection, &key)).await {
            // Another node was faster.
            Ok(()) | Err(StorageError::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
        let found = self.store.read(look).await?.pop();
        found.map(|key| ChainKey(key.secret)).ok_or_else(|| StorageError::Corrupt("a key is lost".to_owned()))
    }

    fn signs_now(&self, now: Timestamp) -> Option<Arc<AccessKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.access.iter().rfind(|key| key.used_from <= now && now < key.good_until).cloned()
    }

    fn known_by(&self, id: &str, now: Timestamp) -> Option<Arc<AccessKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.access.iter().find(|key| key.id == id && now < key.good_until).cloned()
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing")
    }
}

/// From when on a new key is to sign, if one is to be made now.
fn due(newest: Option<&StoredKey>, term_ms: i64, now: Timestamp) -> Option<Timestamp> {
    let Some(newest) = newest else { return Some(now) };
    let ends = Timestamp::from_millis(newest.used_from.as_millis() + term_ms);
    let is_due = ends.millis_since(now) <= SHOWN_BEFORE_MS;
    is_due.then(|| ends.max(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Settings, storage::testbed::on_every_database};

    fn ring(database: &crate::storage::Database) -> KeyRing {
        let settings = AuthSettings { key_days: 1, access_s: 600, ..Settings::default().auth };
        KeyRing::new(Store::new(database.clone(), 2), &settings)
    }

    fn hours(hours: i64) -> Timestamp {
        Timestamp::from_millis(hours * 3_600_000)
    }

    #[test]
    fn keys_follow_each_other_and_are_known_before_and_after_they_sign() {
        on_every_database(|database| {
            actix_rt::System::new().block_on(async {
                let (one, two) = (ring(database), ring(database));
                let first = one.signing(hours(0)).await.unwrap();
                assert_eq!(two.signing(hours(1)).await.unwrap().id, first.id, "nodes share keys");
                one.keep_up(hours(23)).await.unwrap();
                assert_eq!(one.signing(hours(23)).await.unwrap().id, first.id);
                let shown = one.public(hours(23)).await.unwrap();
                assert_eq!(shown.len(), 2, "the next key is shown before it signs");
                let second = one.signing(hours(24)).await.unwrap();
                assert_ne!(second.id, first.id);
                assert_eq!(second.id, shown[1].id);
                let found = two.named(&second.id, hours(24)).await.unwrap();
                assert!(found.is_some(), "an unknown name is asked for");
                assert!(one.named(&first.id, hours(25)).await.unwrap().is_some());
                assert!(one.named(&first.id, hours(26)).await.unwrap().is_none());
                assert!(one.named("nobody", hours(26)).await.unwrap().is_none());
            });
        });
    }

    #[test]
    fn all_nodes_make_the_same_successors() {
        on_every_database(|database| {
            actix_rt::System::new().block_on(async {
                let (one, two) = (ring(database), ring(database));
                let (one, two) = (one.chain(hours(0)).await.unwrap(), two.chain(hours(9)).await.unwrap());
                assert_eq!(one.next(&[1; 32]), two.next(&[1; 32]));
                assert_ne!(one.next(&[1; 32]), ChainKey::of(b"another").next(&[1; 32]));
            });
        });
    }
}
