//! How long something took, for a histogram.
//! Not a clock: it cannot tell what time it is.

use std::time::{Duration, Instant};

/// Runs from its start.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since its start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds since its start.
    pub fn seconds(&self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
