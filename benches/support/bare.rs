//! The bare loop: a process that holds connections and writes the same bytes to each, and nothing else.
//! What a chat server costs beyond it is its own doing; each byte that the driver writes asks for one message.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, ensure};
use klatsch::cli::bench::process::Process;
use tokio::io::Interest;

use crate::load::Target;

/// What one loop does with messages that are asked for at once.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Writing {
    /// One write for each message and member.
    Each,
    /// One write for each member, of all that is asked for.
    Coalesced,
}

/// The bare loop's process.
#[derive(clap::Args)]
pub(crate) struct BareArgs {
    #[arg(long)]
    members: usize,
    /// Length of a message on the wire
    #[arg(long)]
    bytes: usize,
    #[arg(long)]
    writing: Writing,
}

/// The inside of the process: prints its address, takes its members and the driver, and writes until the driver goes.
pub(crate) fn live(args: &BareArgs) -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let mut members = Vec::new();
    for _ in 0..=args.members {
        let (member, _) = listener.accept()?;
        member.set_nodelay(true)?;
        members.push(member);
    }
    // The swarm comes first, so the last to come is the driver, who is a member too.
    let mut driver = members.last().context("nobody came")?.try_clone()?;
    let mut asked = [0; 64];
    loop {
        let messages = driver.read(&mut asked)?;
        if messages == 0 {
            return Ok(());
        }
        match args.writing {
            Writing::Each => {
                (0..messages).try_for_each(|_| write_to_all(&mut members, &vec![b'x'; args.bytes]))?;
            }
            Writing::Coalesced => write_to_all(&mut members, &vec![b'x'; args.bytes * messages])?,
        }
    }
}

fn write_to_all(members: &mut [TcpStream], bytes: &[u8]) -> std::io::Result<()> {
    members.iter_mut().try_for_each(|member| member.write_all(bytes))
}

/// The bare loop, seen from outside; stopped when this is dropped.
pub(crate) struct Bare {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its process.
    pub(crate) process: Process,
    child: Child,
}

impl Bare {
    /// Starts one for a swarm of `members` and a driver; `bytes` is the length of a message.
    pub(crate) fn spawn(members: usize, bytes: usize, writing: Writing) -> anyhow::Result<Self> {
        let writing = match writing {
            Writing::Each => "each",
            Writing::Coalesced => "coalesced",
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(["bare", "--writing", writing])
            .args(["--members", &members.to_string(), "--bytes", &bytes.to_string()])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().context("the pipe was asked for")?;
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)?;
        let process = Process::new(child.id());
        Ok(Self { address: line.trim().parse()?, process, child })
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // Nothing is left to do if the process has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The one who asks the bare loop for messages, and gets them too.
pub(crate) struct BareDriver {
    stream: tokio::net::TcpStream,
    bytes: usize,
    /// Bytes of a message that has not come as a whole.
    partial: usize,
}

impl BareDriver {
    /// Connects; must come after the swarm.
    pub(crate) async fn connect(bare: &Bare, bytes: usize) -> anyhow::Result<Self> {
        let stream = tokio::net::TcpStream::connect(bare.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, bytes, partial: 0 })
    }
}

impl Target for BareDriver {
    async fn post(&mut self) -> anyhow::Result<()> {
        self.stream.async_io(Interest::WRITABLE, || self.stream.try_write(b"m")).await?;
        Ok(())
    }

    async fn come_back(&mut self) -> anyhow::Result<u64> {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.async_io(Interest::READABLE, || self.stream.try_read(&mut buffer)).await?;
        ensure!(read > 0, "the bare loop ended");
        let bytes = self.partial + read;
        self.partial = bytes % self.bytes;
        Ok((bytes / self.bytes) as u64)
    }
}
