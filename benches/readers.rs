//! Five hundred readers of one room over sockets, server-sent events and long polling: when do they have a message?
//! `cargo bench --bench readers`; the transports take turns, each on a fresh server.

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
use std::time::Duration;

use anyhow::ensure;
use clap::Parser as _;
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
    #[arg(long, default_value_t = 500)]
    readers: u64,
    /// Messages a second
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    #[arg(long, default_value_t = 200)]
    messages: u64,
    #[arg(long, default_value_t = 200)]
    body_bytes: usize,
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

/// What the readers read over.
const TRANSPORTS: [(&str, Habit); 3] =
    [("sockets", Habit::Reading), ("events", Habit::Streaming), ("polling", Habit::Polling)];

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
    let Args { readers, rate, messages, body_bytes, .. } = args;
    writeln!(out, "{readers} readers, {messages} messages of {body_bytes} bytes at {rate}/s")?;
    let mut p99 = [const { Vec::new() }; TRANSPORTS.len()];
    for _ in 0..args.rounds {
        for ((name, habit), rounds) in TRANSPORTS.iter().zip(&mut p99) {
            let (delivery, cpu) = round(args, *habit).await?;
            writeln!(out, "  {name:8} {delivery}; server {:.2} ms CPU a message", cpu / *messages as f64)?;
            rounds.push(delivery.p99_ms);
        }
    }
    let [sockets, events, polling] = p99.map(median);
    writeln!(
        out,
        "p99 of events: {:.2}x, of polling: {:.2}x (medians)",
        events / sockets,
        polling / sockets
    )?;
    Ok(())
}

/// When the readers had the messages, and the server's CPU time in milliseconds.
async fn round(args: &Args, habit: Habit) -> anyhow::Result<(Quantiles, f64)> {
    const SETTLING: Duration = Duration::from_secs(1);
    let mut server = Server::spawn(&[])?;
    server.listening().await?;
    let guests = Guests::new()?;
    let host = guests.guest(0)?;
    let room = Api::sign_up(&server.address, &host).await?.create_room(&guests.name("readers", 0)).await?;
    let mut speaker = Speaker::join(&server.address, &host, &room, args.body_bytes).await?;
    let authority = server.address.authority();
    let mut swarm = Swarm::spawn(authority, Some(&room), args.readers, args.readers, habit)?;
    // Those who poll begin to ask once they were told that all are there.
    tokio::time::sleep(SETTLING).await;
    swarm.mark()?;
    let before = server.process.cpu()?;
    Load::Open(args.rate).drive(&mut speaker, args.messages).await?;
    let seen = swarm.quiet().await?;
    let cpu = server.process.cpu()?.saturating_sub(before);
    ensure!(seen.faults.is_clean() && seen.ended == 0, "not all were served: {seen:?}");
    let expected = args.readers * args.messages;
    ensure!(seen.delivery.count == expected, "{} of {expected} were delivered", seen.delivery.count);
    Ok((seen.delivery, cpu.as_secs_f64() * 1e3))
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
