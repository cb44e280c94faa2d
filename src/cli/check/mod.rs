//! `klatsch check`: clients use a cluster while somebody breaks it, and what they saw is judged.
//! A client through and through: nothing here uses the server's own code.

mod dice;
mod entry;
pub mod evidence;
mod field;
mod figures;
pub mod judge;
mod line;
mod notes;
mod reader;
mod report;
mod run;
mod service;
mod settle;
mod streamer;
mod talker;

use std::io::{Write as _, stdout};
use std::process::ExitCode;

use self::report::Report;
use super::client::socket::ServerAddress;

/// The check could not be made, or says too little.
const INCONCLUSIVE: u8 = 2;

/// Who does what, where and for how long.
#[derive(Debug, clap::Args)]
pub struct CheckArgs {
    /// A node, as `http://host:port`; give it once for each node
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: Vec<ServerAddress>,
    /// Rooms; half of them are made at the start, the others during the first third
    #[arg(long, default_value_t = 50, value_parser = at_least_one)]
    rooms: usize,
    /// Clients who send and read, in turn in the rooms and on the nodes
    #[arg(long, default_value_t = 200, value_parser = at_least_one)]
    clients: usize,
    /// Further clients who only read, by server-sent events; by default one in each room
    #[arg(long)]
    streams: Option<usize>,
    /// How long clients send
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Messages a second, of all clients together
    #[arg(long, default_value_t = 200.0, value_parser = positive)]
    rate: f64,
    /// Seconds, more or less, after which a client moves to another node by itself; 0 is never
    #[arg(long, default_value_t = 20)]
    roam: u64,
    /// Seconds that everything may take to settle after the last send
    #[arg(long, default_value_t = 60)]
    settle: u64,
    /// Repeats the choices of another check; by default a random one, which is reported
    #[arg(long)]
    seed: Option<u64>,
    /// Examples of each anomaly
    #[arg(long, default_value_t = 5)]
    examples: usize,
    /// Prints the report as JSON
    #[arg(long)]
    json: bool,
    /// Says every second, on standard error, how it goes
    #[arg(long)]
    progress: bool,
}

impl CheckArgs {
    fn streams(&self) -> usize {
        self.streams.unwrap_or(self.rooms)
    }
}

/// Runs the check and prints its report: exit code 0 without an anomaly, 1 with one, 2 if it could not be made or
/// not everything settled.
pub fn run(args: &CheckArgs) -> ExitCode {
    let report = match actix_rt::System::new().block_on(run::run(args)) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("klatsch: {error:#}");
            return INCONCLUSIVE.into();
        }
    };
    if let Err(error) = print(args, &report) {
        eprintln!("klatsch: cannot print the report: {error:#}");
        return INCONCLUSIVE.into();
    }
    match (report.anomalies, report.unsettled.is_empty()) {
        (0, true) => ExitCode::SUCCESS,
        (0, false) => INCONCLUSIVE.into(),
        _ => ExitCode::FAILURE,
    }
}

fn print(args: &CheckArgs, report: &Report) -> anyhow::Result<()> {
    let text = if args.json { serde_json::to_string_pretty(report)? + "\n" } else { report.to_string() };
    Ok(stdout().lock().write_all(text.as_bytes())?)
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be a number above 0".to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0".to_owned())
}
