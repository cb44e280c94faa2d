//! A real Apache Kafka in a temporary folder: one broker for all tests, each with topics of its own, or brokers of a
//! test's own. Nothing of it outlives the test process, however that ends: a small shell watches over it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Message, OwnedMessage};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::server::free_port;
use super::{PATIENCE, breath, signal, skip};

/// What starts a broker; the same as for people.
const BROKER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/kafka-broker");

/// A Kafka of one broker or of three, running or in parts stopped.
pub(crate) struct Kafka {
    folder: PathBuf,
    home: PathBuf,
    ports: Vec<(u16, u16)>,
    brokers: Vec<Mutex<Option<Child>>>,
    watchdog: Child,
    extra: Option<PathBuf>,
}

/// The Kafka that all tests share, with a prefix for this test's topics; `None`, said aloud, where there is none.
pub(crate) fn shared(test: &str) -> Option<(&'static Kafka, String)> {
    static SHARED: OnceLock<Result<Kafka, String>> = OnceLock::new();
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let kafka = found(test, SHARED.get_or_init(|| Kafka::start(1)).as_ref())?;
    Some((kafka, format!("klatsch-{}", COUNT.fetch_add(1, Ordering::Relaxed))))
}

/// Brokers of a test's own, which it may kill; `None`, said aloud, where there are none.
pub(crate) fn of_my_own(test: &str, brokers: u16) -> Option<Kafka> {
    found(test, Kafka::start(brokers))
}

fn found<K, E: std::fmt::Display>(test: &str, kafka: Result<K, E>) -> Option<K> {
    match kafka {
        Ok(kafka) => Some(kafka),
        Err(reason) => {
            let on_ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!on_ci, "{test} must run on CI, but there is no Kafka: {reason}");
            skip(test, &format!("no Kafka: {reason}"));
            None
        }
    }
}

/// One broker of a test's own, with properties that `extra` makes of its folder and its two ports; they win over the
/// usual ones.
pub(crate) fn with_properties(
    test: &str,
    extra: impl FnOnce(&Path, u16, u16) -> Result<String, String>,
) -> Option<Kafka> {
    let write = |folder: &Path, ports: &[(u16, u16)]| {
        let file = folder.join("extra.properties");
        let (port, controller) = ports[0];
        std::fs::write(&file, extra(folder, port, controller)?).map_err(|error| error.to_string())?;
        Ok(Some(file))
    };
    found(test, Kafka::start_with(1, write))
}

impl Kafka {
    fn start(brokers: u16) -> Result<Kafka, String> {
        Kafka::start_with(brokers, |_, _| Ok(None))
    }

    fn start_with(
        brokers: u16,
        extra: impl FnOnce(&Path, &[(u16, u16)]) -> Result<Option<PathBuf>, String>,
    ) -> Result<Kafka, String> {
        let home = home()?;
        let folder =
            tempfile::Builder::new().prefix("klatsch-kafka-").tempdir().map_err(|e| e.to_string())?;
        let folder = folder.keep();
        let watchdog = watch_over(&folder)?;
        let ports: Vec<_> = (0..brokers).map(|_| (free_port(), free_port())).collect();
        let extra = extra(&folder, &ports)?;
        let brokers = (0..brokers).map(|_| Mutex::new(None)).collect();
        let kafka = Kafka { folder, home, ports, brokers, watchdog, extra };
        for broker in kafka.numbers() {
            kafka.spawn(broker)?;
        }
        kafka.wait_for(kafka.ports.len())?;
        Ok(kafka)
    }

    /// `host:port` of every broker, as `kafka.brokers` takes them.
    pub(crate) fn bootstrap(&self) -> String {
        let addresses: Vec<String> = self.ports.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    /// Where its files are, which are gone with it.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The brokers' numbers, from 1.
    pub(crate) fn numbers(&self) -> std::ops::RangeInclusive<usize> {
        1..=self.ports.len()
    }

    /// How a client of a test finds the brokers.
    pub(crate) fn client(&self) -> ClientConfig {
        let mut client = ClientConfig::new();
        client.set("bootstrap.servers", self.bootstrap()).set("reconnect.backoff.max.ms", "500");
        client
    }

    /// Kills a broker as a crash would: SIGKILL, no farewell.
    pub(crate) fn kill(&self, broker: usize) {
        let mut child = self.take(broker);
        // Killing what has already ended is no failure.
        let _ = child.kill();
        child.wait().unwrap();
    }

    /// Stops a broker in an orderly way and waits for its end.
    pub(crate) async fn stop(&self, broker: usize) {
        let mut child = self.take(broker);
        signal("TERM", child.id());
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            // A broker that has lost its quorum cannot leave in an orderly way.
            if Instant::now() > deadline {
                let _ = child.kill();
            }
            breath().await;
        }
    }

    /// Starts a broker again on its data and ports. Waits for nothing.
    pub(crate) fn restart(&self, broker: usize) {
        self.spawn(broker).unwrap();
    }

    /// Stops a broker's process where it stands: its sockets stay, and nobody answers.
    pub(crate) fn freeze(&self, broker: usize) {
        signal("STOP", self.pid(broker));
    }

    /// Lets a frozen broker go on.
    pub(crate) fn thaw(&self, broker: usize) {
        signal("CONT", self.pid(broker));
    }

    /// The broker that leads a partition; panics where there is none within [`PATIENCE`].
    pub(crate) fn leader(&self, topic: &str, partition: i32) -> usize {
        let deadline = Instant::now() + PATIENCE;
        let client: BaseConsumer = self.client().create().unwrap();
        loop {
            if let Ok(metadata) = client.fetch_metadata(Some(topic), Duration::from_secs(5)) {
                let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
                let leader = partitions.filter(|one| one.id() == partition).map(|one| one.leader()).next();
                if let Some(leader) =
                    leader.and_then(|leader| usize::try_from(leader).ok()).filter(|l| *l > 0)
                {
                    return leader;
                }
            }
            assert!(Instant::now() < deadline, "{topic}:{partition} has no leader");
            pause();
        }
    }

    /// Every record of a topic, partition by partition; none where there is no such topic.
    pub(crate) fn everything_in(&self, topic: &str) -> Vec<OwnedMessage> {
        let patience = Duration::from_secs(10);
        let consumer: BaseConsumer = self.client().set("group.id", "nobody").create().unwrap();
        let metadata = consumer.fetch_metadata(Some(topic), patience).unwrap();
        let partitions = metadata.topics().iter().flat_map(|topic| topic.partitions());
        let mut list = TopicPartitionList::new();
        let mut left = 0;
        for partition in partitions.map(|partition| partition.id()) {
            let (low, high) = consumer.fetch_watermarks(topic, partition, patience).unwrap();
            left += high - low;
            list.add_partition_offset(topic, partition, Offset::Offset(low)).unwrap();
        }
        consumer.assign(&list).unwrap();
        let records = consumer.iter().filter_map(Result::ok).map(|record| record.detach());
        let mut records: Vec<OwnedMessage> = records.take(usize::try_from(left).unwrap()).collect();
        records.sort_by_key(|record| (record.partition(), record.offset()));
        records
    }

    /// Waits until so many brokers belong to it.
    pub(crate) fn wait_for(&self, brokers: usize) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        let client: BaseConsumer = self.client().create().map_err(|error| error.to_string())?;
        loop {
            let metadata = client.fetch_metadata(None, Duration::from_millis(500));
            if metadata.is_ok_and(|metadata| metadata.brokers().len() >= brokers) {
                return Ok(());
            }
            let left = self.numbers().filter(|broker| !self.has_ended(*broker)).count();
            if Instant::now() > deadline || left < brokers {
                return Err(format!("{brokers} broker(s) did not get ready:\n{}", self.logs()));
            }
            pause();
        }
    }

    /// What the brokers wrote, their last lines.
    fn logs(&self) -> String {
        let mut tails = String::new();
        for broker in self.numbers() {
            let log = std::fs::read_to_string(self.log(broker)).unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(20)..].join("\n");
            tails.push_str(&format!("--- broker {broker}\n{tail}\n"));
        }
        tails
    }

    /// A broker that the watchdog need not know any more.
    fn take(&self, broker: usize) -> Child {
        std::fs::remove_file(self.folder.join(format!("{broker}.pid"))).unwrap();
        self.brokers[broker - 1].lock().unwrap().take().expect("the broker runs")
    }

    fn has_ended(&self, broker: usize) -> bool {
        let mut child = self.brokers[broker - 1].lock().unwrap();
        child.as_mut().is_none_or(|child| child.try_wait().unwrap().is_some())
    }

    fn pid(&self, broker: usize) -> u32 {
        self.brokers[broker - 1].lock().unwrap().as_ref().expect("the broker runs").id()
    }

    fn log(&self, broker: usize) -> PathBuf {
        self.folder.join(format!("{broker}.log"))
    }

    fn spawn(&self, broker: usize) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.log(broker));
        let log = log.map_err(|error| error.to_string())?;
        let child = Command::new(BROKER)
            .arg(self.folder.join(broker.to_string()))
            .arg(broker.to_string())
            .args(self.ports.iter().map(|(port, controller)| format!("{port}:{controller}")))
            .env("KLATSCH_KAFKA_HOME", &self.home)
            // Ready in two thirds of the time, and fast enough for a test.
            .env("KLATSCH_KAFKA_JAVA", "-XX:TieredStopAtLevel=1")
            .envs(self.extra.iter().map(|file| ("KLATSCH_KAFKA_EXTRA", file)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().map_err(|error| error.to_string())?)
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{BROKER}: {error}"))?;
        let name = self.folder.join(format!("{broker}.pid"));
        std::fs::write(name, child.id().to_string()).map_err(|error| error.to_string())?;
        *self.brokers[broker - 1].lock().unwrap() = Some(child);
        Ok(())
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.logs());
        }
        for broker in self.numbers().filter(|broker| !self.has_ended(*broker)) {
            self.kill(broker);
        }
        // The end of its input is what the watchdog waits for.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "what all tests share starts outside of any runtime")]
fn pause() {
    std::thread::sleep(Duration::from_millis(50));
}

/// Starts a shell that kills the brokers and removes their folder as soon as this process is gone.
fn watch_over(folder: &Path) -> Result<Child, String> {
    use std::os::unix::process::CommandExt;
    let script = r#"
        cat > /dev/null
        for pid in "$1"/*.pid; do
            kill -9 "$(cat "$pid")"
        done
        sleep 0.2
        rm -rf "$1"
    "#;
    Command::new("sh")
        .args(["-c", script, "watchdog"])
        .arg(folder)
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: an interrupt at the terminal must not take it away before its work.
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())
}

/// The folder with Kafka's jars, which `scripts/kafka-home` gets; here nothing is fetched.
fn home() -> Result<PathBuf, String> {
    if let Some(home) = std::env::var_os("KLATSCH_KAFKA_HOME") {
        return Ok(PathBuf::from(home));
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools");
    let folders = std::fs::read_dir(tools).into_iter().flatten().flatten();
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("kafka-4"));
    let home = folders.map(|folder| folder.path()).find(named);
    home.ok_or_else(|| "its jars were not found (scripts/kafka-home gets them)".to_owned())
}
