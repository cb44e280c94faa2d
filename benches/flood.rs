//! A room at a steady rate, with the limits that a node has by default: how fast is it served while somebody floods
//! from another address, beside the same room in peace? `cargo bench --bench flood`; each on a fresh server, in turns.

#[path = "support/flooder.rs"]
mod flooder;
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
use klatsch::cli::bench::process::Memory;
use klatsch::cli::client::api::Api;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::latency::Quantiles;

use crate::flooder::{Flood, FloodReport, Flooder};
use crate::load::Load;
use crate::server::Server;
use crate::speaker::Speaker;
use crate::swarm::{Habit, Swarm};

/// A flood runs so long before times are taken: its first burst is let through, and is no part of the steady state.
const BEFORE: Duration = Duration::from_secs(1);

#[derive(clap::Parser)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    /// Members of the room
    #[arg(long, default_value_t = 200)]
    members: u64,
    /// Those of them whose delivery times are taken
    #[arg(long, default_value_t = 50)]
    judges: u64,
    /// Messages a second in the room
    #[arg(long, default_value_t = 25.0)]
    rate: f64,
    /// Messages of one round
    #[arg(long, default_value_t = 500)]
    messages: u64,
    #[arg(long, default_value_t = 200)]
    body_bytes: usize,
    /// Sends a second from one socket
    #[arg(long, default_value_t = 10_000.0)]
    sends: f64,
    /// Sign-ups a second from one address
    #[arg(long, default_value_t = 1_000.0)]
    sign_ups: f64,
    /// Turns the server's limits off, to see what they are good for
    #[arg(long)]
    unlimited: bool,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The processes that this program starts of itself.
#[derive(clap::Subcommand)]
enum Part {
    #[command(hide = true)]
    Swarm(swarm::SwarmArgs),
    #[command(hide = true)]
    Flooder(flooder::FlooderArgs),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    actix_rt::System::new().block_on(async {
        match &args.part {
            Some(Part::Swarm(swarm)) => swarm::live(swarm).await,
            Some(Part::Flooder(flooder)) => flooder::live(flooder).await,
            None => compare(&args).await,
        }
    })
}

async fn compare(args: &Args) -> anyhow::Result<()> {
    let mut out = stdout();
    let Args { members, rate, messages, sends, sign_ups, .. } = args;
    writeln!(out, "{members} members, {messages} messages at {rate}/s")?;
    let floods = [
        (Flood::Sends, *sends, format!("{sends} sends/s from one socket")),
        (Flood::SignUps, *sign_ups, format!("{sign_ups} sign-ups/s from one address")),
    ];
    let (mut peace, mut troubled) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..args.rounds {
        let round = Round::run(args, None).await?;
        writeln!(out, "  in peace: {}; {}", round.delivery, round.memory)?;
        peace.push(round.delivery.p99_ms);
        for ((flood, rate, what), troubled) in floods.iter().zip(&mut troubled) {
            let round = Round::run(args, Some((*flood, *rate))).await?;
            let FloodReport { sent, made, refused, cut } = round.flood;
            writeln!(out, "  {what}: {}; {}", round.delivery, round.memory)?;
            writeln!(
                out,
                "    {sent} sent, {made} signed up, {refused} refused (429), {cut} sockets closed"
            )?;
            troubled.push(round.delivery.p99_ms);
        }
    }
    let peace = median(&mut peace);
    for ((_, _, what), mut troubled) in floods.iter().zip(troubled) {
        writeln!(out, "p99 of the others under {what}: {:.2}x (medians)", median(&mut troubled) / peace)?;
    }
    Ok(())
}

/// What one run on a fresh server showed.
struct Round {
    delivery: Quantiles,
    memory: Memory,
    flood: FloodReport,
}

impl Round {
    async fn run(args: &Args, flood: Option<(Flood, f64)>) -> anyhow::Result<Self> {
        let limits = ("KLATSCH__LIMITS__ENABLED", (!args.unlimited).to_string());
        let mut server = Server::spawn(&[limits])?;
        server.listening().await?;
        let guests = Guests::new()?;
        let host = guests.guest(0)?;
        let api = Api::sign_up(&server.address, &host).await?;
        let room = api.create_room(&guests.name("calm", 0)).await?;
        let elsewhere = api.create_room(&guests.name("flood", 0)).await?;
        let address = server.address.authority();
        let mut others = Swarm::spawn(address, Some(&room), args.members, args.judges, Habit::Reading)?;
        let mut speaker = Speaker::join(&server.address, &host, &room, args.body_bytes).await?;
        let mut flooder =
            flood.map(|(flood, rate)| Flooder::spawn(address, &elsewhere, flood, rate)).transpose()?;
        tokio::time::sleep(BEFORE).await;
        others.mark()?;
        Load::Open(args.rate).drive(&mut speaker, args.messages).await?;
        let flood = flooder.as_mut().map_or_else(|| Ok(FloodReport::default()), Flooder::report)?;
        let memory = server.process.memory()?;
        drop(flooder);
        let seen = others.quiet().await?;
        ensure!(seen.faults.is_clean() && seen.ended == 0, "the others were not served: {seen:?}");
        Ok(Self { delivery: seen.delivery, memory, flood })
    }
}

fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
