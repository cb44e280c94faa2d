//! `klatsch bench chat`: many members talk in several rooms, lose their sockets, resume, and everything is checked.
//! Drives the run from outside the server; the server may be anywhere that speaks the native protocol.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::chat_report::{ChatReport, Cost};
use super::ledger::{Faults, RoomLedger};
use super::member::{Member, Phase, Room, Shared};
use super::process::Process;
use super::tally::Tally;
use crate::cli::client::api::Api;
use crate::cli::client::guests::Guests;
use crate::cli::client::outgoing::{Outgoing, Schedule};
use crate::cli::client::socket::ServerAddress;

/// How often the run looks at its tally, and draws it.
const GLANCE: Duration = Duration::from_millis(20);
/// So many members come in at a time, or a listener's backlog overflows.
const ENTERING: u64 = 64;

/// What to run.
#[derive(Debug, clap::Args)]
pub(super) struct ChatArgs {
    /// The server, as `http://host:port`
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: ServerAddress,
    /// Members; each has a socket and is in one room
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Rooms
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rooms: u64,
    /// Messages of the whole run
    #[arg(long, default_value_t = 15_000)]
    messages: u64,
    /// Messages a second of the whole run; 0 is as fast as the window allows
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// Messages that a member keeps in flight
    #[arg(long, default_value_t = 1)]
    window: usize,
    /// Length of a message
    #[arg(long, default_value_t = 200)]
    body_bytes: usize,
    /// How often each member drops its socket, at random, and resumes
    #[arg(long, default_value_t = 0)]
    drops: u64,
    /// Writes the report to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// The server's process, if it is on this machine: its processor time and memory are reported
    #[arg(long)]
    pid: Option<u32>,
}

/// Runs it and gives the report. `at_start` is called when everybody is there and nobody has sent anything.
pub(super) async fn run(
    args: &ChatArgs,
    at_start: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<ChatReport> {
    let guests = Guests::new()?;
    let api = Api::sign_up(&args.url, &guests.guest(0)?).await?;
    let rooms = create_rooms(&api, &guests, args.rooms).await?;
    let (phase, watched) = watch::channel(Phase::Gathering);
    let shared = Shared {
        server: args.url.clone(),
        tally: Rc::default(),
        phase: watched,
        body_bytes: args.body_bytes,
    };
    let mut members = gather(args, &guests, &rooms, &shared).await?;
    let meter = Meter::start(args.pid)?;
    at_start()?;
    let start = Instant::now();
    phase.send(Phase::Sending(start))?;
    watch_progress(args.messages, &shared.tally, &mut members).await?;
    for room in &rooms {
        let head = api.head(&room.id).await?;
        room.ledger.borrow_mut().extends_to(head);
    }
    phase.send(Phase::Settling(start))?;
    let mut faults = Faults::default();
    for member in members {
        faults += member.await.context("a member died")??;
    }
    for room in &rooms {
        faults += room.ledger.borrow().verdict();
    }
    let tally = shared.tally.borrow();
    let cost = meter.map(|meter| meter.stop(tally.acked, tally.deliveries)).transpose()?;
    Ok(ChatReport::new(args.users, args.rooms, &tally, faults, cost))
}

impl ChatArgs {
    /// As fast as a window of one allows, without drops.
    pub(super) fn at_the_limit(
        url: ServerAddress,
        users: u64,
        rooms: u64,
        messages: u64,
        body_bytes: usize,
    ) -> Self {
        Self {
            url,
            users,
            rooms,
            messages,
            rate: 0.0,
            window: 1,
            body_bytes,
            drops: 0,
            json: None,
            pid: None,
        }
    }

    /// Where the report is wanted as JSON.
    pub(super) fn json(&self) -> Option<&PathBuf> {
        self.json.as_ref()
    }

    fn schedule(&self) -> Schedule {
        let rate = Some(self.rate).filter(|rate| *rate > 0.0);
        Schedule { members: self.users, messages: self.messages, rate }
    }

    /// Points of the run, the last one first.
    fn drops(&self) -> anyhow::Result<Vec<u64>> {
        let mut drops = Vec::new();
        for _ in 0..self.drops {
            let random = getrandom::u64().map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
            drops.push(1 + random % self.messages.max(1));
        }
        drops.sort_unstable_by(|one, other| other.cmp(one));
        Ok(drops)
    }
}

type Members = Vec<JoinHandle<anyhow::Result<Faults>>>;

async fn create_rooms(api: &Api, guests: &Guests, count: u64) -> anyhow::Result<Vec<Rc<Room>>> {
    let mut rooms = Vec::new();
    for number in 0..count {
        let id = api.create_room(&guests.name("room", number)).await?;
        rooms.push(Rc::new(Room { id, ledger: RefCell::new(RoomLedger::default()) }));
    }
    Ok(rooms)
}

/// Starts the members and waits until all have joined.
async fn gather(
    args: &ChatArgs,
    guests: &Guests,
    rooms: &[Rc<Room>],
    shared: &Shared,
) -> anyhow::Result<Members> {
    let mut members = Members::new();
    for (number, room) in (0..args.users).zip(rooms.iter().cycle()) {
        let member = Member {
            identity: guests.guest(number + 1)?,
            room: Rc::clone(room),
            outgoing: Outgoing::new(args.schedule(), number, args.window),
            drops: args.drops()?,
            shared: shared.clone(),
        };
        members.push(tokio::task::spawn_local(member.run()));
        await_joined(shared, &mut members, number.saturating_sub(ENTERING)).await?;
    }
    await_joined(shared, &mut members, args.users).await?;
    Ok(members)
}

async fn await_joined(shared: &Shared, members: &mut Members, wanted: u64) -> anyhow::Result<()> {
    while shared.tally.borrow().joined < wanted {
        fail_early(members).await?;
        sleep(GLANCE).await;
    }
    Ok(())
}

/// Waits until every message is acknowledged or refused for good.
async fn watch_progress(messages: u64, tally: &RefCell<Tally>, members: &mut Members) -> anyhow::Result<()> {
    let bar = ProgressBar::new(messages)
        .with_style(ProgressStyle::with_template("{wide_bar} {pos}/{len} messages, {per_sec}, {eta} to go")?);
    loop {
        let settled = tally.borrow().settled();
        bar.set_position(settled);
        if settled >= messages {
            bar.finish_and_clear();
            return Ok(());
        }
        fail_early(members).await?;
        sleep(GLANCE).await;
    }
}

/// A member that ends before the run does has failed, and the run with it.
async fn fail_early(members: &mut Members) -> anyhow::Result<()> {
    let Some(ended) = members.iter().position(JoinHandle::is_finished) else {
        return Ok(());
    };
    members.swap_remove(ended).await.context("a member died")?.map(|_| ()).context("a member gave up")
}

/// The server's processor time over the sending part of a run.
struct Meter {
    process: Process,
    before: Duration,
}

impl Meter {
    fn start(pid: Option<u32>) -> anyhow::Result<Option<Self>> {
        let Some(process) = pid.map(Process::new) else {
            return Ok(None);
        };
        Ok(Some(Self { process, before: process.cpu()? }))
    }

    fn stop(self, messages: u64, deliveries: u64) -> anyhow::Result<Cost> {
        let spent = self.process.cpu()?.saturating_sub(self.before);
        Ok(Cost::new(spent, messages, deliveries, self.process.memory()?))
    }
}
