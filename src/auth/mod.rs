//! Who somebody is: guests by nickname, accounts by login and password, and the tokens that both are given.
//! Actors and HTTP ask here; nothing here knows a socket.

mod access;
mod accounts;
mod authority;
mod back_off;
mod cached;
mod doorkeeper;
mod elsewhere;
pub mod fetch;
mod guests;
mod in_force;
pub mod issuers;
mod keys;
mod known;
mod logins;
mod news;
mod passwords;
pub mod providers;
pub mod random;
mod refresh;
mod refresh_store;
mod token;

use std::sync::Arc;

pub use access::Access;
pub use accounts::{Accounts, Profile, SignUp};
pub use authority::Authority;
pub use doorkeeper::Doorkeeper;
pub use elsewhere::{Elsewhere, ElsewhereError};
pub use guests::{Guests, Registered};
pub use keys::{KeyRing, PublicKey};
pub use logins::{Logins, Session};
pub use news::{Event, News};
pub use passwords::Password;
pub use refresh::RefreshToken;
pub use token::Token;

use crate::{
    config::AuthSettings,
    domain::{Limits, Refusal, Timestamp},
    storage::Store,
};
use access::AccessTokens;
use in_force::InForce;
use issuers::Issuers;
use passwords::Passwords;
use providers::Providers;
use refresh_store::{InDatabase, InRedis, RefreshStore};

/// Everything that concerns who somebody is, on one node.
#[derive(Clone)]
pub struct Auth {
    /// Guests.
    pub guests: Guests,
    /// Whoever shows a token.
    pub doorkeeper: Doorkeeper,
    /// Accounts.
    pub accounts: Accounts,
    /// Logins to accounts.
    pub logins: Logins,
    /// What admins do.
    pub authority: Authority,
    /// Keys.
    pub keys: KeyRing,
    /// Where people log in elsewhere.
    pub providers: Providers,
    /// What happens to logins and users, on all nodes.
    pub news: News,
    in_force: InForce,
}

/// What happened is remembered for so much longer than an access token is good.
const MARGIN_MS: i64 = 600_000;

impl Auth {
    /// As the settings have it.
    pub fn new(store: Store, settings: &AuthSettings, elsewhere: Elsewhere, limits: &Limits) -> Self {
        let passwords = Passwords::new(settings);
        let in_force = InForce::new(i64::from(settings.access_s) * 1_000 + MARGIN_MS);
        let news = News::new(store.clone(), in_force.clone());
        let guests = Guests::new(store.clone(), news.clone(), settings);
        let keys = KeyRing::new(store.clone(), settings);
        let access = AccessTokens::new(keys.clone(), settings);
        let issuers = Issuers::new(elsewhere.issuers, store.clone(), limits.clone());
        let kept: Arc<dyn RefreshStore> = match &settings.refresh_store {
            address if address.is_database() => Arc::new(InDatabase(store.clone())),
            address => Arc::new(InRedis::at(address.clone())),
        };
        let logins = Logins::new(kept, store.clone(), keys.clone(), access.clone(), news.clone(), settings);
        Self {
            doorkeeper: Doorkeeper::new(guests.clone(), access, issuers, news.clone(), in_force.clone()),
            providers: Providers::new(elsewhere.providers, store.clone()),
            authority: Authority::new(store.clone(), news.clone()),
            accounts: Accounts::new(store, logins.clone(), news.clone(), passwords, settings),
            guests,
            logins,
            keys,
            news,
            in_force,
        }
    }

    /// Forgets what is of no use any more.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Refusal> {
        self.in_force.sweep(now);
        self.guests.expire(now).await?;
        self.news.sweep(Timestamp::from_millis(now.as_millis() - self.in_force.kept_ms())).await?;
        self.keys.sweep(now).await?;
        self.accounts.sweep(now).await?;
        self.logins.sweep(now).await
    }
}
