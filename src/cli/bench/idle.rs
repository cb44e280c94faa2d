//! `klatsch bench idle`: what a connection costs that has joined a room and says nothing.
//! Sees the memory of the server's process only; the kernel's part for a socket is not in it.

use std::cell::Cell;
use std::fmt;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures_util::stream::{self, TryStreamExt as _};
use indicatif::ProgressBar;
use serde::Serialize;
use tokio::time::sleep;

use super::process::{Memory, Process};
use crate::cli::client::api::Api;
use crate::cli::client::guests::Guests;
use crate::cli::client::socket::{Client, Event, ServerAddress};

/// So many connections are made at a time, or a listener's backlog overflows.
const ENTERING: usize = 64;
/// Files that this program needs beside its sockets.
const SPARE_FILES: u64 = 64;
/// The server is quiet when it used less than a hundredth of one processor over this time and nothing came.
const QUIET: Duration = Duration::from_secs(2);
const QUIET_SHARE: u32 = 100;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct IdleArgs {
    /// The server, as `http://host:port`
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: ServerAddress,
    /// Connections; each is another member
    #[arg(long, default_value_t = 5_000)]
    connections: u64,
    /// Rooms
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..))]
    rooms: u64,
    /// Seconds to hold the connections before memory is read
    #[arg(long, default_value_t = 0)]
    hold: u64,
    /// Writes the report to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// The server's process, which must be on this machine
    #[arg(long)]
    pid: u32,
}

/// What idle connections cost.
#[derive(Debug, Serialize)]
pub(super) struct IdleReport {
    connections: u64,
    rooms: u64,
    before: Memory,
    after: Memory,
    rss_bytes_per_connection: u64,
    pss_bytes_per_connection: u64,
}

/// Runs it and gives the report.
pub(super) async fn run(args: &IdleArgs) -> anyhow::Result<IdleReport> {
    ensure_enough_files(args.connections)?;
    let process = Process::new(args.pid);
    let guests = Guests::new()?;
    let api = Api::sign_up(&args.url, &guests.guest(0)?).await?;
    let mut rooms = Vec::new();
    for number in 0..args.rooms {
        rooms.push(api.create_room(&guests.name("idle", number)).await?);
    }
    let frames = Rc::new(Cell::new(0));
    settle(process, &frames).await?;
    let before = process.memory()?;
    connect_all(args, &guests, &rooms, &frames).await?;
    settle(process, &frames).await?;
    sleep(Duration::from_secs(args.hold)).await;
    let after = process.memory()?;
    Ok(IdleReport::new(args, before, after))
}

impl IdleArgs {
    /// Where the report is wanted as JSON.
    pub(super) fn json(&self) -> Option<&PathBuf> {
        self.json.as_ref()
    }
}

impl IdleReport {
    fn new(args: &IdleArgs, before: Memory, after: Memory) -> Self {
        let each = |before: u64, after: u64| after.saturating_sub(before) / args.connections.max(1);
        Self {
            connections: args.connections,
            rooms: args.rooms,
            before,
            after,
            rss_bytes_per_connection: each(before.rss, after.rss),
            pss_bytes_per_connection: each(before.pss, after.pss),
        }
    }
}

impl fmt::Display for IdleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "connections  {} in {} rooms", self.connections, self.rooms)?;
        writeln!(f, "before       {}", self.before)?;
        writeln!(f, "after        {}", self.after)?;
        writeln!(
            f,
            "each         {} bytes RSS, {} bytes PSS",
            self.rss_bytes_per_connection, self.pss_bytes_per_connection
        )
    }
}

/// Connects and joins everybody; from then on each socket is read, and the frames that come are counted.
async fn connect_all(
    args: &IdleArgs,
    guests: &Guests,
    rooms: &[String],
    frames: &Rc<Cell<u64>>,
) -> anyhow::Result<()> {
    let bar = ProgressBar::new(args.connections);
    let places = (0..args.connections).zip(rooms.iter().cycle());
    stream::iter(places.map(Ok))
        .try_for_each_concurrent(ENTERING, |(number, room)| {
            let bar = &bar;
            async move {
                let (mut client, _) = Client::connect(&args.url, &guests.guest(number + 1)?).await?;
                client.join(room).await?;
                tokio::task::spawn_local(hear(client, Rc::clone(frames)));
                bar.inc(1);
                anyhow::Ok(())
            }
        })
        .await?;
    bar.finish_and_clear();
    Ok(())
}

async fn hear(mut client: Client, frames: Rc<Cell<u64>>) {
    while let Ok(Event::Frame(_)) = client.next().await {
        frames.set(frames.get() + 1);
    }
}

/// Waits until the server does nothing and nothing is on its way.
async fn settle(process: Process, frames: &Cell<u64>) -> anyhow::Result<()> {
    loop {
        let (cpu, heard) = (process.cpu()?, frames.get());
        sleep(QUIET).await;
        let spent = process.cpu()?.saturating_sub(cpu);
        if spent < QUIET / QUIET_SHARE && frames.get() == heard {
            return Ok(());
        }
    }
}

/// Raising the limit is the shell's business; running into it half-way would measure nonsense.
fn ensure_enough_files(connections: u64) -> anyhow::Result<()> {
    let limits =
        std::fs::read_to_string("/proc/self/limits").context("cannot read the limits of this process")?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)).unwrap_or("unlimited");
    let allowed = soft.parse().unwrap_or(u64::MAX);
    let needed = connections + SPARE_FILES;
    ensure!(
        allowed >= needed,
        "only {allowed} files may be open: run `ulimit -n {needed}` first, for the server too"
    );
    Ok(())
}
