//! Guests: people who have a nickname and a token, and perhaps a secret to come back with.
//! Nicknames are unique by the database's constraint, not by anything remembered here.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    Token,
    known::Known,
    logins::banned,
    news::{Event, News},
    random,
};
use crate::{
    config::AuthSettings,
    domain::{Code, Identity, Nickname, Refusal, ServerRole, Timestamp, User, UserId},
    storage::{
        Store,
        users::{self, NewUser, Registration},
    },
};

/// So many guests are noticed, or found to be gone, in one step.
const MOST_AT_ONCE: usize = 500;

const SECRET_CHARS: std::ops::RangeInclusive<usize> = 16..=64;

/// The register of guests.
#[derive(Clone)]
pub struct Guests {
    store: Store,
    news: News,
    /// After so long without a sign of life a guest is gone; never if that is nothing.
    idle_ms: i64,
    known: Arc<Known<Identity>>,
}

/// What a registration gave.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The user.
    pub user: User,
    /// A new token; earlier ones stay good.
    pub token: Token,
    /// Whether the user came back with nickname and secret.
    pub returned: bool,
}

impl Guests {
    /// A register over a store.
    pub(super) fn new(store: Store, news: News, settings: &AuthSettings) -> Self {
        let idle_ms = i64::from(settings.guest_idle_s) * 1_000;
        Self { store, news, idle_ms, known: Arc::default() }
    }

    /// Registers a guest, or gives a new token to one who comes back with the same nickname and secret.
    ///
    /// # Errors
    /// `invalid`, field `secret`; `nickname_taken`; `storage_unavailable`.
    pub async fn register(
        &self,
        nickname: Nickname,
        secret: Option<String>,
        now: Timestamp,
    ) -> Result<Registered, Refusal> {
        let secret_hash = secret.map(|secret| digest(&nickname, &secret)).transpose()?;
        let user = User { id: UserId::new(random::id()), nickname: nickname.shown() };
        let token = Token::new();
        let new = NewUser {
            user: user.clone(),
            nickname_key: nickname.key().to_owned(),
            secret_hash,
            token_hash: token.digest(),
            created_at: now,
        };
        match self.store.write(move |conn| users::create(conn, &new)).await? {
            Registration::Created => Ok(self.registered(Registered { user, token, returned: false })),
            Registration::Returned(user) => Ok(self.registered(Registered { user, token, returned: true })),
            Registration::Taken => Err(Refusal::new(Code::NicknameTaken).field("nickname")),
        }
    }

    fn registered(&self, registered: Registered) -> Registered {
        self.known.remember(registered.token.digest(), Identity::guest(registered.user.clone()));
        registered
    }

    /// Who a token stands for. While the database is away, that is who it stood for when this node last asked.
    ///
    /// # Errors
    /// `unauthenticated` when it stands for nobody; `banned`; `storage_unavailable`.
    pub async fn authenticate(&self, token: &Token, now: Timestamp) -> Result<Identity, Refusal> {
        let digest = token.digest();
        match self.store.read(move |conn| users::by_token(conn, &digest)).await {
            Ok(Some(person)) => {
                if let Some(ban) = person.ban.filter(|ban| ban.holds_at(now)) {
                    self.known.forget(&digest);
                    return Err(banned(&ban));
                }
                if person.role == ServerRole::Guest && person.seen_at < self.noticed_since(now) {
                    // A sign of life that was not noted is no reason to keep somebody out.
                    if let Err(refusal) = self.saw(vec![person.user.id.clone()], now).await {
                        log::warn!("a guest's sign of life is not noted: {refusal}");
                    }
                }
                let identity = Identity { role: person.role, ..Identity::guest(person.user) };
                self.known.remember(digest, identity.clone());
                Ok(identity)
            }
            Ok(None) => {
                self.known.forget(&digest);
                Err(Code::Unauthenticated.into())
            }
            Err(error) => self.known.whose(&digest).ok_or_else(|| error.into()),
        }
    }

    /// Whether a user may use this server, as far as the database tells; while it is away nobody is kept out by it.
    ///
    /// # Errors
    /// `banned`.
    pub(super) async fn must_not_be_banned(&self, user: &UserId, now: Timestamp) -> Result<(), Refusal> {
        let id = user.clone();
        let person = self.store.read(move |conn| users::by_id(conn, &id)).await.unwrap_or_else(|error| {
            log::warn!("whether somebody is banned: {error}");
            None
        });
        let ban = person.and_then(|person| person.ban).filter(|ban| ban.holds_at(now));
        ban.map_or(Ok(()), |ban| Err(banned(&ban)))
    }

    /// Guests show signs of life now.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn saw(&self, guests: Vec<UserId>, now: Timestamp) -> Result<(), Refusal> {
        if self.idle_ms == 0 {
            return Ok(());
        }
        let before = self.noticed_since(now);
        for some in guests.chunks(MOST_AT_ONCE) {
            let some = some.to_vec();
            self.store.write(move |conn| users::seen(conn, &some, now, before)).await?;
        }
        Ok(())
    }

    /// Takes the nicknames of guests who have shown no sign of life for too long.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub(super) async fn expire(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.idle_ms == 0 {
            return Ok(());
        }
        let before = Timestamp::from_millis(now.as_millis() - self.idle_ms);
        let most = i64::try_from(MOST_AT_ONCE).unwrap_or(i64::MAX);
        let gone = self.store.write(move |conn| users::expire_guests(conn, before, most)).await?;
        if !gone.is_empty() {
            log::info!(
                "{} guests were not seen for {} s: their nicknames are free",
                gone.len(),
                self.idle_ms / 1_000
            );
        }
        for user in gone {
            self.news.tell(Event::Ended { user, login: None }, now).await?;
        }
        Ok(())
    }

    /// Who was seen since then need not be noticed again.
    fn noticed_since(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis() - self.idle_ms / 10)
    }

    /// Ends a token, and whatever its guest does with it.
    ///
    /// # Errors
    /// `storage_unavailable`.
    pub async fn end(&self, token: &Token, user: &UserId, now: Timestamp) -> Result<(), Refusal> {
        let digest = token.digest();
        self.known.forget(&digest);
        self.store.write(move |conn| users::end_token(conn, &digest)).await?;
        Ok(self.news.tell(Event::Ended { user: user.clone(), login: None }, now).await?)
    }
}

/// A secret's digest, bound to the nickname so that equal secrets of two guests do not look alike.
fn digest(nickname: &Nickname, secret: &str) -> Result<[u8; 32], Refusal> {
    if !SECRET_CHARS.contains(&secret.chars().count()) {
        return Err(Refusal::new(Code::Invalid)
            .field("secret")
            .message("secret must have 16 to 64 characters"));
    }
    let hasher = Sha256::new().chain_update(nickname.key()).chain_update([0]).chain_update(secret);
    Ok(hasher.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        auth::in_force::InForce,
        config::Settings,
        domain::{Ban, Limits},
        storage::testbed::on_every_database,
    };

    #[test]
    fn whoever_is_banned_is_so_whatever_they_show_until_it_is_over() {
        on_every_database(|database| {
            actix_rt::System::new().block_on(async {
                let store = Store::new(database.clone(), 2);
                let news = News::new(store.clone(), InForce::new(1_000));
                let guests = Guests::new(store.clone(), news, &Settings::default().auth);
                let now = Timestamp::from_millis(5_000);
                let nickname = Nickname::parse("Ada", &Limits::default()).unwrap();
                let ada = guests.register(nickname, None, now).await.unwrap();
                let id = ada.user.id.clone();
                guests.must_not_be_banned(&id, now).await.unwrap();
                let ban = Ban { until: Some(Timestamp::from_millis(6_000)), reason: Some("spam".to_owned()) };
                let banned = id.clone();
                store.write(move |conn| users::set_ban(conn, &banned, now, Some(&ban))).await.unwrap();
                let refusals = [
                    guests.must_not_be_banned(&id, now).await.unwrap_err(),
                    guests.authenticate(&ada.token, now).await.unwrap_err(),
                ];
                for refusal in refusals {
                    assert_eq!(refusal.code, Code::Banned);
                    assert_eq!(refusal.penalty(), (Some(Some(Timestamp::from_millis(6_000))), Some("spam")));
                }
                let later = Timestamp::from_millis(6_000);
                guests.must_not_be_banned(&id, later).await.unwrap();
                guests.authenticate(&ada.token, later).await.unwrap();
            });
        });
    }
}
