//! Heart-beats: what the two ends offer, and what follows for each direction.
//! No timers: whoever holds the connection counts the time.

use std::{fmt, time::Duration};

use super::Broken;

/// What one end says of itself, in milliseconds. The default is an end that neither sends nor wants any.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Heartbeat {
    /// The shortest time between two that it can keep up; 0 if it sends none.
    pub can: u64,
    /// The time between two that it wants from the other end; 0 if it wants none.
    pub wants: u64,
}

/// What was agreed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Agreed {
    /// The server sends something at least so often; never, if it is not set.
    pub send_every: Option<Duration>,
    /// The server takes a client for dead that was silent for so long; never, if it is not set.
    pub dead_after: Option<Duration>,
}

impl Heartbeat {
    /// What the server offers: the same both ways, but no less than it can keep; 0 turns heart-beats off.
    pub const fn of_server(millis: u64) -> Self {
        let can = if millis > 0 && millis < LEAST { LEAST } else { millis };
        Self { can, wants: millis }
    }

    /// Reads the header `heart-beat`; a client that does not send it neither sends nor wants any.
    ///
    /// # Errors
    /// It is not two whole numbers with a comma between.
    pub fn parse(header: Option<&str>) -> Result<Self, Broken> {
        let Some(text) = header else { return Ok(Self::default()) };
        let pair = text.split_once(',').and_then(|(can, wants)| Some((millis(can)?, millis(wants)?)));
        let (can, wants) = pair
            .ok_or_else(|| Broken::malformed("heart-beat must be two whole numbers with a comma between"))?;
        Ok(Self { can, wants })
    }

    /// What a server of this offer does for a client of that one. It sends after two thirds of the time it promised, so
    /// that it is in time even for a client that allows no margin, and itself allows twice the time.
    pub fn agree(self, client: Self) -> Agreed {
        let promised = every(self.can, client.wants);
        let expected = every(client.can, self.wants);
        Agreed {
            send_every: promised.map(|millis| Duration::from_millis((millis * 2 / 3).max(1))),
            dead_after: expected.map(|millis| Duration::from_millis(millis * 2)),
        }
    }
}

impl fmt::Display for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{}", self.can, self.wants)
    }
}

/// The time between two in one direction.
fn every(can: u64, wanted: u64) -> Option<u64> {
    (can > 0 && wanted > 0).then(|| can.max(wanted))
}

/// The fewest milliseconds that a server can promise whose clock ticks once a second.
const LEAST: u64 = 2000;

/// Milliseconds that nobody means to wait for; clocks can add them without an overflow.
const AS_GOOD_AS_NEVER: u64 = u32::MAX as u64;

/// A number of milliseconds.
fn millis(text: &str) -> Option<u64> {
    let digits = text.trim_matches(' ');
    let whole = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    whole.then(|| digits.parse().map_or(AS_GOOD_AS_NEVER, |millis: u64| millis.min(AS_GOOD_AS_NEVER)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(client: &str) -> (Option<u64>, Option<u64>) {
        let client = Heartbeat::parse(Some(client)).unwrap();
        let agreed = Heartbeat::of_server(9_000).agree(client);
        let millis = |time: Option<Duration>| time.map(|time| u64::try_from(time.as_millis()).unwrap());
        (millis(agreed.send_every), millis(agreed.dead_after))
    }

    #[test]
    fn each_direction_takes_the_slower_of_what_one_can_and_the_other_wants() {
        assert_eq!(agreed("0,0"), (None, None));
        assert_eq!(agreed("0,3000"), (Some(6_000), None));
        assert_eq!(agreed("3000,0"), (None, Some(18_000)));
        assert_eq!(agreed("3000,30000"), (Some(20_000), Some(18_000)));
        assert_eq!(agreed("30000,1"), (Some(6_000), Some(60_000)));
        let off = Heartbeat::of_server(0).agree(Heartbeat { can: 1, wants: 1 });
        assert_eq!(off, Agreed::default());
    }

    #[test]
    fn the_server_is_never_late() {
        for wants in [1, 2, 3, 10, 1_000, 9_000, AS_GOOD_AS_NEVER] {
            for can in [1, 2, 10_000] {
                let offer = Heartbeat::of_server(can);
                let sends = offer.agree(Heartbeat { can: 0, wants }).send_every.unwrap();
                assert!(sends <= Duration::from_millis(offer.can.max(wants)), "{sends:?}");
                assert!(
                    sends >= Duration::from_secs(1),
                    "a clock that ticks once a second can keep {sends:?}"
                );
            }
        }
    }

    #[test]
    fn a_heart_beat_is_two_whole_numbers() {
        assert_eq!(Heartbeat::parse(None), Ok(Heartbeat::default()));
        assert_eq!(Heartbeat::parse(Some("1, 2")), Ok(Heartbeat { can: 1, wants: 2 }));
        let endless = "99999999999999999999,0";
        assert_eq!(Heartbeat::parse(Some(endless)), Ok(Heartbeat { can: AS_GOOD_AS_NEVER, wants: 0 }));
        for bad in ["", "1", "1,", ",1", "1,2,3", "-1,0", "+1,0", "1.5,0", "a,b"] {
            assert!(Heartbeat::parse(Some(bad)).is_err(), "{bad}");
        }
    }
}
