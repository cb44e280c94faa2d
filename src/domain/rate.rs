//! How often something may be done: a rate, and the bucket of somebody who is held to it.
//! Who that is and what time it is are the caller's to say.

use std::time::Duration;

/// So many at once, and then so many in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// What may be taken at once from a full bucket; at least 1.
    pub burst: u64,
    /// How many come back in `period`; at least 1.
    pub count: u64,
    /// The time in which they come back.
    pub period: Duration,
}

impl Rate {
    /// A rate by the second.
    pub const fn per_second(count: u64, burst: u64) -> Self {
        Self { burst, count, period: Duration::from_secs(1) }
    }

    /// A rate by the hour.
    pub const fn per_hour(count: u64, burst: u64) -> Self {
        Self { burst, count, period: Duration::from_secs(3600) }
    }

    /// The time in which an empty bucket fills.
    pub fn window(&self) -> Duration {
        Duration::from_nanos(self.nanos(self.burst))
    }

    /// Nanoseconds in which so much comes back, rounded down, or the last of a burst would not pass.
    fn nanos(&self, cost: u64) -> u64 {
        let nanos = self.period.as_nanos().saturating_mul(u128::from(cost)) / u128::from(self.count.max(1));
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// What somebody has left of a rate, in eight bytes: the moment at which their bucket is full again (the generic cell
/// rate algorithm). A moment is the time since one that the caller chose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket {
    full_at: u64,
}

impl Bucket {
    /// Takes `cost` out of it. What is larger than the whole bucket may be taken when that is full, and is paid off
    /// afterwards: it is bounded elsewhere, and must not be refused for ever.
    ///
    /// # Errors
    /// How long to wait where not so much is left; nothing is taken then.
    pub fn take(&mut self, rate: &Rate, cost: u64, now: Duration) -> Result<(), Duration> {
        let now = nanos(now);
        let begins = self.full_at.max(now);
        let ends = begins.saturating_add(rate.nanos(cost));
        let latest = now.saturating_add(rate.nanos(rate.burst.max(cost)));
        if ends > latest {
            return Err(Duration::from_nanos(ends - latest));
        }
        self.full_at = ends;
        Ok(())
    }

    /// Puts back what was taken and not used.
    pub fn give_back(&mut self, rate: &Rate, cost: u64) {
        self.full_at = self.full_at.saturating_sub(rate.nanos(cost));
    }

    /// Whether nothing is missing, so that it is like any fresh one.
    pub fn is_full(&self, now: Duration) -> bool {
        self.full_at <= nanos(now)
    }
}

fn nanos(moment: Duration) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(1_000_000 + millis)
    }

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_counts() {
        let (rate, mut bucket) = (Rate::per_second(10, 3), Bucket::default());
        for _ in 0..3 {
            assert_eq!(bucket.take(&rate, 1, at(0)), Ok(()));
        }
        assert_eq!(bucket.take(&rate, 1, at(0)), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(&rate, 1, at(60)), Err(Duration::from_millis(40)));
        assert_eq!(bucket.take(&rate, 1, at(100)), Ok(()));
        assert!(!bucket.is_full(at(399)) && bucket.is_full(at(400)));
        assert_eq!(rate.window(), Duration::from_millis(300));
        let (odd, mut bucket) = (Rate::per_second(7, 7), Bucket::default());
        assert!((0..7).all(|_| bucket.take(&odd, 1, at(0)).is_ok()) && bucket.take(&odd, 1, at(0)).is_err());
    }

    #[test]
    fn what_is_larger_than_the_bucket_passes_when_it_is_full_and_is_paid_off() {
        let (rate, mut bucket) = (Rate::per_second(10, 3), Bucket::default());
        assert_eq!(bucket.take(&rate, 20, at(0)), Ok(()));
        assert_eq!(bucket.take(&rate, 1, at(1_000)), Err(Duration::from_millis(800)));
        assert_eq!(bucket.take(&rate, 20, at(1_999)), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(&rate, 20, at(2_000)), Ok(()));
    }

    #[test]
    fn what_is_not_used_is_given_back() {
        let (rate, mut bucket) = (Rate::per_hour(1, 1), Bucket::default());
        assert_eq!(bucket.take(&rate, 1, at(0)), Ok(()));
        bucket.give_back(&rate, 1);
        assert!(bucket.is_full(at(0)));
        assert_eq!(bucket.take(&rate, 1, at(0)), Ok(()));
        assert_eq!(bucket.take(&rate, 1, at(0)), Err(Duration::from_secs(3600)));
    }

    proptest! {
        #[test]
        fn nobody_gets_more_than_burst_and_rate_and_nobody_waits_for_longer_than_told(
            count in 1u64..1000, burst in 1u64..100, steps in prop::collection::vec((0u64..500, 1u64..4), 1..200),
        ) {
            let (rate, mut bucket) = (Rate::per_second(count, burst), Bucket::default());
            let (mut now, mut taken) = (0, 0);
            for (pause, cost) in steps {
                now += pause;
                let before = bucket;
                match bucket.take(&rate, cost, at(now)) {
                    Ok(()) => taken += cost,
                    Err(wait) => {
                        prop_assert_eq!(bucket, before);
                        prop_assert_eq!(bucket.take(&rate, cost, at(now) + wait), Ok(()));
                        bucket = before;
                    }
                }
                // The last one may be larger than what a small bucket holds.
                prop_assert!(taken <= burst.max(cost) + count * now / 1000 + 4);
            }
        }
    }
}
