//! The metrics of a node, as typed fields that cost one atomic operation to move.
//! Nothing is measured here: who does the work observes it.

use std::{ops::Deref, sync::Arc};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
    core::Collector, exponential_buckets,
};

use super::{kafka::KafkaMeters, process::ProcessCollector, saver::SaverMeters};

/// All metrics of one node, shared: a clone costs one reference count.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Meters>);

/// The metrics themselves. Times are in seconds, sizes in bytes.
#[derive(Debug)]
pub struct Meters {
    registry: Registry,
    /// `klatsch_connections{transport}`: clients connected now.
    pub connections: Connections,
    /// `klatsch_rooms_awake`: rooms held in memory.
    pub rooms_awake: IntGauge,
    /// `klatsch_members`: subscriptions of connected clients to rooms.
    pub members: IntGauge,
    /// `klatsch_records_appended_total{kind}`: records made durable. Resolve a child once for each kind.
    pub records_appended: IntCounterVec,
    /// `klatsch_deliveries_total`: records handed to clients, one for each client and record.
    pub deliveries: IntCounter,
    /// `klatsch_append_seconds`: from a room's decision to the record being durable.
    pub append_seconds: Histogram,
    /// `klatsch_delivery_seconds`: from records being durable to their hand-over to all connections of a worker.
    pub delivery_seconds: Histogram,
    /// `klatsch_outbox_bytes`: bytes that wait for clients, over all of them.
    pub outbox_bytes: IntGauge,
    /// `klatsch_evictions_total`: clients closed because they read too slowly.
    pub evictions: IntCounter,
    /// `klatsch_stomp_nacks_total`: deliveries that STOMP clients did not consume.
    pub stomp_nacks: IntCounter,
    /// `klatsch_writer_batch_records`: records in one transaction of the DB-writer.
    pub writer_batch_records: Histogram,
    /// `klatsch_writer_batch_seconds`: what such a transaction took.
    pub writer_batch_seconds: Histogram,
    /// `klatsch_kafka_…`: the clients of the Kafka log.
    pub kafka: KafkaMeters,
    /// `klatsch_saver_…`: what stores the Kafka log.
    pub saver: SaverMeters,
    /// `klatsch_floods_total`: sessions closed because they asked on and on.
    pub floods: IntCounter,
    /// `klatsch_limit_keys`: addresses and users that limits remember.
    pub limit_keys: IntGauge,
    limited: IntCounterVec,
    refusals: IntCounterVec,
    http_requests: IntCounterVec,
}

/// `klatsch_connections`, one gauge for each transport.
#[derive(Debug)]
pub struct Connections {
    /// Native WebSockets.
    pub websocket: IntGauge,
    /// Streams of server-sent events.
    pub sse: IntGauge,
    /// Requests that wait for a record (long polling).
    pub poll: IntGauge,
    /// SockJS sessions over HTTP.
    pub sockjs: IntGauge,
}

impl Metrics {
    /// Fresh metrics with a registry of their own, all at zero.
    pub fn new() -> Self {
        let registry = Registry::new();
        let register = Register(&registry);
        register.own(ProcessCollector::new());
        register
            .gauges("klatsch_build_info", "The version that runs; always 1.", "version")
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let connections =
            register.gauges("klatsch_connections", "Clients connected now, by transport.", "transport");
        let latencies = || buckets(0.000_1, 2.0, 18);
        Self(Arc::new(Meters {
            connections: Connections {
                websocket: connections.with_label_values(&["websocket"]),
                sse: connections.with_label_values(&["sse"]),
                poll: connections.with_label_values(&["poll"]),
                sockjs: connections.with_label_values(&["sockjs"]),
            },
            rooms_awake: register.gauge("klatsch_rooms_awake", "Rooms held in memory."),
            members: register.gauge("klatsch_members", "Subscriptions of connected clients to rooms."),
            records_appended: register.counters(
                "klatsch_records_appended_total",
                "Records made durable, by kind.",
                &["kind"],
            ),
            deliveries: register.counter(
                "klatsch_deliveries_total",
                "Records handed to clients, one for each client and record.",
            ),
            append_seconds: register.histogram(
                "klatsch_append_seconds",
                "From a room's decision to the record being durable.",
                latencies(),
            ),
            delivery_seconds: register.histogram(
                "klatsch_delivery_seconds",
                "From records being durable to their hand-over to all connections of a worker, once a batch.",
                latencies(),
            ),
            outbox_bytes: register
                .gauge("klatsch_outbox_bytes", "Bytes that wait for clients, over all of them."),
            evictions: register
                .counter("klatsch_evictions_total", "Clients closed because they read too slowly."),
            stomp_nacks: register
                .counter("klatsch_stomp_nacks_total", "Deliveries that STOMP clients did not consume."),
            writer_batch_records: register.histogram(
                "klatsch_writer_batch_records",
                "Records in one transaction of the DB-writer.",
                buckets(1.0, 2.0, 14),
            ),
            writer_batch_seconds: register.histogram(
                "klatsch_writer_batch_seconds",
                "What one transaction of the DB-writer took.",
                latencies(),
            ),
            kafka: KafkaMeters::new(&register),
            saver: SaverMeters::new(&register),
            floods: register.counter("klatsch_floods_total", "Sessions closed because they asked on and on."),
            limit_keys: register.gauge("klatsch_limit_keys", "Addresses and users that limits remember."),
            limited: register.counters(
                "klatsch_limited_total",
                "Requests that a limit refused, over every surface, by limit.",
                &["limit"],
            ),
            refusals: register.counters(
                "klatsch_refusals_total",
                "Requests refused, over every surface, by code.",
                &["code"],
            ),
            http_requests: register.counters(
                "klatsch_http_requests_total",
                "HTTP requests answered, by route, method and status.",
                &["route", "method", "status"],
            ),
            registry,
        }))
    }

    /// Counts a request that was refused with `code`, a name of the table of codes.
    pub fn refused(&self, code: &str) {
        self.refusals.with_label_values(&[code]).inc();
    }

    /// Counts a request that was too much for a limit of this name.
    pub fn limited(&self, limit: &str) {
        self.limited.with_label_values(&[limit]).inc();
    }

    /// Counts an answered HTTP request. `route` is the pattern, never the path: what people write must not
    /// make series.
    pub fn http_answered(&self, route: &str, method: &str, status: u16) {
        let status = status.to_string();
        self.http_requests.with_label_values(&[route, method, &status]).inc();
    }

    /// All metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .expect("metrics that are registered have names and samples")
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Metrics {
    type Target = Meters;

    fn deref(&self) -> &Meters {
        &self.0
    }
}

/// `count` bounds from `first`, each `factor` times the one before.
pub(super) fn buckets(first: f64, factor: f64, count: usize) -> Vec<f64> {
    exponential_buckets(first, factor, count).expect("bounds that start above zero and grow")
}

/// Makes metrics and registers them.
pub(super) struct Register<'a>(&'a Registry);

impl Register<'_> {
    pub(super) fn own<M: Collector + Clone + 'static>(&self, metric: M) -> M {
        self.0.register(Box::new(metric.clone())).expect("no two metrics of this list share a name");
        metric
    }

    pub(super) fn counter(&self, name: &str, help: &str) -> IntCounter {
        self.own(IntCounter::new(name, help).expect("the name is valid"))
    }

    pub(super) fn counters(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        self.own(IntCounterVec::new(Opts::new(name, help), labels).expect("the names are valid"))
    }

    pub(super) fn gauge(&self, name: &str, help: &str) -> IntGauge {
        self.own(IntGauge::new(name, help).expect("the name is valid"))
    }

    pub(super) fn gauges(&self, name: &str, help: &str, label: &str) -> IntGaugeVec {
        self.own(IntGaugeVec::new(Opts::new(name, help), &[label]).expect("the names are valid"))
    }

    pub(super) fn histogram(&self, name: &str, help: &str, bounds: Vec<f64>) -> Histogram {
        let options = HistogramOpts::new(name, help).buckets(bounds);
        self.own(Histogram::with_opts(options).expect("the name and the bounds are valid"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_observed_is_rendered() {
        let metrics = Metrics::new();
        metrics.connections.websocket.inc();
        metrics.records_appended.with_label_values(&["message"]).inc_by(3);
        metrics.append_seconds.observe(0.000_3);
        metrics.refused("rate_limited");
        metrics.http_answered("/api/rooms/{id}", "GET", 200);
        let text = metrics.render();
        for line in [
            "klatsch_connections{transport=\"websocket\"} 1",
            "klatsch_connections{transport=\"sse\"} 0",
            "klatsch_records_appended_total{kind=\"message\"} 3",
            "klatsch_append_seconds_bucket{le=\"0.0004\"} 1",
            "klatsch_refusals_total{code=\"rate_limited\"} 1",
            "klatsch_http_requests_total{method=\"GET\",route=\"/api/rooms/{id}\",status=\"200\"} 1",
            concat!("klatsch_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        ] {
            assert!(text.lines().any(|rendered| rendered == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn two_nodes_in_one_process_do_not_share_metrics() {
        let (one, other) = (Metrics::new(), Metrics::new());
        one.deliveries.inc();
        assert_eq!(other.deliveries.get(), 0);
    }
}
