//! Rows a second through the embedded log, with 64 writers of one append in flight each, beside bare multi-row inserts.
//! `cargo bench --bench group_commit -- [--postgres postgres://…]`; the sides take turns, each on a fresh database.

#[path = "support/bare_inserts.rs"]
mod bare_inserts;
#[path = "support/database.rs"]
mod database;

use std::io::{Write as _, stdout};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

use anyhow::ensure;
use clap::Parser as _;
use futures_util::future::try_join_all;
use klatsch::domain::{
    ClientId, Epoch, Message, MessageBody, Proposal, RecordKind, RoomId, Timestamp, User, UserId, Visibility,
};
use klatsch::log::embedded::{Committer, EmbeddedLog, Health, Job};
use klatsch::log::{Delivery, RoomLog};
use klatsch::storage::rooms::{self, NewRoom};
use klatsch::storage::{Store, records};
use tokio::sync::{Notify, mpsc};
use tokio::task::spawn_blocking;

use crate::bare_inserts::Row;
use crate::database::Fresh;

const BODY_BYTES: usize = 200;
const QUEUE: usize = 4096;

#[derive(clap::Parser)]
struct Args {
    /// A PostgreSQL database to measure on, beside SQLite
    #[arg(long)]
    postgres: Option<String>,
    #[arg(long, default_value_t = 64)]
    writers: usize,
    /// Rooms that the writers are spread over
    #[arg(long, default_value_t = 8)]
    rooms: usize,
    /// Messages of each writer
    #[arg(long, default_value_t = 1000)]
    messages: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Records of a room between two snapshots of its state
    #[arg(long, default_value_t = 10_000)]
    snapshot_every: u64,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let servers = [Some(None), args.postgres.as_deref().map(Some)];
    actix_rt::System::new().block_on(async {
        for server in servers.into_iter().flatten() {
            compare(&args, server).await?;
        }
        Ok(())
    })
}

async fn compare(args: &Args, server: Option<&str>) -> anyhow::Result<()> {
    let (mut log, mut bare, mut commits) = (Vec::new(), Vec::new(), 0);
    for _ in 0..args.rounds {
        let (speed, taken) = through_the_log(args, &Fresh::make(server)?).await?;
        log.push(speed);
        commits += taken;
        let fresh = Fresh::make(server)?;
        let rows = rows(args);
        let begin = Instant::now();
        bare_inserts::insert_all(&fresh.url, &rows, args.writers)?;
        bare.push(rate(args, begin.elapsed()));
    }
    let mut out = stdout();
    let name = if server.is_some() { "PostgreSQL" } else { "SQLite" };
    let (of_log, of_bare) = (median(&log), median(&bare));
    writeln!(out, "{name}, {} writers, rows/s: {:.2}x bare inserts", args.writers, of_log / of_bare)?;
    let appends = args.rounds * args.writers * (args.messages + 1);
    writeln!(
        out,
        "  embedded log  {of_log:8.0}  {log:8.0?}, {:.1} rows a commit",
        appends as f64 / commits as f64
    )?;
    writeln!(out, "  bare inserts  {of_bare:8.0}  {bare:8.0?}")?;
    Ok(())
}

/// Appends everything; gives the rows a second, and how many commits it took.
async fn through_the_log(args: &Args, fresh: &Fresh) -> anyhow::Result<(f64, usize)> {
    let (log, queue) = EmbeddedLog::new(Store::new(fresh.database.clone(), 4), QUEUE);
    let writer =
        tokio::task::spawn_local(serve(queue, Committer::new(fresh.database.clone(), args.snapshot_every)));
    let answers: Rc<[Notify]> = (0..args.writers).map(|_| Notify::new()).collect();
    for room in 0..args.rooms {
        fresh.database.write(|connection| rooms::create(connection, &new_room(room)))?;
        let (delivered, deliveries) = mpsc::unbounded_channel();
        // A sink is called from any thread; like a room, this one's reader lives on one.
        let sink = move |batch| delivered.send(batch).unwrap_or_default();
        log.open(&room_id(room), std::sync::Arc::new(sink)).await?;
        tokio::task::spawn_local(tell(Rc::clone(&answers), deliveries));
    }
    try_join_all((0..args.writers).map(|writer| append(&log, &answers, args, writer, [RecordKind::Joined])))
        .await?;
    let begin = Instant::now();
    let messages = || (0..args.messages).map(message);
    try_join_all((0..args.writers).map(|writer| append(&log, &answers, args, writer, messages()))).await?;
    let elapsed = begin.elapsed();
    drop(log);
    let commits = writer.await?;
    check(args, fresh)?;
    Ok((rate(args, elapsed), commits))
}

/// What the DB-writer does: everything that waits becomes one transaction, on a thread that may block.
async fn serve(mut queue: mpsc::Receiver<Job>, mut committer: Committer) -> usize {
    let (mut jobs, mut commits) = (Vec::new(), 0);
    while queue.recv_many(&mut jobs, QUEUE).await > 0 {
        let batch = std::mem::take(&mut jobs);
        let commit = spawn_blocking(move || {
            let health = committer.commit(batch, now());
            (committer, health)
        });
        let health;
        (committer, health) = commit.await.expect("a commit does not panic");
        assert!(health == Health::Well, "the database failed");
        commits += 1;
    }
    commits
}

/// Appends one record after the other, each when the last one is durable.
async fn append(
    log: &EmbeddedLog,
    answers: &[Notify],
    args: &Args,
    writer: usize,
    kinds: impl IntoIterator<Item = RecordKind>,
) -> anyhow::Result<()> {
    let room = room_id(writer % args.rooms);
    for kind in kinds {
        let proposal = Proposal { sender: user(writer), kind };
        log.append(&room, writer as u64, proposal)?;
        answers[writer].notified().await;
    }
    Ok(())
}

/// Wakes the writers whose appends one room has back.
async fn tell(answers: Rc<[Notify]>, mut deliveries: mpsc::UnboundedReceiver<Vec<Delivery>>) {
    while let Some(batch) = deliveries.recv().await {
        for delivery in batch {
            let Delivery::Committed(committed) = delivery else {
                continue;
            };
            if let Some(token) = committed.token {
                answers[token as usize].notify_one();
            }
        }
    }
}

fn check(args: &Args, fresh: &Fresh) -> anyhow::Result<()> {
    let mut stored = 0;
    for room in 0..args.rooms {
        stored +=
            fresh.database.read(|connection| records::after(connection, &room_id(room), 0, u32::MAX))?.len();
    }
    ensure!(stored == args.writers * (args.messages + 1), "{stored} rows are stored");
    Ok(())
}

/// The rows that the log stores, in its order.
fn rows(args: &Args) -> Vec<Row> {
    let writers = (0..args.messages).flat_map(|number| (0..args.writers).map(move |writer| (number, writer)));
    let row = |(number, writer): (usize, usize)| Row {
        room_id: room_id(writer % args.rooms).as_str().to_owned(),
        seq: (number * args.writers + writer) as i64,
        at: now().as_millis(),
        kind: "message",
        sender_id: user(writer).id.as_str().to_owned(),
        sender_nickname: user(writer).nickname.to_string(),
        body: Some(body()),
        client_id: Some(client_id(number)),
        log_offset: None,
    };
    writers.map(row).collect()
}

fn message(number: usize) -> RecordKind {
    RecordKind::Message(Message::new(MessageBody::stored(body()), Some(ClientId::new(client_id(number)))))
}

fn body() -> String {
    "x".repeat(BODY_BYTES)
}

fn client_id(number: usize) -> String {
    format!("message-{number:08}")
}

fn user(writer: usize) -> User {
    User { id: UserId::new(format!("user-{writer:08}")), nickname: format!("writer {writer}").into() }
}

fn room_id(room: usize) -> RoomId {
    RoomId::new(format!("room-{room:08}"))
}

fn new_room(room: usize) -> NewRoom {
    let name = format!("room {room}");
    NewRoom {
        id: room_id(room),
        name_key: name.clone(),
        name,
        epoch: Epoch::new("e"),
        created_at: now(),
        created_by: user(0),
        visibility: Visibility::Public,
        peer: None,
        partition: None,
    }
}

fn now() -> Timestamp {
    let since = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Timestamp::from_millis(since.as_millis() as i64)
}

fn rate(args: &Args, elapsed: Duration) -> f64 {
    (args.writers * args.messages) as f64 / elapsed.as_secs_f64()
}

fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
