//! The watchman: sees to the keys in time, and to rows of accounts and logins that are of no use any more.
//! What is old, and how a key is made, is decided in `auth`.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};

use super::clock::Clock;
use crate::auth::Auth;

/// Between two looks at the keys.
const KEYS: Duration = Duration::from_secs(30);

/// Between two looks at what is old.
const SWEEPS: Duration = Duration::from_secs(60);

/// The watchman of a node.
pub(super) struct Watchman {
    auth: Auth,
    clock: Clock,
}

impl Watchman {
    /// Watches what belongs to `auth`.
    pub(super) fn new(auth: Auth, clock: Clock) -> Self {
        Self { auth, clock }
    }

    fn keep_keys(&mut self, context: &mut Context<Self>) {
        let (auth, now) = (self.auth.clone(), self.clock.now());
        let kept = async move {
            if let Err(error) = auth.keys.keep_up(now).await {
                log::warn!("keys of access tokens: {error}");
            }
        };
        context.spawn(kept.into_actor(self));
    }

    fn sweep(&mut self, context: &mut Context<Self>) {
        let (auth, now) = (self.auth.clone(), self.clock.now());
        let swept = async move {
            if let Err(refusal) = auth.sweep(now).await {
                log::warn!("old logins and attempts stay a while: {refusal}");
            }
        };
        context.spawn(swept.into_actor(self));
    }
}

impl Actor for Watchman {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.keep_keys(context);
        context.run_interval(KEYS, Self::keep_keys);
        context.run_interval(SWEEPS, Self::sweep);
    }
}
