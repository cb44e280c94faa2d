//! The metrics of a node's clients of Kafka, as typed fields.
//! Nothing of brokers is known here: who reads the clients' statistics sets them.

use std::sync::atomic::{AtomicU64, Ordering};

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts};

use super::metrics::Register;

/// Metrics of the Kafka log. `client` is what a client is for: `producer`, `reader`, `saver`, `signals` and so on.
#[derive(Debug)]
pub struct KafkaMeters {
    /// `klatsch_kafka_brokers_up{client}`: brokers that a client is connected to.
    pub brokers_up: IntGaugeVec,
    /// `klatsch_kafka_broker_rtt_seconds{client,broker}`: mean time of a round trip, in the last seconds.
    pub broker_rtt_seconds: GaugeVec,
    /// `klatsch_kafka_queue_records`: records under way to the brokers.
    pub queue_records: IntGauge,
    /// `klatsch_kafka_lag_records{client}`: records that are there and that a client has not read.
    pub lag_records: IntGaugeVec,
    /// `klatsch_kafka_sent_bytes_total{client}`: bytes sent to brokers.
    pub sent_bytes: IntCounterVec,
    /// `klatsch_kafka_received_bytes_total{client}`: bytes received from brokers.
    pub received_bytes: IntCounterVec,
    /// `klatsch_kafka_partitions_read`: partitions with a room that is awake here.
    pub partitions_read: IntGauge,
    /// `klatsch_kafka_entries_read_total{fate}`: records that came to the bridge.
    pub entries_read: IntCounterVec,
    /// `klatsch_kafka_append_failures_total`: appends that the brokers did not take.
    pub append_failures: IntCounter,
    /// `klatsch_kafka_dead_letters_total`: records put aside because they cannot be decoded or applied.
    pub dead_letters: IntCounter,
}

impl KafkaMeters {
    pub(super) fn new(register: &Register<'_>) -> Self {
        let rtt = Opts::new("klatsch_kafka_broker_rtt_seconds", "Mean time of a round trip, of late.");
        Self {
            brokers_up: register.gauges(
                "klatsch_kafka_brokers_up",
                "Brokers that a client is connected to.",
                "client",
            ),
            broker_rtt_seconds: register
                .own(GaugeVec::new(rtt, &["client", "broker"]).expect("the names are valid")),
            queue_records: register.gauge("klatsch_kafka_queue_records", "Records under way to the brokers."),
            lag_records: register.gauges(
                "klatsch_kafka_lag_records",
                "Records that are there and that a client has not read.",
                "client",
            ),
            sent_bytes: register.counters(
                "klatsch_kafka_sent_bytes_total",
                "Bytes sent to brokers.",
                &["client"],
            ),
            received_bytes: register.counters(
                "klatsch_kafka_received_bytes_total",
                "Bytes received from brokers.",
                &["client"],
            ),
            partitions_read: register
                .gauge("klatsch_kafka_partitions_read", "Partitions with a room that is awake here."),
            entries_read: register.counters(
                "klatsch_kafka_entries_read_total",
                "Records that came to the bridge, by what became of them: delivered, skipped, undecodable.",
                &["fate"],
            ),
            append_failures: register
                .counter("klatsch_kafka_append_failures_total", "Appends that the brokers did not take."),
            dead_letters: register.counter(
                "klatsch_kafka_dead_letters_total",
                "Records put aside because they cannot be decoded or applied.",
            ),
        }
    }

    /// The meters of one client.
    pub fn client(&self, name: &'static str) -> ClientMeters {
        ClientMeters {
            name,
            brokers_up: self.brokers_up.with_label_values(&[name]),
            broker_rtt_seconds: self.broker_rtt_seconds.clone(),
            queue_records: self.queue_records.clone(),
            lag_records: self.lag_records.with_label_values(&[name]),
            sent: Total::new(self.sent_bytes.with_label_values(&[name])),
            received: Total::new(self.received_bytes.with_label_values(&[name])),
        }
    }
}

/// The meters of one client, which tells totals of its own life.
#[derive(Debug)]
pub struct ClientMeters {
    name: &'static str,
    brokers_up: IntGauge,
    broker_rtt_seconds: GaugeVec,
    queue_records: IntGauge,
    lag_records: IntGauge,
    sent: Total,
    received: Total,
}

impl ClientMeters {
    /// So many brokers are connected.
    pub fn brokers_up(&self, brokers: i64) {
        self.brokers_up.set(brokers);
    }

    /// A round trip to a broker takes so many microseconds.
    pub fn broker_rtt(&self, broker: i32, micros: i64) {
        let labels = [self.name, &broker.to_string()];
        self.broker_rtt_seconds.with_label_values(&labels).set(micros as f64 / 1e6);
    }

    /// So many records are under way.
    pub fn queue_records(&self, records: u64) {
        self.queue_records.set(i64::try_from(records).unwrap_or(i64::MAX));
    }

    /// So many records are there and were not read.
    pub fn lag(&self, records: i64) {
        self.lag_records.set(records);
    }

    /// So many bytes were sent and received since the client was made.
    pub fn bytes(&self, sent: i64, received: i64) {
        self.sent.reaches(sent);
        self.received.reaches(received);
    }
}

/// A counter that outlives the clients which tell their totals.
#[derive(Debug)]
struct Total {
    counter: IntCounter,
    reached: AtomicU64,
}

impl Total {
    fn new(counter: IntCounter) -> Self {
        Self { counter, reached: AtomicU64::new(0) }
    }

    fn reaches(&self, total: i64) {
        let total = u64::try_from(total).unwrap_or(0);
        let before = self.reached.fetch_max(total, Ordering::Relaxed);
        self.counter.inc_by(total.saturating_sub(before));
    }
}
