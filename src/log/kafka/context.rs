//! What a client of the brokers tells without being asked: lines, errors and statistics.
//! Not what it was asked for; records and their fates go elsewhere.

use std::sync::{Mutex, PoisonError};

use log::{Level, debug, log};
use rdkafka::{
    ClientContext, Statistics,
    config::RDKafkaLogLevel,
    consumer::ConsumerContext,
    error::{KafkaError, RDKafkaErrorCode},
    statistics::Partition,
};

use super::tuning::Purpose;
use crate::telemetry::{ClientMeters, Metrics};

/// The target of lines that come from librdkafka.
pub(super) const TARGET: &str = "klatsch::log::kafka";

/// The context of one client.
pub(super) struct Context {
    purpose: Purpose,
    metrics: Metrics,
    meters: Option<ClientMeters>,
    trouble: Mutex<Option<String>>,
}

impl Context {
    pub(super) fn new(purpose: Purpose, metrics: Metrics) -> Self {
        let meters = purpose.tells_statistics().then(|| metrics.kafka.client(purpose.name()));
        Self { purpose, metrics, meters, trouble: Mutex::new(None) }
    }

    /// What the client said last of why it reaches no broker.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn remember(&self, trouble: &str) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble.to_owned());
    }

    /// Where the node counts.
    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        // Why a broker is lost comes as an error, too, but its lines overtake errors, and there may be no end of them.
        if facility == "FAIL" && matches!(level, RDKafkaLogLevel::Error) {
            let reason = message.split_once("]: ").map_or(message, |(_, reason)| reason);
            self.remember(reason);
        }
        let level = match level {
            // It tells each client of the properties that somebody gave and that only the others need.
            _ if facility == "CONFWARN" => Level::Debug,
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => Level::Error,
            // A broker that is away is an error to librdkafka; here it is a reason outside the node.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => Level::Warn,
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => Level::Info,
            RDKafkaLogLevel::Debug => Level::Debug,
        };
        log!(target: TARGET, level, "{}: {facility}: {message}", self.purpose.name());
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // Its lines tell the same, and not as often.
        debug!(target: TARGET, "{}: {error}: {reason}", self.purpose.name());
        // That all are away is said after why the last of them is.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            self.remember(reason);
        }
    }

    fn stats(&self, statistics: Statistics) {
        let Some(meters) = &self.meters else { return };
        let mut up = 0;
        for broker in statistics.brokers.values().filter(|broker| broker.nodeid >= 0) {
            up += i64::from(broker.state == "UP");
            if let Some(rtt) = &broker.rtt {
                meters.broker_rtt(broker.nodeid, rtt.avg);
            }
        }
        meters.brokers_up(up);
        meters.bytes(statistics.tx_bytes, statistics.rx_bytes);
        if self.purpose == Purpose::Producer {
            meters.queue_records(statistics.msg_cnt);
        }
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        meters.lag(partitions.filter_map(lag).sum());
    }
}

impl ConsumerContext for Context {}

/// Records of a partition that is read which are there and were not read.
fn lag(partition: &Partition) -> Option<i64> {
    let is_read = partition.fetch_state == "active" && partition.app_offset >= 0;
    is_read.then(|| (partition.hi_offset - partition.app_offset).max(0))
}
