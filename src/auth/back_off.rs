//! How long somebody must wait between two attempts at a login: twice as long each time, and never for ever.
//! Where attempts are counted is not known here.

use crate::{
    config::AuthSettings,
    domain::{Code, Refusal, Timestamp},
    storage::accounts::Attempts,
};

/// After so long without an attempt those before are forgotten.
const FORGOTTEN_MS: i64 = 24 * 3_600_000;

/// The rule of waiting.
#[derive(Debug, Clone, Copy)]
pub(super) struct BackOff {
    free: i64,
    longest_ms: i64,
}

impl BackOff {
    /// As the settings have it.
    pub(super) fn new(settings: &AuthSettings) -> Self {
        Self {
            free: i64::from(settings.free_attempts),
            longest_ms: i64::from(settings.longest_wait_s) * 1_000,
        }
    }

    /// How many attempts it makes with this one, or in how many milliseconds it may be made.
    pub(super) fn judge(self, before: Option<Attempts>, now: Timestamp) -> Result<i64, u64> {
        let Some(Attempts { count, last }) = before else { return Ok(1) };
        let since = now.millis_since(Timestamp::from_millis(last));
        if since >= FORGOTTEN_MS {
            return Ok(1);
        }
        let left = self.wait_after(count) - since;
        if left > 0 { Err(left.unsigned_abs()) } else { Ok(count.saturating_add(1)) }
    }

    /// Attempts before this instant count no more.
    pub(super) fn horizon(now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis() - FORGOTTEN_MS)
    }

    fn wait_after(self, count: i64) -> i64 {
        let over = count - self.free;
        if over < 0 { 0 } else { (1_000_i64 << over.min(30)).min(self.longest_ms) }
    }
}

/// What is said to who must wait.
pub(super) fn must_wait(millis: u64) -> Refusal {
    let mut refusal = Refusal::new(Code::RateLimited).message("too many attempts at this login");
    refusal.retry_after_ms = Some(millis);
    refusal
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: BackOff = BackOff { free: 3, longest_ms: 60_000 };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_first_attempts_are_free_and_later_ones_wait_twice_as_long_each_time() {
        let mut before = None;
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            if let Err(wait) = RULE.judge(before, at(now)) {
                waits.push(wait);
                assert!(RULE.judge(before, at(now + wait.cast_signed() - 1)).is_err());
                now += wait.cast_signed();
            }
            let count = RULE.judge(before, at(now)).unwrap();
            before = Some(Attempts { count, last: now });
        }
        assert_eq!(waits, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn nobody_is_locked_out_for_ever_and_old_attempts_are_forgotten() {
        let many = Attempts { count: i64::MAX, last: 0 };
        assert_eq!(RULE.judge(Some(many), at(1)), Err(59_999));
        assert!(RULE.judge(Some(many), at(60_000)).is_ok());
        assert_eq!(RULE.judge(Some(Attempts { count: 7, last: 0 }), at(FORGOTTEN_MS)), Ok(1));
        // A clock that was set back makes nobody wait longer than the longest wait and the step.
        assert_eq!(RULE.judge(Some(Attempts { count: 4, last: 5_000 }), at(0)), Err(7_000));
    }
}
