//! How often one session may ask, and when it has been refused so often that it is closed.
//! What a user may ask over all of their sessions is counted elsewhere.

use std::time::Duration;

use super::refusals::{self, Policy};
use crate::domain::{Bucket, Rate, Refusal};

/// The rates of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct SessionRates {
    pub(super) commands: Rate,
    pub(super) bytes: Rate,
    /// Refusals that are borne.
    pub(super) refusals: Rate,
}

/// What one session has left of its rates.
#[derive(Debug, Default)]
pub(super) struct Pace {
    commands: Bucket,
    bytes: Bucket,
    refusals: Bucket,
}

impl Pace {
    /// Takes one request of so many bytes.
    ///
    /// # Errors
    /// `rate_limited`.
    pub(super) fn take(&mut self, rates: &SessionRates, bytes: u64, now: Duration) -> Result<(), Refusal> {
        let refuse = |policy: Policy, rate: &Rate| {
            let (name, rate) = (policy, *rate);
            move |wait| refusals::limited(name, &rate, wait)
        };
        self.bytes.take(&rates.bytes, bytes, now).map_err(refuse(Policy::SessionBytes, &rates.bytes))?;
        self.commands.take(&rates.commands, 1, now).map_err(refuse(Policy::SessionCommands, &rates.commands))
    }

    /// Counts a request that was refused for its rate; `false` when there were too many of them.
    pub(super) fn bears(&mut self, rates: &SessionRates, now: Duration) -> bool {
        self.refusals.take(&rates.refusals, 1, now).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    #[test]
    fn a_session_that_asks_too_often_is_refused_and_one_that_does_not_stop_is_over() {
        let second = Duration::from_secs(1000);
        let rates = SessionRates {
            commands: Rate::per_second(10, 5),
            bytes: Rate::per_second(100, 1000),
            refusals: Rate { burst: 3, count: 3, period: Duration::from_secs(10) },
        };
        let mut pace = Pace::default();
        for _ in 0..5 {
            assert!(pace.take(&rates, 10, second).is_ok());
        }
        for _ in 0..3 {
            let refusal = pace.take(&rates, 10, second).unwrap_err();
            assert_eq!((refusal.code, refusal.retry_after_ms), (Code::RateLimited, Some(100)));
            assert!(pace.bears(&rates, second));
        }
        assert!(!pace.bears(&rates, second));
        // Who waits as told is served, and is forgiven in time.
        assert!(pace.take(&rates, 10, second + Duration::from_millis(100)).is_ok());
        assert!(pace.bears(&rates, second + Duration::from_secs(4)));
        // Few large ones are as much as many small ones.
        assert!(pace.take(&rates, 900, second + Duration::from_secs(4)).is_ok());
        assert!(pace.take(&rates, 900, second + Duration::from_secs(5)).is_err());
    }
}
