//! Who somebody is: guests by nickname, accounts by login and password, and the tokens that both are given.
//! Actors and HTTP ask here; nothing here knows a socket.

mod access;
mod accounts;
mod back_off;
mod cached;
mod doorkeeper;
mod elsewhere;
pub mod fetch;
mod guests;
pub mod issuers;
mod keys;
mod known;
mod logins;
mod passwords;
pub mod providers;
pub mod random;
mod refresh;
mod refresh_store;
mod token;

use std::sync::Arc;

pub use access::Access;
pub use accounts::{Accounts, Profile, SignUp};
pub use doorkeeper::Doorkeeper;
pub use elsewhere::{Elsewhere, ElsewhereError};
pub use guests::{Guests, Registered};
pub use keys::{KeyRing, PublicKey};
pub use logins::{Logins, Session};
pub use passwords::Password;
pub use refresh::RefreshToken;
pub use token::Token;

use crate::{
    config::AuthSettings,
    domain::{Limits, Refusal, Timestamp},
    storage::Store,
};
use access::AccessTokens;
use issuers::Issuers;
use passwords::Passwords;
use providers::Providers;
use refresh_store::InDatabase;

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
    /// Keys.
    pub keys: KeyRing,
    /// Where people log in elsewhere.
    pub providers: Providers,
}

impl Auth {
    /// As the settings have it.
    pub fn new(store: Store, settings: &AuthSettings, elsewhere: Elsewhere, limits: &Limits) -> Self {
        let passwords = Passwords::new(settings);
        let guests = Guests::new(store.clone());
        let keys = KeyRing::new(store.clone(), settings);
        let access = AccessTokens::new(keys.clone(), settings);
        let issuers = Issuers::new(elsewhere.issuers, store.clone(), limits.clone());
        let kept = Arc::new(InDatabase(store.clone()));
        let logins = Logins::new(kept, store.clone(), keys.clone(), access.clone(), settings);
        Self {
            doorkeeper: Doorkeeper::new(guests.clone(), access, issuers),
            providers: Providers::new(elsewhere.providers, store.clone()),
            accounts: Accounts::new(store, logins.clone(), passwords, settings),
            guests,
            logins,
            keys,
        }
    }

    /// Forgets what is of no use any more.
    ///
    /// # Errors
    /// `storage_unavailable`, `auth_unavailable`.
    pub async fn sweep(&self, now: Timestamp) -> Result<(), Refusal> {
        self.accounts.sweep(now).await?;
        self.logins.sweep(now).await
    }
}
