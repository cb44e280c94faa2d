//! What somebody is told who did something too often: which limit that is, and when to come back.
//! How it looks in a header or a frame is not known here.

use std::time::Duration;

use crate::domain::{About, Code, Rate, Refusal};

/// The limits, by the names that clients, metrics and the manual have for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    AddressConnections,
    AddressRequests,
    AddressSignUps,
    AddressLogIns,
    SessionCommands,
    SessionBytes,
    UserCommands,
    UserBytes,
    UserRooms,
}

impl Policy {
    #[cfg(test)]
    const ALL: [Self; 9] = [
        Self::AddressConnections,
        Self::AddressRequests,
        Self::AddressSignUps,
        Self::AddressLogIns,
        Self::SessionCommands,
        Self::SessionBytes,
        Self::UserCommands,
        Self::UserBytes,
        Self::UserRooms,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AddressConnections => "address-connections",
            Self::AddressRequests => "address-requests",
            Self::AddressSignUps => "address-sign-ups",
            Self::AddressLogIns => "address-log-ins",
            Self::SessionCommands => "session-commands",
            Self::SessionBytes => "session-bytes",
            Self::UserCommands => "user-commands",
            Self::UserBytes => "user-bytes",
            Self::UserRooms => "user-rooms",
        }
    }

    const fn sentence(self) -> &'static str {
        match self {
            Self::AddressConnections => "too many connections are open from this address",
            Self::AddressRequests => "too many requests from this address",
            Self::AddressSignUps => "too many people signed up from this address",
            Self::AddressLogIns => "too many log-ins from this address failed",
            Self::SessionCommands => "too many requests on this connection",
            Self::SessionBytes => "too many bytes on this connection",
            Self::UserCommands => "too many requests of this user",
            Self::UserBytes => "too many bytes of this user",
            Self::UserRooms => "too many rooms of this user",
        }
    }
}

/// A refusal of who is to wait for so long.
pub(super) fn limited(policy: Policy, rate: &Rate, wait: Duration) -> Refusal {
    let mut refusal = Refusal::new(Code::RateLimited).message(policy.sentence());
    // Rounded up: who comes back then is served.
    let millis = wait.as_nanos().div_ceil(1_000_000).max(1);
    refusal.retry_after_ms = Some(u64::try_from(millis).unwrap_or(u64::MAX));
    refusal.about(About::Rate { policy: policy.name(), rate: *rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_protocol_and_the_manual_know_every_limit() {
        let (protocol, manual) =
            (include_str!("../../../docs/PROTOCOL.md"), include_str!("../../../config/default.toml"));
        for policy in Policy::ALL {
            assert!(protocol.contains(&format!("`{}`", policy.name())), "{policy:?} in docs/PROTOCOL.md");
            let setting = policy.name().replace('-', "_");
            assert!(manual.contains(&format!("\n{setting}")), "{setting} in config/default.toml");
        }
    }

    #[test]
    fn who_waits_as_told_has_waited_long_enough() {
        let rate = Rate::per_second(1000, 1);
        let wait = |nanos| limited(Policy::UserRooms, &rate, Duration::from_nanos(nanos)).retry_after_ms;
        assert_eq!((wait(1), wait(1_000_000), wait(1_000_001)), (Some(1), Some(1), Some(2)));
    }
}
