//! The report of a chat run: for people as a table, for programs as JSON.
//! Only presents; the verdict is the ledger's and the counts are the tally's.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::ledger::Faults;
use super::process::Memory;
use super::tally::Tally;
use crate::cli::latency::Quantiles;

/// Everything a chat run found out.
#[derive(Debug, Serialize)]
pub(super) struct ChatReport {
    users: u64,
    rooms: u64,
    pub(super) messages: u64,
    deliveries: u64,
    replayed: u64,
    repeated: u64,
    refused: u64,
    drops: u64,
    pub(super) messages_per_s: f64,
    deliveries_per_s: f64,
    pub(super) response: Quantiles,
    pub(super) delivery: Quantiles,
    #[serde(flatten)]
    pub(super) faults: Faults,
    refusals: BTreeMap<String, u64>,
    cuts: BTreeMap<u16, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<Cost>,
}

/// What the run cost the server's process.
#[derive(Debug, Serialize)]
pub(super) struct Cost {
    cpu_us_per_message: f64,
    cpu_us_per_delivery: f64,
    cpu_s: f64,
    #[serde(flatten)]
    memory: Memory,
}

impl ChatReport {
    /// Puts the counts and the verdict of a run together.
    pub(super) fn new(users: u64, rooms: u64, tally: &Tally, faults: Faults, server: Option<Cost>) -> Self {
        Self {
            users,
            rooms,
            messages: tally.acked,
            deliveries: tally.deliveries,
            replayed: tally.replayed,
            repeated: tally.repeated,
            refused: tally.refused,
            drops: tally.drops,
            messages_per_s: per_second(tally.acked, tally.last_ack),
            deliveries_per_s: per_second(tally.deliveries, tally.last_delivery),
            response: tally.response.quantiles(),
            delivery: tally.delivery.quantiles(),
            faults,
            refusals: tally.refusals.clone(),
            cuts: tally.cuts.clone(),
            server,
        }
    }

    /// Whether every record reached every member once and in order.
    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_clean()
    }
}

impl Cost {
    /// Spreads processor time over what was done with it.
    pub(super) fn new(cpu: Duration, messages: u64, deliveries: u64, memory: Memory) -> Self {
        let microseconds = cpu.as_secs_f64() * 1e6;
        Self {
            cpu_us_per_message: microseconds / messages.max(1) as f64,
            cpu_us_per_delivery: microseconds / deliveries.max(1) as f64,
            cpu_s: cpu.as_secs_f64(),
            memory,
        }
    }
}

impl fmt::Display for ChatReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Faults { lost, duplicated, reordered } = self.faults;
        writeln!(f, "members     {} in {} rooms", self.users, self.rooms)?;
        writeln!(f, "messages    {}  ({:.0}/s)", self.messages, self.messages_per_s)?;
        writeln!(
            f,
            "deliveries  {}  ({:.0}/s), {} by resume",
            self.deliveries, self.deliveries_per_s, self.replayed
        )?;
        writeln!(f, "response    {}", self.response)?;
        writeln!(f, "delivery    {}", self.delivery)?;
        writeln!(f, "faults      {lost} lost, {duplicated} duplicated, {reordered} reordered")?;
        writeln!(f, "sockets     {} dropped, ended by the server: {}", self.drops, listed(&self.cuts))?;
        writeln!(
            f,
            "refusals    {}; {} for good, {} sends repeated",
            listed(&self.refusals),
            self.refused,
            self.repeated
        )?;
        match &self.server {
            Some(cost) => write!(f, "{cost}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu_us_per_message, cpu_us_per_delivery, cpu_s, memory } = self;
        writeln!(
            f,
            "server CPU  {cpu_us_per_message:.1} us a message, {cpu_us_per_delivery:.2} us a delivery, {cpu_s:.2} s"
        )?;
        writeln!(f, "memory      {memory}")
    }
}

fn per_second(count: u64, during: Duration) -> f64 {
    if during.is_zero() { 0.0 } else { count as f64 / during.as_secs_f64() }
}

fn listed<K: fmt::Display>(counts: &BTreeMap<K, u64>) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let parts: Vec<_> = counts.iter().map(|(name, count)| format!("{name} x {count}")).collect();
    parts.join(", ")
}
