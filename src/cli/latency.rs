//! Durations, counted by size: a histogram and the figures that are printed of it.
//! Knows nothing of what was measured.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// One minute: what takes longer is counted as that.
const LONGEST_NS: u64 = 60_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

/// A histogram of durations, exact to three digits.
pub struct Latency(Histogram<u64>);

impl Latency {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST_NS);
        self.0.saturating_record(nanoseconds.max(1));
    }

    /// The figures to print.
    pub fn quantiles(&self) -> Quantiles {
        let at = |quantile| milliseconds(self.0.value_at_quantile(quantile));
        Quantiles {
            count: self.0.len(),
            mean_ms: self.0.mean() / 1e6,
            p50_ms: at(0.5),
            p95_ms: at(0.95),
            p99_ms: at(0.99),
            max_ms: milliseconds(self.0.max()),
        }
    }
}

impl Default for Latency {
    fn default() -> Self {
        Self(
            Histogram::new_with_bounds(1, LONGEST_NS, SIGNIFICANT_DIGITS)
                .expect("the bounds are constants in order"),
        )
    }
}

/// A histogram in six numbers.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Quantiles {
    /// How many durations were counted.
    pub count: u64,
    /// The arithmetic mean.
    #[serde(default)]
    pub mean_ms: f64,
    /// Half took at most this long.
    pub p50_ms: f64,
    /// 95 of 100 took at most this long.
    pub p95_ms: f64,
    /// 99 of 100 took at most this long.
    pub p99_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mean_ms, p50_ms, p95_ms, p99_ms, max_ms, .. } = self;
        write!(f, "mean {mean_ms:.2}  p50 {p50_ms:.2}  p95 {p95_ms:.2}  p99 {p99_ms:.2}  max {max_ms:.2} ms")
    }
}

fn milliseconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_in_milliseconds() {
        let mut latency = Latency::default();
        (1..=100).for_each(|n| latency.record(Duration::from_millis(n)));
        let quantiles = latency.quantiles();
        assert_eq!(quantiles.count, 100);
        assert!((quantiles.mean_ms - 50.5).abs() < 0.1);
        assert!((quantiles.p50_ms - 50.0).abs() < 0.1);
        assert!((quantiles.max_ms - 100.0).abs() < 0.2);
    }
}
