//! What it costs to bring one message to a thousand members, beside a bare loop of writes in the same run.
//! `cargo bench --bench fanout`; judges processor time, not speed, for both sides share two cores with their readers.

#[path = "support/bare.rs"]
mod bare;
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
use klatsch::cli::bench::process::Process;
use klatsch::cli::client::api::Api;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::latency::Quantiles;

use crate::bare::{Bare, BareDriver, Writing};
use crate::load::{Load, Target};
use crate::server::Server;
use crate::speaker::Speaker;
use crate::swarm::{Habit, Swarm};

/// Members who read frames instead of counting bytes.
const JUDGES: u64 = 5;
const BODY_BYTES: usize = 200;
const CALIBRATION: u64 = 20;

#[derive(clap::Parser)]
struct Args {
    #[command(subcommand)]
    part: Option<Part>,
    #[arg(long, default_value_t = 1000)]
    members: u64,
    /// How often each load is put on each side
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of one round of an open load
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Messages in one round of a closed load
    #[arg(long, default_value_t = 1000)]
    window_messages: u64,
    /// Sets members who speak STOMP beside those who speak the native protocol
    #[arg(long)]
    stomp: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

/// The processes that this program starts of itself.
#[derive(clap::Subcommand)]
enum Part {
    #[command(hide = true)]
    Bare(bare::BareArgs),
    #[command(hide = true)]
    Swarm(swarm::SwarmArgs),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    match &args.part {
        Some(Part::Bare(bare)) => bare::live(bare),
        Some(Part::Swarm(swarm)) => actix_rt::System::new().block_on(swarm::live(swarm)),
        None => actix_rt::System::new().block_on(compare(&args)),
    }
}

async fn compare(args: &Args) -> anyhow::Result<()> {
    let (_server, mut klatsch) = klatsch(args.members, Habit::Reading).await?;
    klatsch.swarm.quiet().await?;
    if args.stomp {
        let (_server, mut stomp) = self::klatsch(args.members, Habit::Stomp).await?;
        stomp.swarm.quiet().await?;
        return beside_native(args, &mut klatsch, &mut stomp).await;
    }
    let bytes = frame_bytes(&mut klatsch, args.members).await?;
    let (_each, mut each) = bare(args.members, bytes, Writing::Each).await?;
    let (_coalesced, mut coalesced) = bare(args.members, bytes, Writing::Coalesced).await?;
    let mut out = stdout();
    writeln!(out, "{} members, {BODY_BYTES} bytes of body, {bytes} on the wire", args.members + 1)?;
    writeln!(out, "CPU in ns a delivery, median of {} rounds (and each round)", args.rounds)?;
    for (load, messages) in loads(args) {
        let mut costs = [const { Vec::new() }; 3];
        let mut delivery = None;
        for _ in 0..args.rounds {
            let (cost, seen) = klatsch.measure(load, messages, args.members).await?;
            costs[0].push(cost);
            delivery = Some(seen);
            costs[1].push(each.measure(load, messages, args.members).await?.0);
            costs[2].push(coalesced.measure(load, messages, args.members).await?.0);
        }
        print_load(&mut out, load, &costs, delivery)?;
    }
    Ok(())
}

/// What a delivery costs in STOMP, beside one in the native protocol.
async fn beside_native(
    args: &Args,
    native: &mut Side<Speaker>,
    stomp: &mut Side<Speaker>,
) -> anyhow::Result<()> {
    let mut out = stdout();
    writeln!(out, "{} members, {BODY_BYTES} bytes of body", args.members + 1)?;
    writeln!(out, "CPU in ns a delivery, median of {} rounds (and each round)", args.rounds)?;
    for (load, messages) in loads(args) {
        let mut costs = [const { Vec::new() }; 2];
        for _ in 0..args.rounds {
            costs[0].push(native.measure(load, messages, args.members).await?.0);
            costs[1].push(stomp.measure(load, messages, args.members).await?.0);
        }
        let [of_native, of_stomp] = costs.each_ref().map(|rounds| median(rounds));
        writeln!(out, "\n{load}: {:.2}x native", of_stomp / of_native)?;
        writeln!(out, "  {:16} {of_native:7.0}  {:7.0?}", "native", costs[0])?;
        writeln!(out, "  {:16} {of_stomp:7.0}  {:7.0?}", "STOMP", costs[1])?;
    }
    Ok(())
}

fn loads(args: &Args) -> [(Load, u64); 3] {
    [
        (Load::Open(20.0), 20 * args.seconds),
        (Load::Open(100.0), 100 * args.seconds),
        (Load::Window(32), args.window_messages),
    ]
}

/// One side of the comparison.
struct Side<T> {
    process: Process,
    driver: T,
    swarm: Swarm,
}

impl<T: Target> Side<T> {
    /// Puts a load on this side and gives its processor time per delivery, in nanoseconds.
    async fn measure(&mut self, load: Load, messages: u64, members: u64) -> anyhow::Result<(f64, Quantiles)> {
        self.swarm.mark()?;
        let before = self.process.cpu()?;
        load.drive(&mut self.driver, messages).await?;
        let seen = self.swarm.quiet().await?;
        let spent = self.process.cpu()?.saturating_sub(before);
        let least = messages * (members - JUDGES) * BODY_BYTES as u64;
        ensure!(
            seen.faults.is_clean() && seen.ended == 0 && seen.bytes >= least,
            "members went unserved: {seen:?}"
        );
        Ok((spent.as_nanos() as f64 / (messages * (members + 1)) as f64, seen.delivery))
    }
}

async fn klatsch(members: u64, habit: Habit) -> anyhow::Result<(Server, Side<Speaker>)> {
    let mut server = Server::spawn(&[])?;
    server.listening().await?;
    let guests = Guests::new()?;
    let host = guests.guest(0)?;
    let room = Api::sign_up(&server.address, &host).await?.create_room(&guests.name("fanout", 0)).await?;
    let swarm = Swarm::spawn(server.address.authority(), Some(&room), members, JUDGES, habit)?;
    let driver = Speaker::join(&server.address, &host, &room, BODY_BYTES).await?;
    let process = server.process;
    Ok((server, Side { process, driver, swarm }))
}

async fn bare(members: u64, bytes: usize, writing: Writing) -> anyhow::Result<(Bare, Side<BareDriver>)> {
    let bare = Bare::spawn(usize::try_from(members)?, bytes, writing)?;
    let swarm = Swarm::spawn(&bare.address.to_string(), None, members, 0, Habit::Reading)?;
    let driver = BareDriver::connect(&bare, bytes).await?;
    let process = bare.process;
    Ok((bare, Side { process, driver, swarm }))
}

/// What one message takes on the wire, so that the bare loop writes as much.
async fn frame_bytes(klatsch: &mut Side<Speaker>, members: u64) -> anyhow::Result<usize> {
    klatsch.swarm.mark()?;
    Load::Open(20.0).drive(&mut klatsch.driver, CALIBRATION).await?;
    let seen = klatsch.swarm.quiet().await?;
    let bytes = seen.bytes / (CALIBRATION * (members - JUDGES));
    ensure!(bytes as usize > BODY_BYTES, "the members heard too little: {seen:?}");
    Ok(usize::try_from(bytes)?)
}

fn print_load(
    out: &mut impl std::io::Write,
    load: Load,
    costs: &[Vec<f64>; 3],
    delivery: Option<Quantiles>,
) -> anyhow::Result<()> {
    let [klatsch, bare, coalesced] = costs.each_ref().map(|rounds| median(rounds));
    writeln!(out, "\n{load}: {:.2}x the bare loop", klatsch / bare)?;
    for (name, median, rounds) in [
        ("klatsch", klatsch, &costs[0]),
        ("bare", bare, &costs[1]),
        ("bare, coalesced", coalesced, &costs[2]),
    ] {
        writeln!(out, "  {name:16} {median:7.0}  {rounds:7.0?}")?;
    }
    if let Some(delivery) = delivery {
        writeln!(out, "  delivery by klatsch, last round: {delivery}")?;
    }
    Ok(())
}

fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
