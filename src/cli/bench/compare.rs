//! `klatsch bench compare`: the same work on the embedded log and on Kafka, each on a server that it starts itself.
//! The broker, and the database if it is not SQLite, must be running; both should be nobody else's meanwhile.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::{Instant, sleep};

use super::chat::{self, ChatArgs};
use super::compare_report::{CompareReport, Cpu, Side};
use super::listener;
use super::node::{Folder, Node};
use super::process_tree::ProcessTree;
use crate::cli::client::guests::Guests;

/// A tenth of the work is done first, uncounted, for caches and compilers to get warm.
const WARM_UP: u64 = 10;
/// A server has stored everything when it used less than a tenth of one processor over this time.
const QUIET: Duration = Duration::from_millis(500);
const QUIET_SHARE: u32 = 10;
const UNTIL_QUIET: Duration = Duration::from_secs(30);
const POSTGRES_PORT: u16 = 5432;
const KAFKA_PORT: u16 = 9092;

/// What to compare.
#[derive(Debug, clap::Args)]
pub(super) struct CompareArgs {
    /// Members; each has a socket and is in one room
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    users: u64,
    /// Rooms
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    rooms: u64,
    /// Messages of each side
    #[arg(long, default_value_t = 15_000)]
    messages: u64,
    /// Length of a message
    #[arg(long, default_value_t = 200)]
    body_bytes: usize,
    /// A database for both sides; by default each gets an SQLite file of its own
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The Kafka brokers, as `host:port`, several with commas between
    #[arg(long, env = "KLATSCH__KAFKA__BROKERS", default_value = "127.0.0.1:9092")]
    brokers: String,
    /// The broker's process; by default what listens at the first broker's port on this machine
    #[arg(long)]
    broker_pid: Option<u32>,
    /// The database's process; by default what listens at its port on this machine
    #[arg(long)]
    database_pid: Option<u32>,
    /// Writes the report to this file as JSON
    #[arg(long)]
    json: Option<PathBuf>,
}

/// The processes that take part in one side.
struct Processes {
    server: ProcessTree,
    broker: Option<ProcessTree>,
    database: Option<ProcessTree>,
}

/// Runs both sides and gives the report.
pub(super) async fn run(args: &CompareArgs) -> anyhow::Result<CompareReport> {
    let embedded = side(args, "embedded").await.context("on the embedded log")?;
    let kafka = side(args, "kafka").await.context("on Kafka")?;
    let database = args.database.as_deref().map_or("SQLite", |_| "PostgreSQL");
    Ok(CompareReport { users: args.users, rooms: args.rooms, database, embedded, kafka })
}

impl CompareArgs {
    /// Where the report is wanted as JSON.
    pub(super) fn json(&self) -> Option<&PathBuf> {
        self.json.as_ref()
    }
}

async fn side(args: &CompareArgs, log: &'static str) -> anyhow::Result<Side> {
    let folder = Folder::create(&Guests::new()?.name("klatsch-compare", 0))?;
    let node = Node::start(&folder, &settings(args, log, &folder)).await?;
    let load = |messages| {
        ChatArgs::at_the_limit(node.address.clone(), args.users, args.rooms, messages, args.body_bytes)
    };
    chat::run(&load(args.messages / WARM_UP), || Ok(())).await.context("cannot warm up")?;
    let processes = Processes::of(args, log, &node);
    processes.quiet().await?;
    let before = Cell::new(None);
    let at_start = || {
        before.set(Some(processes.cpu()?));
        Ok(())
    };
    let chat = chat::run(&load(args.messages), at_start).await?;
    processes.quiet().await?;
    let spent = processes.cpu()?.since(before.get().context("the run never started")?);
    Ok(Side { chat, cpu: spent })
}

fn settings(args: &CompareArgs, log: &str, folder: &Folder) -> Vec<(&'static str, String)> {
    let sqlite = || format!("sqlite://{}", folder.path().join("klatsch.db").display());
    let database = args.database.clone().unwrap_or_else(sqlite);
    let mut settings = vec![("log.kind", log.to_owned())];
    if log == "kafka" {
        settings.push(("kafka.brokers", args.brokers.clone()));
        settings.push(("kafka.topic_prefix", prefix(&database)));
    }
    settings.push(("database.url", database));
    settings
}

/// A database knows how far it has stored the topics that it belongs to, so each gets topics of its own.
fn prefix(database: &str) -> String {
    let hash = database.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    format!("klatsch-compare-{hash:016x}")
}

impl Processes {
    fn of(args: &CompareArgs, log: &str, node: &Node) -> Self {
        let database = args.database.as_deref().and_then(|url| {
            args.database_pid.or_else(|| listener::at(listener::port_of(url, POSTGRES_PORT)))
        });
        let broker =
            || args.broker_pid.or_else(|| listener::at(listener::port_of(&args.brokers, KAFKA_PORT)));
        let broker = if log == "kafka" { broker() } else { None };
        Self {
            server: ProcessTree::new(node.pid()),
            broker: broker.map(ProcessTree::new),
            database: database.map(ProcessTree::new),
        }
    }

    fn cpu(&self) -> anyhow::Result<Cpu> {
        Ok(Cpu {
            server: self.server.cpu()?,
            broker: self.broker.map(|broker| broker.cpu()).transpose()?,
            database: self.database.map(|database| database.cpu()).transpose()?,
        })
    }

    /// Waits until the server has nothing more to store.
    async fn quiet(&self) -> anyhow::Result<()> {
        let give_up = Instant::now() + UNTIL_QUIET;
        loop {
            let before = self.server.cpu()?;
            sleep(QUIET).await;
            if self.server.cpu()?.saturating_sub(before) < QUIET / QUIET_SHARE || Instant::now() > give_up {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_always_gets_the_same_topics_and_no_other_one_does() {
        assert_eq!(prefix("sqlite://a"), prefix("sqlite://a"));
        assert_ne!(prefix("sqlite://a"), prefix("sqlite://b"));
        assert!(!prefix("postgres://klatsch:s3cr3t@db").contains("s3cr3t"));
    }
}
