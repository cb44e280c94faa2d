//! Passwords: which are taken, and their hashes by argon2id, made a few at once and never on a thread that serves.
//! Whose a password is, and how often it may be guessed, is not known here.

use std::{collections::HashSet, fmt, sync::Arc, sync::LazyLock};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::{Output, PasswordHash, Salt},
};
use precis_profiles::{OpaqueString, precis_core::profile::PrecisFastInvocation};
use tokio::{sync::Semaphore, task};

use super::random;
use crate::{
    config::AuthSettings,
    domain::{Code, Refusal},
};

/// The 11,000 commonest passwords of at least 8 characters in what was stolen elsewhere, in lower case (from the lists of
/// the package zxcvbn, MIT).
static COMMON: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("passwords/common.txt").lines().collect());

/// A longer one is refused, for it would only cost time.
const MOST_CHARS: usize = 256;

/// A password as somebody says it. It does not show itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Prepares a password, so that it is the same whatever keyboard it was typed on (RFC 8265).
    ///
    /// # Errors
    /// `invalid`, field `password`, if it is empty, too long, or has characters that cannot be typed.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        if text.len() > MOST_CHARS * 4 || text.chars().count() > MOST_CHARS {
            return Err(refuse(format!("password must have at most {MOST_CHARS} characters")));
        }
        let prepared = OpaqueString::enforce(text);
        prepared
            .map(|text| Self(text.into_owned()))
            .map_err(|_| refuse("password is empty or has a character that cannot be typed"))
    }

    /// One that takes as long as another and is nobody's.
    pub(super) fn nobodys() -> Self {
        Self(random::secret())
    }

    /// Whether it may be somebody's password from now on. Nobody's name is a secret.
    ///
    /// # Errors
    /// `invalid`, field `password`.
    pub fn must_be_strong(&self, least: usize, names: &[&str]) -> Result<(), Refusal> {
        if self.0.chars().count() < least {
            return Err(refuse(format!("password must have at least {least} characters")));
        }
        let lower = self.0.to_lowercase();
        if COMMON.contains(lower.as_str()) {
            return Err(refuse("password is one that many people have"));
        }
        if names.iter().any(|name| name.to_lowercase() == lower) {
            return Err(refuse("password must be another text than login and nickname"));
        }
        Ok(())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// What a hash says about a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is another one.
    Wrong,
    /// It is this one.
    Right,
    /// It is this one, and should be hashed anew, for the settings have changed.
    Outdated,
}

/// Makes and compares hashes.
#[derive(Clone)]
pub(super) struct Passwords {
    params: Params,
    /// Compared with where there is no hash, so that this takes as long.
    nobodys: Arc<str>,
    /// Those that are hashed and those that wait for it.
    places: Arc<Semaphore>,
    /// Those that are hashed.
    hands: Arc<Semaphore>,
}

impl Passwords {
    /// As the settings have it.
    pub(super) fn new(settings: &AuthSettings) -> Self {
        let params = Params::new(settings.password_memory_kib, settings.password_passes, 1, None)
            .expect("the bounds of the settings are narrower than those of argon2");
        let places = settings.passwords_at_once + settings.passwords_waiting;
        Self {
            nobodys: nobodys(&params).into(),
            params,
            places: Arc::new(Semaphore::new(places)),
            hands: Arc::new(Semaphore::new(settings.passwords_at_once)),
        }
    }

    /// The hash under which a password is stored.
    ///
    /// # Errors
    /// `overloaded` where too many wait.
    pub(super) async fn hash(&self, password: Password) -> Result<String, Refusal> {
        let argon2 = self.argon2();
        let hashed = move || -> Result<String, argon2::password_hash::Error> {
            let hash: PasswordHash =
                argon2.hash_password_with_salt(password.0.as_bytes(), &random::salt())?;
            Ok(hash.to_string())
        };
        self.in_turn(hashed).await?.map_err(|error| {
            log::error!("hashing a password: {error}");
            Code::Internal.into()
        })
    }

    /// Compares a password with a hash or, where there is none, with nobody's, which takes as long.
    ///
    /// # Errors
    /// `overloaded` where too many wait.
    pub(super) async fn compare(&self, password: Password, hash: Option<String>) -> Result<Verdict, Refusal> {
        let (argon2, params) = (self.argon2(), self.params.clone());
        let is_somebodys = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobodys.to_string());
        self.in_turn(move || {
            let Ok(hash) = PasswordHash::new(&hash) else { return Verdict::Wrong };
            let is_right = argon2.verify_password(password.0.as_bytes(), &hash).is_ok();
            match is_right && is_somebodys {
                false => Verdict::Wrong,
                true if is_made_with(&hash, &params) => Verdict::Right,
                true => Verdict::Outdated,
            }
        })
        .await
    }

    fn argon2(&self) -> Argon2<'static> {
        Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone())
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Refusal> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Code::Overloaded)?;
        let hand = Arc::clone(&self.hands).acquire_owned().await.map_err(|_| Code::Overloaded)?;
        // The permits go with the work, which goes on when who asked for it is gone.
        let done = task::spawn_blocking(move || {
            let answer = work();
            drop((place, hand));
            answer
        });
        done.await.map_err(|_| Code::Internal.into())
    }
}

fn is_made_with(hash: &PasswordHash, params: &Params) -> bool {
    let made = Params::try_from(hash).ok();
    hash.algorithm == Algorithm::Argon2id.ident()
        && made.is_some_and(|made| {
            (made.m_cost(), made.t_cost(), made.p_cost())
                == (params.m_cost(), params.t_cost(), params.p_cost())
        })
}

/// A hash that no password has, made as the settings have it.
fn nobodys(params: &Params) -> String {
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params.try_into().unwrap_or_default(),
        salt: Salt::new(&random::salt()).ok(),
        hash: Output::new(&random::key()).ok(),
    };
    hash.to_string()
}

fn refuse(why: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::Invalid).field("password").message(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn settings() -> AuthSettings {
        AuthSettings { password_memory_kib: 8, password_passes: 1, ..Settings::default().auth }
    }

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn short_and_common_passwords_and_names_are_refused() {
        let names = ["ada@example.org", "Ada Lovelace"];
        for weak in ["seven77", "password", "PassWord", "iloveyou", "ADA@example.org", "ada lovelace"] {
            let refusal = password(weak).must_be_strong(8, &names).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some("password")), "{weak}");
            assert!(weak == "password" || !refusal.message.contains(weak), "{refusal}");
        }
        for strong in ["correct horse battery", "비밀번호는비밀입니다", "x8#kQ!2z"] {
            password(strong).must_be_strong(8, &names).unwrap();
        }
        assert!(COMMON.len() > 10_000);
    }

    #[test]
    fn a_password_is_the_same_however_it_was_typed_and_does_not_show_itself() {
        assert_eq!(password("u\u{308}ber\u{3000}alles"), password("ü\u{62}er alles"));
        assert_ne!(password("Über alles"), password("über alles"));
        assert_eq!(format!("{:?}", password("correct horse")), "Password(hidden)");
        for bad in ["", "tab\there", "nul\0", &"x".repeat(257)] {
            assert_eq!(Password::parse(bad).unwrap_err().field, Some("password"), "{bad:?}");
        }
        assert!(Password::parse(&"한".repeat(256)).is_ok());
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_and_by_what_it_was_made() {
        let before = Passwords::new(&settings());
        let hash = before.hash(password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{hash}");
        assert_ne!(hash, before.hash(password("correct horse")).await.unwrap(), "there is no salt");
        let now = Passwords::new(&AuthSettings { password_passes: 2, ..settings() });
        for (passwords, text, verdict) in [
            (&before, "correct horse", Verdict::Right),
            (&before, "correct house", Verdict::Wrong),
            (&now, "correct horse", Verdict::Outdated),
            (&now, "correct house", Verdict::Wrong),
        ] {
            let found = passwords.compare(password(text), Some(hash.clone())).await.unwrap();
            assert_eq!(found, verdict, "{text}");
        }
        assert_eq!(before.compare(password("correct horse"), None).await.unwrap(), Verdict::Wrong);
    }

    #[test]
    fn nobodys_hash_costs_what_somebodys_does() {
        let passwords = Passwords::new(&settings());
        let hash = PasswordHash::new(&passwords.nobodys).unwrap();
        assert!(is_made_with(&hash, &passwords.params));
        assert_eq!(hash.hash.map(|output| output.len()), Some(Params::DEFAULT_OUTPUT_LEN));
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_refused() {
        let passwords = Passwords::new(&AuthSettings {
            passwords_at_once: 1,
            passwords_waiting: 1,
            password_memory_kib: 8192,
            ..settings()
        });
        let attempts = (0..8).map(|_| passwords.hash(password("correct horse")));
        let done = futures_util::future::join_all(attempts).await;
        let refused = done.iter().filter(|done| done.as_ref().is_err_and(|r| r.code == Code::Overloaded));
        assert_eq!(refused.count(), 6);
    }
}
