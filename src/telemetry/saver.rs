//! The metrics of a node's saver, as typed fields.
//! Nothing is measured here: the saver observes what it does.

use prometheus::{Histogram, IntCounter, IntGauge};

use super::metrics::{Register, buckets};

/// Metrics of what stores the Kafka log.
#[derive(Debug)]
pub struct SaverMeters {
    /// `klatsch_saver_partitions`: partitions that this node stores.
    pub partitions: IntGauge,
    /// `klatsch_saver_failing`: 1 while the database or the topic of dead letters does not take what it is given.
    pub failing: IntGauge,
    /// `klatsch_saver_records_total`: records stored.
    pub records: IntCounter,
    /// `klatsch_saver_batch_records`: records in one transaction.
    pub batch_records: Histogram,
    /// `klatsch_saver_batch_seconds`: what such a transaction took, with the folding before it.
    pub batch_seconds: Histogram,
    /// `klatsch_saver_fenced_total`: batches not stored because another saver had the partition, or because the
    /// same batch was stored and its answer lost.
    pub fenced: IntCounter,
}

impl SaverMeters {
    pub(super) fn new(register: &Register<'_>) -> Self {
        Self {
            partitions: register
                .gauge("klatsch_saver_partitions", "Partitions of the log that this node stores."),
            failing: register.gauge(
                "klatsch_saver_failing",
                "1 while the database or the topic of dead letters does not take what it is given.",
            ),
            records: register.counter("klatsch_saver_records_total", "Records of the log stored here."),
            batch_records: register.histogram(
                "klatsch_saver_batch_records",
                "Records in one transaction of the saver.",
                buckets(1.0, 2.0, 14),
            ),
            batch_seconds: register.histogram(
                "klatsch_saver_batch_seconds",
                "What one transaction of the saver took, with the folding before it.",
                buckets(0.000_1, 2.0, 18),
            ),
            fenced: register.counter(
                "klatsch_saver_fenced_total",
                "Batches not stored because a partition was stored further already.",
            ),
        }
    }
}
