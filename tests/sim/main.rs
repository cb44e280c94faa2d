//! The simulation: whole clusters in one thread, on a virtual clock, log and database; a seed decides everything.
//! No sockets, brokers or processes; what is pure in the product runs here as it is, among everything that can fail.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "in a test a panic and a print are the report; the exemption for tests does not reach their helpers"
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
mod talk;
mod tally;
mod truth;
mod update;
mod virtual_database;
mod virtual_log;

use std::{
    env,
    ops::Range,
    panic,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use cluster::{Cluster, Trace, Verdict};
use sabotage::Sabotage;
use tally::{Happening, Tally};

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
    let panicked = || Verdict { fault: Some("it panicked".to_owned()), ..Verdict::default() };
    panic::catch_unwind(run).unwrap_or_else(|_| panicked())
}

/// What came of many seeds.
#[derive(Default)]
struct Outcome {
    faults: Vec<(u64, String)>,
    records: u64,
    events: u64,
    tally: Tally,
}

/// Tries seeds on all processors, until enough of them have a fault.
fn try_seeds(seeds: Range<u64>, sabotage: Option<Sabotage>, enough: usize) -> Outcome {
    let next = AtomicU64::new(seeds.start);
    let outcome = Mutex::new(Outcome::default());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end || outcome.lock().unwrap().faults.len() >= enough {
                return;
            }
            let verdict = run(seed, sabotage, Trace::Off);
            let mut outcome = outcome.lock().unwrap();
            outcome.records += verdict.records;
            outcome.events += verdict.events;
            outcome.tally.add(&verdict.tally);
            outcome.faults.extend(verdict.fault.map(|fault| (seed, fault)));
        }
    };
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| (0..workers).for_each(|_| drop(scope.spawn(work))));
    let mut outcome = outcome.into_inner().unwrap();
    outcome.faults.sort();
    outcome
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
    let Outcome { faults, records, events, tally } = try_seeds(from..from + count, None, 10);
    println!("{count} seeds: {events} events, {records} records, {} faults", faults.len());
    for happening in Happening::ALL {
        println!("{:>9} {happening:?}", tally.of(happening));
    }
    for (seed, fault) in &faults {
        println!("KLATSCH_SIM_SEED={seed} cargo test --test sim no_fault -- --nocapture   # {fault}");
    }
    assert!(faults.is_empty(), "{} seeds broke a promise", faults.len());
    if count >= SUSPICIOUS {
        let never = Happening::ALL.into_iter().filter(|happening| tally.of(*happening) == 0);
        assert_eq!(never.collect::<Vec<_>>(), [], "that never happened");
    }
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
        let outcome = try_seeds(0..SUSPICIOUS, Some(sabotage), 1);
        match outcome.faults.first() {
            Some((seed, fault)) => println!("{sabotage:?}: seed {seed}: {fault}"),
            None => unnoticed.push(sabotage),
        }
    }
    assert!(unnoticed.is_empty(), "{unnoticed:?} broke nothing that is judged");
}
