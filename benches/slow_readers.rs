//! A thousand members, a hundred of whom never read: how fast are the others served, beside a run in which all read?
//! `cargo bench --bench slow_readers`; A and B alternate, each on a fresh server.

#[expect(dead_code, reason = "this bench has open loads only")]
#[path = "support/load.rs"]
mod load;
#[path = "support/server.rs"]
mod server;
#[path = "support/speaker.rs"]
mod speaker;
#[path = "support/swarm.rs"]
mod swarm;

use std::io::{Write as _, stdout};

use anyhow::ensure;
use clap::Parser as _;
use klatsch::cli::bench::process::Memory;
use klatsch::cli::client::api::Api;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::latency::Quantiles;

use crate::load::Load;
use crate::server::Server;
use crate::speaker::Speaker;
use crate::swarm::{Habit, Swarm};

#[derive(clap::Parser)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// All members
    #[arg(long, default_value_t = 1000)]
    members: u64,
    /// Those who never read
    #[arg(long, default_value_t = 100)]
    slow: u64,
    /// Those of the others whose delivery times are taken
    #[arg(long, default_value_t = 100)]
    judges: u64,
    #[arg(long, default_value_t = 25.0)]
    rate: f64,
    #[arg(long, default_value_t = 1000)]
    messages: u64,
    /// Large, so that what nobody reads soon exceeds what a kernel takes
    #[arg(long, default_value_t = 8000)]
    body_bytes: usize,
    /// The server's `socket.send_buffer_bytes`
    #[arg(long, default_value_t = 0)]
    send_buffer_bytes: u64,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The process that this program starts of itself.
#[derive(clap::Subcommand)]
enum Part {
    #[command(hide = true)]
    Swarm(swarm::SwarmArgs),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    actix_rt::System::new().block_on(async {
        match &args.part {
            Some(Part::Swarm(swarm)) => swarm::live(swarm).await,
            None => compare(&args).await,
        }
    })
}

async fn compare(args: &Args) -> anyhow::Result<()> {
    let mut out = stdout();
    let Args { members, slow, rate, messages, body_bytes, .. } = args;
    writeln!(out, "{members} members, {messages} messages of {body_bytes} bytes at {rate}/s")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let round = Round::run(args, Habit::Reading).await?;
        writeln!(out, "  all read      {}; {}", round.delivery, round.memory)?;
        without.push(round.delivery.p99_ms);
        let round = Round::run(args, Habit::Deaf).await?;
        writeln!(out, "  {slow} do not    {}; {}, {} closed", round.delivery, round.memory, round.ended)?;
        with.push(round.delivery.p99_ms);
    }
    writeln!(out, "p99 of the others: {:.2}x (medians)", median(&mut with) / median(&mut without))?;
    Ok(())
}

/// What one run on a fresh server showed.
struct Round {
    delivery: Quantiles,
    memory: Memory,
    ended: u64,
}

impl Round {
    /// Runs once; `habit` is that of the members in question, the others read.
    async fn run(args: &Args, habit: Habit) -> anyhow::Result<Self> {
        let mut server =
            Server::spawn(&[("KLATSCH__SOCKET__SEND_BUFFER_BYTES", args.send_buffer_bytes.to_string())])?;
        server.listening().await?;
        let guests = Guests::new()?;
        let host = guests.guest(0)?;
        let room = Api::sign_up(&server.address, &host).await?.create_room(&guests.name("slow", 0)).await?;
        let address = server.address.authority();
        let others = args.members - args.slow;
        let mut others = Swarm::spawn(address, Some(&room), others, args.judges, Habit::Reading)?;
        let mut in_question = Swarm::spawn(address, Some(&room), args.slow, 0, habit)?;
        let mut speaker = Speaker::join(&server.address, &host, &room, args.body_bytes).await?;
        others.quiet().await?;
        others.mark()?;
        Load::Open(args.rate).drive(&mut speaker, args.messages).await?;
        let seen = others.quiet().await?;
        ensure!(seen.faults.is_clean() && seen.ended == 0, "the others were not served: {seen:?}");
        let memory = server.process.memory()?;
        Ok(Self { delivery: seen.delivery, memory, ended: in_question.quiet().await?.ended })
    }
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
