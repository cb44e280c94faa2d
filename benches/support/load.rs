//! Puts messages on something that fans out, at a rate or with a window, and waits until they have come back.
//! What fans out is a [`Target`]: Klatsch and the bare loop are driven by the same lines.

use std::fmt;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How messages are put on a target.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// So many a second, whatever comes back.
    Open(f64),
    /// As fast as they come back, with so many in flight.
    Window(u64),
}

/// Something that takes a message and brings it to its members, of whom the driver is one.
pub(crate) trait Target {
    /// Hands one message over.
    async fn post(&mut self) -> anyhow::Result<()>;

    /// Waits until more messages have come back, and says how many. May be dropped without loss.
    async fn come_back(&mut self) -> anyhow::Result<u64>;
}

impl Load {
    /// Puts `messages` on the target and waits for the last to come back.
    pub(crate) async fn drive(self, target: &mut impl Target, messages: u64) -> anyhow::Result<()> {
        let (start, mut posted, mut returned) = (Instant::now(), 0, 0);
        while returned < messages {
            let next = if posted < messages { self.due(posted, returned) } else { None };
            tokio::select! {
                biased;
                () = sleep_until(start + next.unwrap_or_default()), if next.is_some() => {
                    target.post().await?;
                    posted += 1;
                }
                more = target.come_back() => returned += more?,
            }
        }
        Ok(())
    }

    fn due(self, posted: u64, returned: u64) -> Option<Duration> {
        match self {
            Self::Open(rate) => Some(Duration::from_secs_f64(posted as f64 / rate)),
            Self::Window(window) => (posted - returned < window).then_some(Duration::ZERO),
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(rate) => write!(f, "{rate}/s"),
            Self::Window(window) => write!(f, "window {window}"),
        }
    }
}
