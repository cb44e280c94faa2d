//! One check from its start to its report: rooms, clients, time, settling, judgement.
//! Breaks nothing itself; that is for whoever runs it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::ensure;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::CheckArgs;
use super::field::{Field, Phase, Room, State};
use super::figures::Figures;
use super::judge::{Findings, judge};
use super::notes::Notes;
use super::report::Report;
use super::settle::settle;
use super::streamer::Streamer;
use super::talker::Talker;
use crate::cli::client::guests::Guests;
use crate::cli::client::http::Http;
use crate::cli::client::outgoing::{Outgoing, Schedule};

/// A call that takes longer is tried at another node.
const PATIENCE: Duration = Duration::from_secs(5);
/// Messages that a client keeps in flight.
const WINDOW: usize = 4;

/// Runs it and gives the report.
pub(super) async fn run(args: &CheckArgs) -> anyhow::Result<Report> {
    let guests = Guests::new()?;
    let rooms = rooms(args, &guests);
    let (phase, watched) = watch::channel(Phase::Sending);
    let field = Rc::new(field(args, watched)?);
    let clients = spawn(args, &guests, &rooms, &field)?;
    wait(args, &field).await;
    phase.send(Phase::Settling)?;
    let unsettled = settle(&field, &rooms, Duration::from_secs(args.settle)).await;
    clients.iter().for_each(JoinHandle::abort);
    ensure!(field.figures.borrow().acked > 0, "nothing was acknowledged, so there is nothing to judge");
    Ok(report(args, &field, &rooms, unsettled))
}

fn rooms(args: &CheckArgs, guests: &Guests) -> Vec<Rc<Room>> {
    let count = args.rooms;
    let room = |number: usize| {
        let name = guests.name("room", number as u64);
        // Half of the rooms are there from the start, the others come during the first third.
        let late = (number + 1).saturating_sub(count.div_ceil(2)) as f64 / count as f64;
        let opens_at = Duration::from_secs_f64(args.seconds as f64 * late * 2.0 / 3.0);
        Rc::new(Room { name: name.clone(), opens_at, notes: RefCell::new(Notes::of(name)) })
    };
    (0..count).map(room).collect()
}

fn field(args: &CheckArgs, phase: watch::Receiver<Phase>) -> anyhow::Result<Field> {
    let random = || getrandom::u64().map_err(|error| anyhow::anyhow!("no randomness: {error}"));
    Ok(Field {
        nodes: args.url.clone(),
        http: Http::new(PATIENCE),
        start: Instant::now(),
        phase,
        talkers: args.clients as u64,
        // Programs that read JSON keep 53 bits of a number.
        seed: args.seed.map_or_else(random, Ok)? & ((1 << 53) - 1),
        roam: Duration::from_secs(args.roam),
        figures: RefCell::new(Figures::default()),
        states: RefCell::new(vec![State::default(); args.clients + args.streams()]),
    })
}

/// Starts the clients, spread over the rooms in turn, and those of a room over the nodes in turn.
fn spawn(
    args: &CheckArgs,
    guests: &Guests,
    rooms: &[Rc<Room>],
    field: &Rc<Field>,
) -> anyhow::Result<Vec<JoinHandle<()>>> {
    let schedule = schedule(args);
    let mut clients = Vec::new();
    for number in 0..args.clients + args.streams() {
        let room = Rc::clone(&rooms[number % rooms.len()]);
        let node = (number / rooms.len() + number) % field.nodes.len();
        let field = Rc::clone(field);
        if number >= args.clients {
            clients.push(tokio::task::spawn_local(Streamer { number, room, node, field }.run()));
            continue;
        }
        let outgoing = Outgoing::new(schedule, number as u64, WINDOW);
        let identity = guests.guest(number as u64)?;
        let talker = Talker { number, identity, room, outgoing, node, field };
        clients.push(tokio::task::spawn_local(talker.run()));
    }
    Ok(clients)
}

fn schedule(args: &CheckArgs) -> Schedule {
    let messages = (args.rate * args.seconds as f64).ceil() as u64;
    Schedule { members: args.clients as u64, messages, rate: Some(args.rate) }
}

async fn wait(args: &CheckArgs, field: &Field) {
    for second in 1..=args.seconds {
        sleep((field.start + Duration::from_secs(second)).duration_since(Instant::now())).await;
        if args.progress {
            eprintln!("{second:>4} s  {}", progress(field));
        }
    }
}

fn progress(field: &Field) -> String {
    let (figures, states) = (field.figures.borrow(), field.states.borrow());
    let served = states.iter().filter(|state| state.is_served).count();
    let waiting: usize = states.iter().map(|state| state.unsettled).sum();
    let refused: u64 = figures.refusals.values().sum();
    let (sends, acked, all) = (figures.sends, figures.acked, states.len());
    format!("{sends} sent, {acked} acknowledged, {waiting} waiting, {refused} refused, {served}/{all} served")
}

fn report(args: &CheckArgs, field: &Field, rooms: &[Rc<Room>], unsettled: Vec<String>) -> Report {
    let mut findings = Findings::new(args.examples);
    for room in rooms {
        findings.merge(judge(room.notes.borrow().evidence(), args.examples));
    }
    let (reconnect, ack) = Report::longest_waits(field);
    Report {
        seed: field.seed,
        nodes: field.nodes.len(),
        rooms: rooms.len(),
        clients: args.clients,
        streams: args.streams(),
        records: rooms.iter().map(|room| room.notes.borrow().head()).sum(),
        figures: field.figures.borrow().summary(),
        longest_without_service_ms: reconnect.max(ack),
        longest_reconnect_ms: reconnect,
        longest_wait_for_ack_ms: ack,
        anomalies: findings.total(),
        findings,
        unsettled,
    }
}
