//! From a send on one node to the record at a reader on another, beside a bare librdkafka produce -> consume loop.
//! `KLATSCH_TEST_KAFKA=host:port cargo bench --bench cross_node`; the sides take turns against the same broker.

#[path = "support/bare_kafka.rs"]
mod bare_kafka;
#[expect(dead_code, reason = "this bench has open loads only")]
#[path = "support/load.rs"]
mod load;
#[path = "support/pair.rs"]
mod pair;
#[expect(dead_code, reason = "this bench reads no process")]
#[path = "support/server.rs"]
mod server;
#[path = "support/speaker.rs"]
mod speaker;

use std::io::{Write as _, stdout};
use std::time::Duration;

use clap::Parser as _;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::latency::Quantiles;

use crate::bare_kafka::BareKafka;
use crate::pair::Pair;

#[derive(clap::Parser)]
struct Args {
    /// The brokers, as `host:port`, several with commas between
    #[arg(long, env = "KLATSCH_TEST_KAFKA")]
    brokers: String,
    /// The database of both nodes; by default an SQLite file that they share
    #[arg(long, env = "KLATSCH_TEST_DATABASE_URL")]
    database: Option<String>,
    /// Messages a second, one comparison for each
    #[arg(long, default_values_t = [200.0, 2000.0])]
    rate: Vec<f64>,
    /// Rooms, each with a sender on one node and a reader on the other; the bare loop has as many partitions
    #[arg(long, default_value_t = 10)]
    rooms: u32,
    /// Seconds of each round; those before are not counted
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, default_value_t = 2)]
    warm_up: u64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    #[arg(long, default_value_t = 200)]
    body_bytes: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// One round of one side.
#[derive(Clone, Copy)]
struct Work {
    rate: f64,
    messages: u64,
    uncounted: Duration,
    body_bytes: usize,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    actix_rt::System::new().block_on(compare(&args))
}

async fn compare(args: &Args) -> anyhow::Result<()> {
    let mut out = stdout();
    let prefix = Guests::new()?.name("cross-node", 0);
    let bare = BareKafka::create(&args.brokers, &prefix, args.rooms).await?;
    let pair = Pair::start(&args.brokers, &prefix, args.database.clone(), args.rooms).await?;
    for rate in &args.rate {
        let work = args.work(*rate);
        writeln!(out, "{rate} messages/s in {} rooms, {} bytes", args.rooms, args.body_bytes)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..args.rounds {
            let round = pair.round(work).await?;
            writeln!(out, "  klatsch  {round}  ({} messages)", round.count)?;
            ours.push(round);
            let round = bare.round(work).await?;
            writeln!(out, "  bare     {round}  ({} messages)", round.count)?;
            theirs.push(round);
        }
        let figures: [(&str, fn(&Quantiles) -> f64); 2] = [("p50", |q| q.p50_ms), ("p99", |q| q.p99_ms)];
        for (name, figure) in figures {
            let (ours, theirs) = (median(&ours, figure), median(&theirs, figure));
            writeln!(out, "{name}: {ours:.2} against {theirs:.2} ms, {:.2}x (medians)", ours / theirs)?;
        }
    }
    Ok(())
}

impl Args {
    fn work(&self, rate: f64) -> Work {
        let messages = (rate * (self.seconds + self.warm_up) as f64) as u64;
        Work { rate, messages, uncounted: Duration::from_secs(self.warm_up), body_bytes: self.body_bytes }
    }
}

fn median(rounds: &[Quantiles], figure: fn(&Quantiles) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
