//! Something that counts in a gauge for as long as it lives.
//! What it is and where it is kept is its owner's business.

use prometheus::IntGauge;

/// One more in a gauge, until it is dropped.
#[derive(Debug)]
pub struct Counted(IntGauge);

impl Counted {
    /// Counts in this gauge.
    pub fn in_gauge(gauge: &IntGauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}
