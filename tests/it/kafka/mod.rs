//! Clusters on Apache Kafka while their parts are killed, stopped and frozen, judged by `klatsch check` and `verify`.
//! What one node promises by itself is tested elsewhere.

mod brokers;
mod compare;
mod lobby;
mod nodes;
mod partitions;
mod poison;
mod recovery;
mod security;
mod sessions;
mod stomp;
mod storing;
mod tools;

use std::time::Duration;

use crate::support::cluster::{Check, Cluster};

/// Whether the whole figures are asked for, which take half an hour: `KLATSCH_TEST_FULL=1`.
fn full() -> bool {
    std::env::var("KLATSCH_TEST_FULL").as_deref() == Ok("1")
}

/// The figure that is asked for.
fn figure<T>(short: T, whole: T) -> T {
    if full() { whole } else { short }
}

/// Lets time pass, in which something is away or all is well.
async fn outage(short_s: u64, whole_s: u64) {
    tokio::time::sleep(Duration::from_secs(figure(short_s, whole_s))).await;
}

/// The load of most tests.
fn load(cluster: &Cluster, short_s: u32, whole_s: u32) -> Check {
    cluster.check(figure(16, 200), figure(6, 50), figure(short_s, whole_s))
}
