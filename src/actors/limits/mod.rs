//! How often anybody may do what, on this node: the limits that settings name, each with the buckets it needs.
//! Rates and buckets are pure and in `domain`; this says whose they are, and what time it is.

mod address;
mod keyed;
mod pace;
mod refusals;
mod seats;

use std::{sync::Arc, time::Duration};

use self::{
    keyed::Keyed,
    pace::{Pace, SessionRates},
    refusals::{Policy, limited},
    seats::Seats,
};
use crate::{
    config::LimitSettings,
    domain::{About, Rate, Refusal, UserId},
    telemetry::{Metrics, Stopwatch},
};

pub use self::{address::Address, seats::Seat};

/// Time between two sweeps.
const SWEEP: Duration = Duration::from_secs(10);

/// When it is worth asking for a connection again.
const A_CONNECTION_LATER: Duration = Duration::from_secs(1);

/// The time in which `limits.session_refusals` are borne.
const BORNE_IN: Duration = Duration::from_secs(10);

/// The limits of a node, or that there are none; clones share them.
#[derive(Clone, Debug)]
pub struct Allowances(Option<Arc<Parts>>);

#[derive(Debug)]
struct Parts {
    since: Stopwatch,
    metrics: Metrics,
    /// Connections that reach the node directly, which are cut beyond twice what an address may hold.
    connections: Seats,
    open: Seats,
    requests: Keyed<Address>,
    sign_ups: Keyed<Address>,
    log_ins: Keyed<Address>,
    commands: Keyed<UserId>,
    bytes: Keyed<UserId>,
    rooms: Keyed<UserId>,
    session: SessionRates,
    most_open: u64,
}

/// What one session may still do.
#[derive(Debug)]
pub struct SessionAllowance {
    all: Allowances,
    pace: Pace,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Admission {
    /// It is taken.
    Granted,
    /// It is refused.
    Refused(Refusal),
    /// The session was refused too often, and goes on: it is to be closed with 4003.
    Flood,
}

/// The right to sign up, or to fail to log in, once. Who did not use it gives it back.
#[derive(Debug)]
#[must_use]
pub struct Attempt {
    all: Allowances,
    from: Address,
    at: Entrance,
}

/// Where a stranger becomes somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Somebody new.
    SignUp,
    /// Somebody who says that they are known.
    LogIn,
}

impl Allowances {
    /// Those that the settings ask for.
    pub fn new(settings: &LimitSettings, metrics: &Metrics) -> Self {
        Self(settings.enabled.then(|| Arc::new(Parts::new(settings, metrics.clone()))))
    }

    /// Takes a seat for a connection that reaches the node directly; `None` where it is to be cut at once. Who holds
    /// so many was refused by [`Self::enter`] as many times.
    pub fn connect(&self, from: Address) -> Option<Option<Seat>> {
        let Some(parts) = &self.0 else { return Some(None) };
        let seat = parts.connections.take(from);
        if seat.is_none() {
            parts.count(Policy::AddressConnections);
        }
        seat.map(Some)
    }

    /// Takes a request in, with a seat for as long as it is being answered.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn enter(&self, from: Address) -> Result<Option<Seat>, Refusal> {
        let Some(parts) = &self.0 else { return Ok(None) };
        parts.take(Policy::AddressRequests, &parts.requests, &from, 1)?;
        let seat = parts.open.take(from).ok_or_else(|| {
            parts.count(Policy::AddressConnections);
            let rate = Rate::per_second(parts.most_open, parts.most_open);
            limited(Policy::AddressConnections, &rate, A_CONNECTION_LATER)
        })?;
        Ok(Some(seat))
    }

    /// Lets somebody sign up or log in.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn attempt(&self, at: Entrance, from: Address) -> Result<Attempt, Refusal> {
        if let Some(parts) = &self.0 {
            let (policy, keyed) = parts.entrance(at);
            parts.take(policy, keyed, &from, 1)?;
        }
        Ok(Attempt { all: self.clone(), from, at })
    }

    /// Takes a request of a user in, of so many bytes.
    ///
    /// # Errors
    /// `rate_limited`.
    pub fn command(&self, user: &UserId, bytes: u64) -> Result<(), Refusal> {
        let Some(parts) = &self.0 else { return Ok(()) };
        parts.take(Policy::UserBytes, &parts.bytes, user, bytes)?;
        parts.take(Policy::UserCommands, &parts.commands, user, 1)
    }

    /// Lets a user make a room.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(super) fn room(&self, user: &UserId) -> Result<(), Refusal> {
        let Some(parts) = &self.0 else { return Ok(()) };
        parts.take(Policy::UserRooms, &parts.rooms, user, 1)
    }

    /// The room was not made.
    pub(super) fn no_room(&self, user: &UserId) {
        if let Some(parts) = &self.0 {
            parts.rooms.give_back(user, 1);
        }
    }

    /// What a new session may do.
    pub fn session(&self) -> SessionAllowance {
        SessionAllowance { all: self.clone(), pace: Pace::default() }
    }

    /// Forgets, again and again, whoever could do as much as a stranger; as long as the node lives.
    pub async fn keep_small(self) {
        let Some(parts) = self.0 else { return };
        loop {
            tokio::time::sleep(SWEEP).await;
            parts.sweep();
        }
    }
}

impl Parts {
    fn new(settings: &LimitSettings, metrics: Metrics) -> Self {
        let (keys, most_open) = (settings.keys, settings.address_connections);
        Self {
            since: Stopwatch::start(),
            metrics,
            connections: Seats::new(most_open.saturating_mul(2)),
            open: Seats::new(most_open),
            requests: Keyed::new(
                Rate::per_second(settings.address_requests_per_s, settings.address_requests_burst),
                keys,
            ),
            sign_ups: Keyed::new(
                Rate::per_hour(settings.address_sign_ups_per_h, settings.address_sign_ups_burst),
                keys,
            ),
            log_ins: Keyed::new(
                Rate::per_hour(settings.address_log_ins_per_h, settings.address_log_ins_burst),
                keys,
            ),
            commands: Keyed::new(
                Rate::per_second(settings.user_commands_per_s, settings.user_commands_burst),
                keys,
            ),
            bytes: Keyed::new(Rate::per_second(settings.user_bytes_per_s, settings.user_bytes_burst), keys),
            rooms: Keyed::new(Rate::per_hour(settings.user_rooms_per_h, settings.user_rooms_burst), keys),
            session: SessionRates {
                commands: Rate::per_second(settings.session_commands_per_s, settings.session_commands_burst),
                bytes: Rate::per_second(settings.session_bytes_per_s, settings.session_bytes_burst),
                refusals: Rate {
                    burst: settings.session_refusals,
                    count: settings.session_refusals,
                    period: BORNE_IN,
                },
            },
            most_open: u64::try_from(most_open).unwrap_or(u64::MAX),
        }
    }

    fn take<K: Eq + std::hash::Hash + Clone>(
        &self,
        policy: Policy,
        keyed: &Keyed<K>,
        key: &K,
        cost: u64,
    ) -> Result<(), Refusal> {
        keyed.take(key, cost, self.since.elapsed()).map_err(|wait| {
            self.count(policy);
            limited(policy, keyed.rate(), wait)
        })
    }

    fn entrance(&self, at: Entrance) -> (Policy, &Keyed<Address>) {
        match at {
            Entrance::SignUp => (Policy::AddressSignUps, &self.sign_ups),
            Entrance::LogIn => (Policy::AddressLogIns, &self.log_ins),
        }
    }

    fn count_of(&self, refusal: &Refusal) {
        if let Some(About::Rate { policy, .. }) = refusal.about.as_deref() {
            self.metrics.limited(policy);
        }
    }

    fn count(&self, policy: Policy) {
        self.metrics.limited(policy.name());
    }

    fn sweep(&self) {
        let now = self.since.elapsed();
        let by_address = [&self.requests, &self.sign_ups, &self.log_ins].map(|keyed| {
            keyed.sweep(now);
            keyed.len()
        });
        let by_user = [&self.commands, &self.bytes, &self.rooms].map(|keyed| {
            keyed.sweep(now);
            keyed.len()
        });
        let keys =
            by_address.iter().chain(&by_user).sum::<usize>() + self.open.len() + self.connections.len();
        self.metrics.limit_keys.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }
}

impl SessionAllowance {
    /// Takes a request of so many bytes in; `user` is whose session it is, once that is known.
    pub fn take(&mut self, user: Option<&UserId>, bytes: usize) -> Admission {
        let Some(parts) = &self.all.0 else { return Admission::Granted };
        let (bytes, now) = (u64::try_from(bytes).unwrap_or(u64::MAX), parts.since.elapsed());
        let taken = self.pace.take(&parts.session, bytes, now).inspect_err(|refusal| parts.count_of(refusal));
        let taken = taken.and_then(|()| user.map_or(Ok(()), |user| self.all.command(user, bytes)));
        match taken {
            Ok(()) => Admission::Granted,
            Err(refusal) if self.pace.bears(&parts.session, now) => Admission::Refused(refusal),
            Err(_) => {
                parts.metrics.floods.inc();
                Admission::Flood
            }
        }
    }
}

impl Attempt {
    /// At which entrance.
    pub fn at(&self) -> Entrance {
        self.at
    }

    /// Nothing came of it that counts: nobody new, or no failure.
    pub fn give_back(self) {
        if let Some(parts) = &self.all.0 {
            parts.entrance(self.at).1.give_back(&self.from, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Settings, domain::Code};

    fn allowances(change: impl FnOnce(&mut LimitSettings)) -> Allowances {
        let mut settings = Settings::default().limits;
        change(&mut settings);
        Allowances::new(&settings, &Metrics::new())
    }

    #[test]
    fn a_sign_up_that_came_to_nothing_does_not_count() {
        let all = allowances(|settings| settings.address_sign_ups_burst = 2);
        let (here, there) = (Address::V4(1), Address::V4(2));
        for _ in 0..10 {
            all.attempt(Entrance::SignUp, here).unwrap().give_back();
        }
        let _used =
            [all.attempt(Entrance::SignUp, here).unwrap(), all.attempt(Entrance::SignUp, here).unwrap()];
        let refusal = all.attempt(Entrance::SignUp, here).unwrap_err();
        assert_eq!(refusal.code, Code::RateLimited);
        assert!(refusal.retry_after_ms.is_some_and(|millis| millis > 0));
        assert!(all.attempt(Entrance::SignUp, there).is_ok(), "another address pays for this one");
    }

    #[test]
    fn a_user_is_counted_over_all_sessions_and_a_session_by_itself() {
        let all = allowances(|settings| {
            settings.session_commands_burst = 10;
            settings.user_commands_burst = 15;
        });
        let user = UserId::new("ada");
        let taken = |session: &mut SessionAllowance| {
            (0..12).filter(|_| matches!(session.take(Some(&user), 1), Admission::Granted)).count()
        };
        let (mut one, mut other) = (all.session(), all.session());
        assert_eq!((taken(&mut one), taken(&mut other)), (10, 5));
        let stranger = UserId::new("ben");
        assert!(matches!(all.session().take(Some(&stranger), 1), Admission::Granted));
    }

    #[test]
    fn a_session_that_floods_on_is_over() {
        let all = allowances(|_| {});
        let mut session = all.session();
        let over = (0..20_000).find(|_| matches!(session.take(None, 1), Admission::Flood));
        assert!(over.is_some());
    }

    #[test]
    fn without_limits_everything_is_granted() {
        let all = allowances(|settings| settings.enabled = false);
        let (mut session, user) = (all.session(), UserId::new("ada"));
        for _ in 0..10_000 {
            assert!(matches!(session.take(Some(&user), 1 << 20), Admission::Granted));
            assert!(
                all.enter(Address::V4(1)).is_ok() && all.attempt(Entrance::LogIn, Address::V4(1)).is_ok()
            );
            assert!(all.room(&user).is_ok());
        }
    }
}
