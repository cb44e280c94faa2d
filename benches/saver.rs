//! Rows a second through the saver, from entries of the log as they were read, beside bare multi-row inserts of them.
//! `cargo bench --bench saver -- [--postgres postgres://…]`; the sides take turns, each on a fresh database. No broker.

#[path = "support/bare_inserts.rs"]
mod bare_inserts;
#[path = "support/database.rs"]
mod database;

use std::collections::BTreeMap;
use std::io::{Write as _, stdout};
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use bytes::Bytes;
use clap::Parser as _;
use klatsch::domain::{
    ClientId, Epoch, Message, MessageBody, Proposal, RecordKind, RoomId, Timestamp, User, UserId, Visibility,
};
use klatsch::log::kafka::saver::{Bounds, Done, Event, Saver, Storing};
use klatsch::log::kafka::{Entry, Offset, Partition};
use klatsch::storage::records;
use klatsch::storage::rooms::{self, NewRoom};
use klatsch::wire::log_record::{self, Origin};

use crate::bare_inserts::Row;
use crate::database::Fresh;

const BODY_BYTES: usize = 200;

/// Entries that a consumer hands over at once.
const FETCHED: usize = 1000;

#[derive(clap::Parser)]
struct Args {
    /// A PostgreSQL database to measure on, beside SQLite
    #[arg(long)]
    postgres: Option<String>,
    #[arg(long, default_value_t = 4)]
    partitions: u32,
    #[arg(long, default_value_t = 64)]
    rooms: usize,
    /// Messages over all rooms
    #[arg(long, default_value_t = 60_000)]
    messages: usize,
    /// Rows in one transaction, at most, on both sides
    #[arg(long, default_value_t = 1000)]
    batch: usize,
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
    servers.into_iter().flatten().try_for_each(|server| compare(&args, server))
}

fn compare(args: &Args, server: Option<&str>) -> anyhow::Result<()> {
    let (log, rows) = (log(args), rows(args));
    let (mut saved, mut bare, mut batches) = (Vec::new(), Vec::new(), 0);
    for _ in 0..args.rounds {
        let (speed, taken) = through_the_saver(args, &Fresh::make(server)?, &log)?;
        saved.push(speed);
        batches += taken;
        let fresh = Fresh::make(server)?;
        let begin = Instant::now();
        bare_inserts::insert_all(&fresh.url, &rows, args.batch)?;
        bare.push(rate(rows.len(), begin.elapsed()));
    }
    let mut out = stdout();
    let name = if server.is_some() { "PostgreSQL" } else { "SQLite" };
    let (of_saver, of_bare) = (median(&saved), median(&bare));
    writeln!(out, "{name}, {} rooms, rows/s: {:.2}x bare inserts", args.rooms, of_saver / of_bare)?;
    let each = (args.rounds * rows.len()) as f64 / batches as f64;
    writeln!(out, "  saver         {of_saver:8.0}  {saved:8.0?}, {each:.1} rows a transaction")?;
    writeln!(out, "  bare inserts  {of_bare:8.0}  {bare:8.0?}, {} rows a transaction", args.batch)?;
    Ok(())
}

/// Stores the whole log; gives the rows a second, and in how many transactions.
fn through_the_saver(
    args: &Args,
    fresh: &Fresh,
    log: &BTreeMap<Partition, Vec<Entry>>,
) -> anyhow::Result<(f64, usize)> {
    for room in 0..args.rooms {
        fresh.database.write(|connection| rooms::create(connection, &new_room(args, room)))?;
    }
    let bounds =
        Bounds { batch_entries: args.batch, snapshot_every: args.snapshot_every, fold_weight: usize::MAX };
    let mut storing = Storing::new(Saver::new(bounds), fresh.database.clone());
    storing.take(Event::Assigned(log.keys().copied().collect()));
    // Clones are made before, for a consumer's copies of what it reads are no work of the saver.
    let mut readings: BTreeMap<_, _> = log.iter().map(|(partition, all)| (*partition, chunks(all))).collect();
    let (mut tickets, mut batches) = (BTreeMap::new(), 0);
    let begin = Instant::now();
    loop {
        match storing.work() {
            Done::Seek(seeks) => {
                tickets.extend(seeks.into_iter().map(|seek| (seek.partition, seek.ticket)));
            }
            Done::Stored { .. } => batches += 1,
            Done::Idle => {
                let mut some = false;
                for (partition, chunks) in &mut readings {
                    let Some(entries) = chunks.next() else { continue };
                    let (partition, ticket) = (*partition, tickets[partition]);
                    storing.take(Event::Fetched { partition, ticket, entries });
                    some = true;
                }
                if !some {
                    break;
                }
            }
            other => bail!("unexpected: {other:?}"),
        }
    }
    let elapsed = begin.elapsed();
    check(args, fresh)?;
    Ok((rate(count(args), elapsed), batches))
}

fn chunks(entries: &[Entry]) -> std::vec::IntoIter<Vec<Entry>> {
    entries.chunks(FETCHED).map(<[Entry]>::to_vec).collect::<Vec<_>>().into_iter()
}

fn check(args: &Args, fresh: &Fresh) -> anyhow::Result<()> {
    let mut stored = 0;
    for room in 0..args.rooms {
        let read = |connection: &mut _| records::after(connection, &room_id(room), 0, u32::MAX);
        stored += fresh.database.read(read)?.len();
    }
    ensure!(stored == count(args), "{stored} rows are stored");
    Ok(())
}

/// A member joins each room, and then one after the other says something in the next room.
fn said(args: &Args) -> impl Iterator<Item = (usize, RecordKind)> {
    let joins = (0..args.rooms).map(|room| (room, RecordKind::Joined));
    let rooms = args.rooms;
    joins.chain((0..args.messages).map(move |number| {
        let client_id = Some(ClientId::new(client_id(number)));
        (number % rooms, RecordKind::Message(Message::new(MessageBody::stored(body()), client_id)))
    }))
}

fn log(args: &Args) -> BTreeMap<Partition, Vec<Entry>> {
    let mut log: BTreeMap<Partition, Vec<Entry>> = BTreeMap::new();
    for ((room, kind), append) in said(args).zip(0..) {
        let origin = Origin { run: "node-1.0123456789".into(), append };
        let value = log_record::encode(&Proposal { sender: user(), kind }, Some(&origin));
        let partition = home(args, room);
        let entries = log.entry(partition).or_default();
        entries.push(Entry {
            partition,
            offset: entries.len() as Offset,
            appended_at: Timestamp::from_millis(1_763_712_000_000),
            key: Some(Bytes::copy_from_slice(room_id(room).as_str().as_bytes())),
            value: value.into(),
        });
    }
    log
}

/// The rows that the saver makes of the log.
fn rows(args: &Args) -> Vec<Row> {
    let mut heads = vec![0; args.rooms];
    let mut offsets = BTreeMap::new();
    let row = |(room, kind): (usize, RecordKind)| {
        heads[room] += 1;
        let offset: &mut i64 = offsets.entry(home(args, room)).or_default();
        *offset += 1;
        let message = kind.message();
        Row {
            room_id: room_id(room).as_str().to_owned(),
            seq: heads[room],
            at: 1_763_712_000_000,
            kind: kind.name(),
            sender_id: user().id.as_str().to_owned(),
            sender_nickname: user().nickname.to_string(),
            body: message.map(|message| message.body.as_str().to_owned()),
            client_id: message.and_then(|message| Some(message.client_id.as_ref()?.as_str().to_owned())),
            log_offset: Some(*offset - 1),
        }
    };
    said(args).map(row).collect()
}

fn count(args: &Args) -> usize {
    args.rooms + args.messages
}

fn body() -> String {
    "x".repeat(BODY_BYTES)
}

fn client_id(number: usize) -> String {
    format!("message-{number:08}")
}

fn user() -> User {
    User { id: UserId::new("user-00000001"), nickname: "writer 1".into() }
}

fn home(args: &Args, room: usize) -> Partition {
    Partition::try_from(room % args.partitions.max(1) as usize).unwrap_or_default()
}

fn room_id(room: usize) -> RoomId {
    RoomId::new(format!("room-{room:08}"))
}

fn new_room(args: &Args, room: usize) -> NewRoom {
    let name = format!("room {room}");
    NewRoom {
        id: room_id(room),
        name_key: name.clone(),
        name,
        epoch: Epoch::new("e"),
        created_at: Timestamp::from_millis(1_763_712_000_000),
        created_by: user(),
        visibility: Visibility::Public,
        peer: None,
        partition: Some(home(args, room)),
    }
}

fn rate(rows: usize, elapsed: Duration) -> f64 {
    rows as f64 / elapsed.as_secs_f64()
}

fn median(rounds: &[f64]) -> f64 {
    let mut sorted = rounds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}
