//! Two nodes that share a Kafka and a database: senders on the one, readers on the other.
//! Sends at a rate and takes times; a record that does not come is a failure.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, bail, ensure};
use klatsch::cli::bench::body;
use klatsch::cli::client::api::Api;
use klatsch::cli::client::frames::{Incoming, Record};
use klatsch::cli::client::guests::Guests;
use klatsch::cli::client::http::Http;
use klatsch::cli::client::socket::{Client, Event, Identity};
use klatsch::cli::latency::{Latency, Quantiles};
use tokio::time::{Instant, sleep, timeout};

use crate::Work;
use crate::load::Load;
use crate::server::Server;
use crate::speaker::Speaker;

/// What comes later than this after the last one is lost.
const QUIET: Duration = Duration::from_secs(10);
/// A node is waited for this long.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// The nodes, and who is where.
pub(crate) struct Pair {
    here: Server,
    there: Server,
    rooms: Vec<String>,
    guests: Guests,
    /// How many guests there were: each round has its own, for a sender's names are used once.
    came: Cell<u64>,
}

impl Pair {
    /// Starts the nodes and makes the rooms.
    pub(crate) async fn start(
        brokers: &str,
        prefix: &str,
        database: Option<String>,
        rooms: u32,
    ) -> anyhow::Result<Self> {
        let settings = |id: &str, database: Option<String>| {
            let mut settings = vec![
                ("KLATSCH__LOG__KIND", "kafka".to_owned()),
                ("KLATSCH__KAFKA__BROKERS", brokers.to_owned()),
                ("KLATSCH__KAFKA__TOPIC_PREFIX", prefix.to_owned()),
                ("KLATSCH__NODE__ID", id.to_owned()),
            ];
            settings.extend(database.map(|database| ("KLATSCH__DATABASE__URL", database)));
            settings
        };
        let mut here = Server::spawn(&settings("here", database.clone()))?;
        ready(&mut here).await?;
        let shared = format!("sqlite://{}/bench.db", here.folder.display());
        let mut there = Server::spawn(&settings("there", Some(database.unwrap_or(shared))))?;
        ready(&mut there).await?;
        let guests = Guests::new()?;
        let api = Api::sign_up(&here.address, &guests.guest(0)?).await?;
        let mut made = Vec::new();
        for number in 0..u64::from(rooms) {
            made.push(api.create_room(&guests.name("room", number)).await?);
        }
        Ok(Self { here, there, rooms: made, guests, came: Cell::new(0) })
    }

    /// Sends at a rate, reads everything on the other node, and gives the times between.
    pub(crate) async fn round(&self, work: Work) -> anyhow::Result<Quantiles> {
        let (mut readers, mut speakers) = (Vec::new(), Vec::new());
        let count = self.rooms.len() as u64;
        let (messages, load) = (work.messages / count, Load::Open(work.rate / count as f64));
        for room in &self.rooms {
            let (mut client, _) = Client::connect(&self.there.address, &self.guest()?).await?;
            client.join(room).await?;
            speakers.push(Speaker::join(&self.here.address, &self.guest()?, room, work.body_bytes).await?);
            let uncounted = (work.uncounted.as_secs_f64() * work.rate) as u64 / count;
            readers.push(tokio::task::spawn_local(hear(client, messages, uncounted)));
        }
        let mut sending = Vec::new();
        for (number, mut speaker) in speakers.into_iter().enumerate() {
            let after = Duration::from_secs_f64(number as f64 / work.rate);
            sending.push(tokio::task::spawn_local(async move {
                sleep(after).await;
                load.drive(&mut speaker, messages).await
            }));
        }
        let mut latency = Latency::default();
        for reader in readers {
            reader.await??.into_iter().for_each(|one| latency.record(one));
        }
        for sender in sending {
            sender.await??;
        }
        Ok(latency.quantiles())
    }

    fn guest(&self) -> anyhow::Result<Identity> {
        self.came.set(self.came.get() + 1);
        self.guests.guest(self.came.get())
    }
}

/// Waits until the node has found the brokers and its topics.
async fn ready(node: &mut Server) -> anyhow::Result<()> {
    node.listening().await?;
    let (http, give_up) = (Http::new(PATIENCE), Instant::now() + PATIENCE);
    while let Err(failure) = http.get(&node.address.http("/readyz")).await {
        ensure!(Instant::now() < give_up, "a node does not get ready: {failure}");
        sleep(BETWEEN_ATTEMPTS).await;
    }
    Ok(())
}

/// Reads so many messages; the first ones are not counted.
async fn hear(mut client: Client, messages: u64, uncounted: u64) -> anyhow::Result<Vec<Duration>> {
    let (mut times, mut count) = (Vec::new(), 0);
    while count < messages {
        let event = timeout(QUIET, client.next()).await;
        let records = match event.with_context(|| format!("{count} of {messages} messages came"))?? {
            Event::Frame(Incoming::Record(record)) => vec![record],
            Event::Frame(Incoming::Records { records }) => records,
            Event::Frame(_) => continue,
            Event::Cut(code) => bail!("the server closed a reader's socket ({code:?})"),
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().context("the clock stands before 1970")?;
        for sent_at in records.iter().filter_map(sent_at) {
            count += 1;
            times.extend((count > uncounted).then(|| now.saturating_sub(sent_at)));
        }
    }
    Ok(times)
}

fn sent_at(record: &Record) -> Option<Duration> {
    body::sent_at(record.body.as_deref()?)
}
