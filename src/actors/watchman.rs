//! The watchman: hears what happens to logins on any node and closes what ends here, and sees to keys and old rows in time.
//! What an event means, what is old, and how a key is made, is decided in `auth`.

use std::time::Duration;

use actix::{Actor, AsyncContext, Context, WrapFuture};
use tokio::time::timeout;

use super::{clock::Clock, present::Present};
use crate::auth::Auth;

/// Between two looks at what other nodes tell; twice as long and the time of a query are less than a second.
const NEWS: Duration = Duration::from_millis(400);

/// Between two looks at the keys.
const KEYS: Duration = Duration::from_secs(30);

/// The watchman of a node.
pub(super) struct Watchman {
    auth: Auth,
    present: Present,
    clock: Clock,
    /// Between two looks at what is old.
    sweeps: Duration,
}

impl Watchman {
    /// Watches what belongs to `auth`, and closes what is `present`.
    pub(super) fn new(auth: Auth, present: Present, clock: Clock, sweeps: Duration) -> Self {
        Self { auth, present, clock, sweeps }
    }

    /// Hears for ever, at once what this node tells itself.
    fn listen(&self, context: &mut Context<Self>) {
        let (news, present, clock) = (self.auth.news.clone(), self.present.clone(), self.clock.clone());
        let listening = async move {
            let mut is_deaf = false;
            loop {
                match news.latest(clock.now()).await {
                    Ok(events) => {
                        events.iter().for_each(|event| present.hear(event));
                        is_deaf = false;
                    }
                    Err(error) if !is_deaf => {
                        log::warn!("what other nodes tell about logins is not heard: {error}");
                        is_deaf = true;
                    }
                    Err(_) => {}
                }
                // Whether it rang or the time is over, it is time to look.
                let _ = timeout(NEWS, news.rung()).await;
            }
        };
        context.spawn(listening.into_actor(self));
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
        let (auth, now, present) = (self.auth.clone(), self.clock.now(), self.present.users());
        let swept = async move {
            // Who is connected is no idle guest, whatever else they do.
            let swept = async { auth.guests.saw(present, now).await.and(auth.sweep(now).await) };
            if let Err(refusal) = swept.await {
                log::warn!("old logins and attempts stay a while: {refusal}");
            }
        };
        context.spawn(swept.into_actor(self));
    }
}

impl Actor for Watchman {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        self.listen(context);
        self.keep_keys(context);
        context.run_interval(KEYS, Self::keep_keys);
        context.run_interval(self.sweeps, Self::sweep);
    }
}
