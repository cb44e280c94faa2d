//! A process that floods from an address of its own: with sends on one socket, or with people who sign up.
//! It keeps no limit it is told of, and comes back whenever it is cut; what others notice is measured elsewhere.

use std::cell::Cell;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context as _;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::client::socket::{Client, Identity, ServerAddress};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

/// Where the flood comes from; the others come from 127.0.0.1.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
/// What is due is written at once so often.
const TICK: Duration = Duration::from_millis(5);
/// Somebody who is cut comes back after so long.
const AGAIN: Duration = Duration::from_millis(20);
/// What does not get through in this time is given up.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a flood consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Flood {
    /// Messages on one socket.
    Sends,
    /// New people, over HTTP.
    SignUps,
}

/// The flooder's process.
#[derive(clap::Args)]
pub(crate) struct FlooderArgs {
    /// Where to, as `host:port`
    #[arg(long)]
    address: String,
    /// The room for messages
    #[arg(long)]
    room: String,
    #[arg(long)]
    flood: Flood,
    /// So many a second
    #[arg(long)]
    rate: f64,
}

/// What became of a flood.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct FloodReport {
    /// Messages that were written, or sign-ups that were asked for.
    pub(crate) sent: u64,
    /// Sign-ups that made somebody.
    pub(crate) made: u64,
    /// Sign-ups that were refused with 429.
    pub(crate) refused: u64,
    /// Sockets that were ended.
    pub(crate) cut: u64,
}

#[derive(Default)]
struct Seen {
    sent: Cell<u64>,
    made: Cell<u64>,
    refused: Cell<u64>,
    cut: Cell<u64>,
}

/// The inside of the process: floods until its input ends, and answers each line of it with a report.
pub(crate) async fn live(args: &FlooderArgs) -> anyhow::Result<()> {
    let seen = Rc::new(Seen::default());
    let server: ServerAddress = format!("http://{}", args.address).parse()?;
    let guest = Guests::new()?.guest(0)?;
    match args.flood {
        Flood::Sends => {
            let mut client = connect(&server, &guest).await?;
            client.join(&args.room).await?;
            spawn_local(Rc::clone(&seen).send(server, guest, args.room.clone(), args.rate));
        }
        Flood::SignUps => drop(spawn_local(Rc::clone(&seen).sign_up(server, args.rate))),
    }
    let (line_came, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        io::stdin().lines().map_while(Result::ok).try_for_each(|line| line_came.send(line))
    });
    writeln!(io::stdout(), "ready")?;
    while lines.recv().await.is_some() {
        let Seen { sent, made, refused, cut } = &*seen;
        let report =
            FloodReport { sent: sent.get(), made: made.get(), refused: refused.get(), cut: cut.get() };
        writeln!(io::stdout(), "{}", serde_json::to_string(&report)?)?;
    }
    Ok(())
}

async fn connect(server: &ServerAddress, guest: &Identity) -> anyhow::Result<Client> {
    let to: SocketAddr = server.authority().parse().context("an address and a port")?;
    let socket = TcpSocket::new_v4()?;
    socket.bind((FROM, 0).into())?;
    let stream = socket.connect(to).await?;
    let mut client = Client::open_on(server, stream).await?;
    client.introduce(guest).await?;
    Ok(client)
}

impl Seen {
    /// Writes messages at a rate; a socket that is ended is followed by the next.
    async fn send(self: Rc<Self>, server: ServerAddress, guest: Identity, room: String, rate: f64) {
        let frame = masked(&json!({"type": "send", "room": room, "body": "flood"}).to_string());
        loop {
            if let Ok(Ok(client)) = timeout(PATIENCE, connect(&server, &guest)).await {
                self.write(&client.into_stream(), &frame, rate).await;
                self.cut.set(self.cut.get() + 1);
            }
            sleep(AGAIN).await;
        }
    }

    /// Writes frames until the other side has enough, and reads away what comes.
    async fn write(&self, stream: &TcpStream, frame: &[u8], rate: f64) {
        let (mut ticks, mut owed, mut thrown_away) = (interval(TICK), 0.0, [0; 16 * 1024]);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let mut waiting: Vec<u8> = Vec::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    owed += rate * TICK.as_secs_f64();
                    // What the other side does not read is owed to nobody.
                    if waiting.is_empty() {
                        waiting = frame.repeat(owed as usize);
                        self.sent.set(self.sent.get() + owed as u64);
                    }
                    owed = owed.fract();
                }
                Ok(()) = stream.writable(), if !waiting.is_empty() => match stream.try_write(&waiting) {
                    Ok(written) => drop(waiting.drain(..written)),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                },
                Ok(()) = stream.readable() => match stream.try_read(&mut thrown_away) {
                    Ok(1..) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    _ => return,
                },
            }
        }
    }

    /// Asks at a rate, each time under another name.
    async fn sign_up(self: Rc<Self>, server: ServerAddress, rate: f64) {
        let connector = awc::Connector::new().local_address(FROM).limit(64);
        let client = awc::Client::builder().connector(connector).timeout(PATIENCE).finish();
        let Ok(guests) = Guests::new() else { return };
        let (mut ticks, mut owed) = (interval(TICK), 0.0);
        loop {
            ticks.tick().await;
            owed += rate * TICK.as_secs_f64();
            while owed >= 1.0 {
                owed -= 1.0;
                self.sent.set(self.sent.get() + 1);
                let nickname = guests.name("flood", self.sent.get());
                let asked = client.post(server.http("/api/users")).send_json(&json!({"nickname": nickname}));
                spawn_local(Rc::clone(&self).judge(asked));
            }
        }
    }

    async fn judge(self: Rc<Self>, asked: awc::SendClientRequest) {
        let Ok(mut response) = asked.await else { return };
        match response.status().as_u16() {
            201 => self.made.set(self.made.get() + 1),
            429 => self.refused.set(self.refused.get() + 1),
            _ => {}
        }
        // Read to its end, so that the connection can be used again.
        let _ = response.body().await;
    }
}

/// A text as a masked frame.
fn masked(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("a short text");
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    // A mask of zeros is a mask.
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    frame
}

/// A flooder, seen from outside; it stops when this is dropped.
pub(crate) struct Flooder {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Flooder {
    /// Starts one.
    pub(crate) fn spawn(address: &str, room: &str, flood: Flood, rate: f64) -> anyhow::Result<Self> {
        let flood = match flood {
            Flood::Sends => "sends",
            Flood::SignUps => "sign-ups",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["flooder", "--address", address, "--room", room, "--flood", flood])
            .args(["--rate", &rate.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("the pipe was asked for")?;
        let output = BufReader::new(child.stdout.take().context("the pipe was asked for")?);
        let mut flooder = Self { child, input, output };
        flooder.line()?;
        Ok(flooder)
    }

    /// What became of it so far.
    pub(crate) fn report(&mut self) -> anyhow::Result<FloodReport> {
        writeln!(self.input, "report")?;
        let answer = self.line()?;
        serde_json::from_str(&answer).with_context(|| format!("the flooder said {answer:?}"))
    }

    fn line(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        // Nothing is left to do if the process has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
