//! A process full of members who only read, so that reading costs the measured process nothing and is the same for all.
//! Most count bytes; a few read frames and judge order and delivery time; the deaf ones read nothing at all.

#[path = "stomp.rs"]
mod stomp;

use std::cell::{Cell, RefCell};
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use klatsch::cli::bench::body;
use klatsch::cli::bench::ledger::{Faults, ReaderLedger};
use klatsch::cli::client::api::Api;
use klatsch::cli::client::frames::{Incoming, Record};
use klatsch::cli::client::guests::Guests;
use klatsch::cli::client::http::Http;
use klatsch::cli::client::socket::{Client, Event, ServerAddress};
use klatsch::cli::client::stream::{EventStream, StreamItem};
use klatsch::cli::latency::{Latency, Quantiles};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::spawn_local;
use tokio::time::sleep;

/// A server closes who is silent for 50 seconds.
const SIGN_OF_LIFE: Duration = Duration::from_secs(20);
/// A masked, empty pong.
const PONG: [u8; 6] = [0x8A, 0x80, 0, 0, 0, 0];
const BUFFER_BYTES: usize = 64 * 1024;
/// Longer than a poll is held.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the members of a swarm do.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Habit {
    /// They read whatever comes at once.
    Reading,
    /// They do so in STOMP, all but those who judge.
    Stomp,
    /// They never read.
    Deaf,
    /// They read a stream of server-sent events, and all of them judge.
    Streaming,
    /// They ask over HTTP again and again, and all of them judge.
    Polling,
}

/// The swarm's process.
#[derive(clap::Args)]
pub(crate) struct SwarmArgs {
    /// Where to connect, as `host:port`
    #[arg(long)]
    address: String,
    #[arg(long)]
    members: u64,
    /// The room to join; without one, the other side is a bare loop
    #[arg(long)]
    room: Option<String>,
    /// So many of them read frames
    #[arg(long, default_value_t = 0)]
    judges: u64,
    #[arg(long)]
    habit: Habit,
}

/// What a swarm saw since the last mark.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct SwarmReport {
    /// Bytes that all members read who only count.
    pub(crate) bytes: u64,
    /// Members whose connection has ended.
    pub(crate) ended: u64,
    /// From send to record, as the judges saw it.
    pub(crate) delivery: Quantiles,
    /// What the judges found wrong, since the start.
    pub(crate) faults: Faults,
}

#[derive(Default)]
struct Seen {
    bytes: Cell<u64>,
    ended: Cell<u64>,
    delivery: RefCell<Latency>,
    judges: RefCell<Vec<ReaderLedger>>,
    buffer: RefCell<Vec<u8>>,
}

/// The inside of the process: connects everybody, then answers each line of its input with a report.
pub(crate) async fn live(args: &SwarmArgs) -> anyhow::Result<()> {
    let seen = Rc::new(Seen { buffer: RefCell::new(vec![0; BUFFER_BYTES]), ..Seen::default() });
    let mut counting = gather(args, &seen).await?;
    if args.room.is_some() {
        spawn_local(show_life(counting.clone()));
    }
    let (line_came, mut lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| line_came.send(line))
    });
    writeln!(io::stdout(), "ready")?;
    while let Some(line) = lines.recv().await {
        if matches!(args.habit, Habit::Deaf) {
            counting.retain(|member| seen.read_up(member));
        }
        writeln!(io::stdout(), "{}", serde_json::to_string(&seen.report())?)?;
        if line == "mark" {
            seen.bytes.set(0);
            *seen.delivery.borrow_mut() = Latency::default();
        }
    }
    Ok(())
}

async fn gather(args: &SwarmArgs, seen: &Rc<Seen>) -> anyhow::Result<Vec<Rc<TcpStream>>> {
    let guests = Guests::new()?;
    let mut counting = Vec::new();
    if let Some(room) = &args.room
        && matches!(args.habit, Habit::Streaming | Habit::Polling)
    {
        follow(args, room, seen).await?;
        return Ok(counting);
    }
    for number in 0..args.members {
        let stream = match &args.room {
            None => TcpStream::connect(&args.address).await?,
            Some(room) => {
                let server: ServerAddress = format!("http://{}", args.address).parse()?;
                let guest = guests.guest(number)?;
                let judges = number < args.judges;
                if matches!(args.habit, Habit::Stomp) && !judges {
                    stomp::member(&server, &guest, room).await?
                } else {
                    let (mut client, _) = Client::connect(&server, &guest).await?;
                    let joined = client.join(room).await?;
                    if judges {
                        spawn_local(Rc::clone(seen).judge(client, joined.position.seq));
                        continue;
                    }
                    client.into_stream()
                }
            }
        };
        let stream = Rc::new(stream);
        counting.push(Rc::clone(&stream));
        if matches!(args.habit, Habit::Reading | Habit::Stomp) {
            spawn_local(Rc::clone(seen).count(stream));
        }
    }
    Ok(counting)
}

/// Has all members read the room over HTTP, and waits until each of them does.
async fn follow(args: &SwarmArgs, room: &str, seen: &Rc<Seen>) -> anyhow::Result<()> {
    let server: ServerAddress = format!("http://{}", args.address).parse()?;
    let head = Api::head_of(&Http::new(PATIENCE), &server, room).await?;
    for _ in 0..args.members {
        let judge = seen.judge_after(head);
        match args.habit {
            Habit::Streaming => {
                let address = server.http(&format!("/api/rooms/{room}/events?after={head}"));
                let stream = EventStream::open(&Http::new(PATIENCE), &address).await?;
                spawn_local(Rc::clone(seen).stream(stream, judge));
            }
            _ => {
                let address = server.http(&format!("/api/rooms/{room}/messages?limit=500&wait=30"));
                spawn_local(Rc::clone(seen).poll(address, judge, head));
            }
        }
    }
    Ok(())
}

/// Lets the members speak up one after the other, so that no burst of them disturbs a measurement.
async fn show_life(members: Vec<Rc<TcpStream>>) {
    let pause = SIGN_OF_LIFE / u32::try_from(members.len()).unwrap_or(u32::MAX).max(1);
    for member in members.iter().cycle() {
        // A connection that has ended is noticed by who reads it.
        let _ = member.try_write(&PONG);
        sleep(pause).await;
    }
}

impl Seen {
    async fn count(self: Rc<Self>, member: Rc<TcpStream>) {
        while member.readable().await.is_ok() {
            match member.try_read(&mut self.buffer.borrow_mut()) {
                Ok(0) => break,
                Ok(read) => self.bytes.set(self.bytes.get() + read as u64),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
        self.ended.set(self.ended.get() + 1);
    }

    /// Reads at last what a deaf member has left lying. `false` when the server has given it up.
    fn read_up(&self, member: &TcpStream) -> bool {
        loop {
            match member.try_read(&mut self.buffer.borrow_mut()) {
                Ok(read) if read > 0 => self.bytes.set(self.bytes.get() + read as u64),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                _ => break,
            }
        }
        self.ended.set(self.ended.get() + 1);
        false
    }

    /// One more judge, who has everything up to a record.
    fn judge_after(&self, position: u64) -> usize {
        let mut ledger = ReaderLedger::default();
        ledger.joined(position);
        self.judges.borrow_mut().push(ledger);
        self.judges.borrow().len() - 1
    }

    async fn stream(self: Rc<Self>, mut stream: EventStream, judge: usize) {
        while let Some(item) = stream.next().await {
            if let StreamItem::Event(event) = item
                && event.name == "record"
                && let Ok(record) = serde_json::from_str(&event.data)
            {
                self.saw(judge, &record);
            }
        }
        self.ended.set(self.ended.get() + 1);
    }

    async fn poll(self: Rc<Self>, address: String, judge: usize, mut after: u64) {
        let http = Http::new(PATIENCE);
        while let Ok(mut page) = http.get(&format!("{address}&after={after}")).await {
            let records: Vec<Record> = serde_json::from_value(page["records"].take()).unwrap_or_default();
            records.iter().for_each(|record| self.saw(judge, record));
            after = records.last().map_or(after, |record| record.seq);
        }
        self.ended.set(self.ended.get() + 1);
    }

    async fn judge(self: Rc<Self>, mut client: Client, position: u64) {
        let judge = self.judge_after(position);
        while let Ok(Event::Frame(frame)) = client.next().await {
            match frame {
                Incoming::Record(record) => self.saw(judge, &record),
                Incoming::Records { records } => records.iter().for_each(|record| self.saw(judge, record)),
                _ => {}
            }
        }
        self.ended.set(self.ended.get() + 1);
    }

    fn saw(&self, judge: usize, record: &Record) {
        self.judges.borrow_mut()[judge].saw(record.seq);
        let Some(sent) = record.body.as_deref().and_then(body::sent_at) else {
            return;
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        self.delivery.borrow_mut().record(now.saturating_sub(sent));
    }

    fn report(&self) -> SwarmReport {
        let judges = self.judges.borrow();
        let head = judges.iter().filter_map(ReaderLedger::last).max().unwrap_or_default();
        let mut faults = Faults::default();
        judges.iter().for_each(|judge| faults += judge.verdict(head));
        let delivery = self.delivery.borrow().quantiles();
        SwarmReport { bytes: self.bytes.get(), ended: self.ended.get(), delivery, faults }
    }
}

/// A swarm, seen from outside; its members go when this is dropped.
pub(crate) struct Swarm {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Swarm {
    /// Starts one and waits until all members are there.
    pub(crate) fn spawn(
        address: &str,
        room: Option<&str>,
        members: u64,
        judges: u64,
        habit: Habit,
    ) -> anyhow::Result<Self> {
        let habit = match habit {
            Habit::Reading => "reading",
            Habit::Stomp => "stomp",
            Habit::Deaf => "deaf",
            Habit::Streaming => "streaming",
            Habit::Polling => "polling",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["swarm", "--address", address, "--habit", habit])
            .args(["--members", &members.to_string(), "--judges", &judges.to_string()])
            .args(room.iter().map(|room| format!("--room={room}")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("the pipe was asked for")?;
        let output = BufReader::new(child.stdout.take().context("the pipe was asked for")?);
        let mut swarm = Self { child, input, output };
        swarm.line()?;
        Ok(swarm)
    }

    /// Counts anew from here.
    pub(crate) fn mark(&mut self) -> anyhow::Result<SwarmReport> {
        self.ask("mark")
    }

    /// What was seen since the last mark.
    pub(crate) fn report(&mut self) -> anyhow::Result<SwarmReport> {
        self.ask("report")
    }

    /// Waits until nothing comes any more, and says what was seen since the last mark.
    pub(crate) async fn quiet(&mut self) -> anyhow::Result<SwarmReport> {
        const PAUSE: Duration = Duration::from_millis(300);
        let mut report = self.report()?;
        loop {
            sleep(PAUSE).await;
            let next = self.report()?;
            if (next.bytes, next.delivery.count) == (report.bytes, report.delivery.count) {
                return Ok(next);
            }
            report = next;
        }
    }

    fn ask(&mut self, question: &str) -> anyhow::Result<SwarmReport> {
        writeln!(self.input, "{question}")?;
        let answer = self.line()?;
        serde_json::from_str(&answer).with_context(|| format!("the swarm said {answer:?}"))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        // Nothing is left to do if the process has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
