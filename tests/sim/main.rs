//! The simulation: whole clusters in one thread, on a virtual clock, log and database; a seed decides everything.
//! No sockets, brokers or processes; what is pure in the product runs here as it is, among everything that can fail.
#![expect(
    clippy::print_stdout,
    reason = "in a test a print is the report; the exemption for tests does not reach their helpers"
)]

mod chance;
mod client;
mod cluster;
mod judge;
mod node;
mod plan;
mod room;
mod sabotage;
mod saving;
mod schedule;
mod virtual_database;
mod virtual_log;

use std::{
    env, panic,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use cluster::{Cluster, Trace, Verdict};
use sabotage::Sabotage;

/// Seeds that are tried unless `KLATSCH_SIM_SEEDS` says how many.
const SEEDS: u64 = 2_000;

/// Seeds within which every sabotage is noticed.
const SUSPICIOUS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a number, not {text:?}")))
}

/// Runs a seed; a panic is a fault too.
fn run(seed: u64, sabotage: Option<Sabotage>, trace: Trace) -> Verdict {
    let run = || Cluster::new(seed, sabotage, trace).run();
    panic::catch_unwind(run).unwrap_or_else(|_| Verdict {
        fault: Some("it panicked".to_owned()),
        records: 0,
        events: 0,
        digest: 0,
    })
}

/// Tries seeds on all processors; gives those with a fault, and how many records and events there were.
fn try_seeds(seeds: std::ops::Range<u64>) -> (Vec<(u64, String)>, u64, u64) {
    let next = AtomicU64::new(seeds.start);
    let (records, events) = (AtomicU64::new(0), AtomicU64::new(0));
    let faults = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end || faults.lock().unwrap().len() >= 10 {
                        return;
                    }
                    let verdict = run(seed, None, Trace::Off);
                    records.fetch_add(verdict.records, Ordering::Relaxed);
                    events.fetch_add(verdict.events, Ordering::Relaxed);
                    if let Some(fault) = verdict.fault {
                        faults.lock().unwrap().push((seed, fault));
                    }
                }
            });
        }
    });
    (faults.into_inner().unwrap(), records.into_inner(), events.into_inner())
}

/// D1, D2, D3, D4 and D7, whatever fails: `KLATSCH_SIM_SEED` replays one seed and prints all that happens in it,
/// `KLATSCH_SIM_SEEDS` says how many seeds are tried, `KLATSCH_SIM_FROM` with which one that begins.
#[test]
fn no_fault_of_nodes_brokers_and_databases_breaks_a_promise() {
    if let Some(seed) = number("KLATSCH_SIM_SEED") {
        let verdict = run(seed, None, Trace::Print);
        assert_eq!(verdict.fault, None, "seed {seed}");
        return;
    }
    let from = number("KLATSCH_SIM_FROM").unwrap_or(0);
    let count = number("KLATSCH_SIM_SEEDS").unwrap_or(SEEDS);
    let (mut faults, records, events) = try_seeds(from..from + count);
    faults.sort();
    println!("{count} seeds: {events} events, {records} records, {} faults", faults.len());
    for (seed, fault) in &faults {
        println!("KLATSCH_SIM_SEED={seed} cargo test --test sim   # {fault}");
    }
    assert!(faults.is_empty(), "{} seeds broke a promise", faults.len());
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..20 {
        let run = || run(seed, None, Trace::Digest(0xcbf2_9ce4_8422_2325));
        assert_eq!(run(), run(), "seed {seed}");
    }
}

#[test]
fn every_sabotage_is_noticed() {
    let mut unnoticed = Vec::new();
    for sabotage in Sabotage::ALL {
        let noticed =
            (0..SUSPICIOUS).find_map(|seed| Some((seed, run(seed, Some(sabotage), Trace::Off).fault?)));
        match noticed {
            Some((seed, fault)) => println!("{sabotage:?}: seed {seed}: {fault}"),
            None => unnoticed.push(sabotage),
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?} broke nothing that is judged");
}
