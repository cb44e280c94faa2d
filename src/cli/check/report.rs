//! The report of a check: for people as text, for programs as JSON.
//! Only presents; the verdict is the judge's.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::field::Field;
use super::figures::Summary;
use super::judge::Findings;
use crate::cli::latency::Quantiles;

/// Everything a check found out.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) seed: u64,
    pub(super) nodes: usize,
    pub(super) rooms: usize,
    pub(super) clients: usize,
    pub(super) streams: usize,
    pub(super) records: u64,
    #[serde(flatten)]
    pub(super) figures: Summary,
    pub(super) longest_without_service_ms: u128,
    pub(super) longest_reconnect_ms: u128,
    pub(super) longest_wait_for_ack_ms: u128,
    pub(super) anomalies: u64,
    pub(super) findings: Findings,
    pub(super) unsettled: Vec<String>,
}

impl Report {
    /// The longest of all clients' waits, for a connection and for an acknowledgement.
    pub(super) fn longest_waits(field: &Field) -> (u128, u128) {
        let states = field.states.borrow();
        let longest = |of: fn(&super::service::Service) -> std::time::Duration| {
            states.iter().map(|state| of(&state.service)).max().unwrap_or_default().as_millis()
        };
        (longest(super::service::Service::longest_cut), longest(super::service::Service::longest_wait))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, nodes, rooms, clients, streams, records, figures, .. } = self;
        writeln!(
            f,
            "{clients} clients and {streams} streams in {rooms} rooms on {nodes} nodes, seed {seed}"
        )?;
        writeln!(f)?;
        write_figures(f, figures, *records)?;
        writeln!(
            f,
            "without service          at most {} ms: {} ms to reconnect, {} ms to an ack",
            self.longest_without_service_ms, self.longest_reconnect_ms, self.longest_wait_for_ack_ms
        )?;
        writeln!(f)?;
        write!(f, "{}", self.findings)?;
        writeln!(f)?;
        for reason in self.unsettled.iter().take(10) {
            writeln!(f, "not settled: {reason}")?;
        }
        match self.anomalies {
            0 if self.unsettled.is_empty() => writeln!(f, "no anomalies"),
            0 => writeln!(f, "no anomalies so far, but not everything settled: {}", self.unsettled.len()),
            count => writeln!(f, "{count} anomalies"),
        }
    }
}

fn write_figures(f: &mut fmt::Formatter<'_>, figures: &Summary, records: u64) -> fmt::Result {
    let Summary { sends, repeats, acked, deliveries, failed_connects, .. } = figures;
    writeln!(f, "sends                    {sends}, {acked} acknowledged, {repeats} repeats")?;
    writeln!(f, "records                  {records}, delivered {deliveries} times")?;
    writeln!(f, "send -> ack              {}", timed(&figures.ack))?;
    writeln!(f, "send -> same node        {}", timed(&figures.delivery))?;
    writeln!(f, "send -> another node     {}", timed(&figures.cross_delivery))?;
    writeln!(f, "refusals                 {}", listed(&figures.refusals))?;
    writeln!(
        f,
        "reconnects               {}; {failed_connects} attempts in vain",
        listed(&figures.reconnects)
    )
}

fn timed(quantiles: &Quantiles) -> String {
    if quantiles.count == 0 { "-".to_owned() } else { quantiles.to_string() }
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let parts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} x {count}")).collect();
    parts.join(", ")
}
