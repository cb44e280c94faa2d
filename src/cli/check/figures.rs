//! The figures of a check beside its verdict: how much was done, how long it took, what was refused and cut.
//! Only adds up; what it means `report` leaves to its reader.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::latency::{Latency, Quantiles};

/// What all clients counted.
#[derive(Default)]
pub(super) struct Figures {
    /// Messages sent at least once.
    pub(super) sends: u64,
    /// Further attempts at them, after refusals and cuts and on purpose.
    pub(super) repeats: u64,
    /// Messages acknowledged.
    pub(super) acked: u64,
    /// Records that came, live or replayed.
    pub(super) deliveries: u64,
    /// Refusals of any request, by code.
    pub(super) refusals: BTreeMap<String, u64>,
    /// Connections that ended, by close code or what else ended them.
    pub(super) reconnects: BTreeMap<String, u64>,
    /// Connections that could not be made.
    pub(super) failed_connects: u64,
    /// From the first attempt to the acknowledgement.
    pub(super) ack: Latency,
    /// From the first attempt to a live record at a reader on the same node.
    pub(super) delivery: Latency,
    /// The same on another node.
    pub(super) cross_delivery: Latency,
}

/// The figures as a report has them.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    pub(super) sends: u64,
    pub(super) repeats: u64,
    pub(super) acked: u64,
    pub(super) deliveries: u64,
    pub(super) refusals: BTreeMap<String, u64>,
    pub(super) reconnects: BTreeMap<String, u64>,
    pub(super) failed_connects: u64,
    pub(super) ack: Quantiles,
    pub(super) delivery: Quantiles,
    pub(super) cross_delivery: Quantiles,
}

impl Figures {
    /// Counts a refusal.
    pub(super) fn refusal(&mut self, code: &str) {
        *self.refusals.entry(code.to_owned()).or_default() += 1;
    }

    /// Counts the end of a connection.
    pub(super) fn reconnect(&mut self, why: String) {
        *self.reconnects.entry(why).or_default() += 1;
    }

    /// The figures so far.
    pub(super) fn summary(&self) -> Summary {
        Summary {
            sends: self.sends,
            repeats: self.repeats,
            acked: self.acked,
            deliveries: self.deliveries,
            refusals: self.refusals.clone(),
            reconnects: self.reconnects.clone(),
            failed_connects: self.failed_connects,
            ack: self.ack.quantiles(),
            delivery: self.delivery.quantiles(),
            cross_delivery: self.cross_delivery.quantiles(),
        }
    }
}
