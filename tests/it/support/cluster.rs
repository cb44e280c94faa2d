//! Several nodes on one Kafka and one PostgreSQL database, and the tools that judge them: `klatsch check`, `verify`.
//! What is broken meanwhile is the tests' business.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::kafka::{self, Kafka};
use super::server::{KLATSCH, Plan, Server, without_settings};
use super::{breath, postgres};

/// The nodes of a cluster, numbered from 0.
pub(crate) struct Cluster {
    database: String,
    /// The nodes, running or killed.
    pub(crate) nodes: Vec<Server>,
    /// What the names of this cluster's topics begin with.
    pub(crate) prefix: String,
}

/// How a node of a cluster differs from the others.
pub(crate) type Differing = fn(node: usize, Plan) -> Plan;

/// A node on this Kafka and this database.
pub(crate) fn on_kafka(plan: Plan, brokers: &str, prefix: &str, database: &str) -> Plan {
    plan.set("log.kind", "kafka")
        .set("kafka.brokers", brokers)
        .set("kafka.topic_prefix", prefix)
        .set("database.url", database)
}

impl Cluster {
    /// Nodes on the Kafka and PostgreSQL that all tests share; `None`, said aloud, where one is missing.
    pub(crate) async fn shared(test: &str, nodes: usize) -> Option<Cluster> {
        let (kafka, prefix) = kafka::shared(test)?;
        let database = postgres::database(test)?;
        Some(Cluster::start(nodes, &kafka.bootstrap(), &prefix, &database, |_, plan| plan).await)
    }

    /// Nodes on this Kafka and this database.
    pub(crate) async fn start(
        nodes: usize,
        brokers: &str,
        prefix: &str,
        database: &str,
        differing: Differing,
    ) -> Cluster {
        let mut servers = Vec::new();
        for node in 0..nodes {
            let plan = Plan::default().set("node.id", format!("node-{}", node + 1));
            let plan = on_kafka(plan, brokers, prefix, database);
            servers.push(differing(node, plan).start().await);
        }
        Cluster { database: database.to_owned(), nodes: servers, prefix: prefix.to_owned() }
    }

    /// The name of one of its topics, such as `rooms`.
    pub(crate) fn topic(&self, name: &str) -> String {
        format!("{}.{name}", self.prefix)
    }

    /// Nodes on a Kafka of a test's own.
    pub(crate) async fn on(kafka: &Kafka, nodes: usize, test: &str) -> Option<Cluster> {
        let database = postgres::database(test)?;
        Some(Cluster::start(nodes, &kafka.bootstrap(), "klatsch", &database, |_, plan| plan).await)
    }

    /// The partition in which a room lives.
    pub(crate) fn partition_of(&self, room: &str) -> i32 {
        postgres::number(
            &self.database,
            &format!("SELECT partition AS number FROM rooms WHERE id = '{room}'"),
        )
    }

    /// Has `clients` talk in `rooms` rooms over all nodes for `seconds`, judged by `klatsch check`.
    pub(crate) fn check(&self, clients: u32, rooms: u32, seconds: u32) -> Check {
        let mut command = Command::new(KLATSCH);
        without_settings(&mut command).arg("check");
        for node in &self.nodes {
            command.args(["--url", &format!("http://{}", node.address())]);
        }
        for (name, number) in [("--clients", clients), ("--rooms", rooms), ("--seconds", seconds)] {
            command.args([name, &number.to_string()]);
        }
        Check::begin(command)
    }

    /// Holds the whole log against the database: what is in the one is in the other, and everything is stored (D7).
    pub(crate) async fn must_be_stored(&self) {
        let report = Check::begin(self.nodes[0].tool(&["verify", "--complete"])).end().await;
        println!("{report}");
        for node in &self.nodes {
            node.must_not_have_panicked();
        }
    }
}

/// A judge at work.
pub(crate) struct Check {
    child: Child,
    output: PathBuf,
    _folder: TempDir,
}

impl Check {
    fn begin(mut command: Command) -> Check {
        let folder = TempDir::new().unwrap();
        let output = folder.path().join("output");
        let file = File::create(&output).unwrap();
        command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
        Check { child: command.spawn().unwrap(), output, _folder: folder }
    }

    /// Whether it is still at work.
    pub(crate) fn goes_on(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its judgement, which must be good, and gives what it says.
    pub(crate) async fn end(mut self) -> String {
        while self.goes_on() {
            breath().await;
        }
        let report = std::fs::read_to_string(&self.output).unwrap();
        assert!(self.child.wait().unwrap().success(), "the judge says:\n{report}");
        report
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        // Killing what has already ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
