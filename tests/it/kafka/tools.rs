//! What operators do to the topics from the command line: make and check them, show and replay dead letters.
//! What the topics are for is tested elsewhere.

use std::process::Command;
use std::time::Duration;

use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;
use tempfile::TempDir;

use crate::support::cluster::Cluster;
use crate::support::kafka::Kafka;
use crate::support::server::Plan;
use crate::support::{kafka, until};

/// What a tool printed and said, and whether it was content.
fn run(mut tool: Command) -> (String, String, bool) {
    let output = tool.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.success())
}

#[actix_web::test]
async fn topics_are_made_checked_and_given_more_partitions() {
    let Some((kafka, prefix)) = kafka::shared("topics") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let topics = |settings: &[(&str, &str)], arguments: &[&str]| {
        let plan = Plan::default().set("kafka.brokers", kafka.bootstrap()).set("kafka.topic_prefix", &prefix);
        let plan = settings.iter().fold(plan, |plan, (name, value)| plan.set(name, value));
        run(plan.tool(folder.path(), &[&["topics"], arguments].concat()))
    };
    let (found, _, is_well) = topics(&[], &["check"]);
    assert!(!is_well && found.contains("it is not there"), "{found}");
    let (made, said, is_well) = topics(&[("kafka.partitions", "3")], &["create"]);
    assert!(is_well && made.contains(&format!("{prefix}.rooms: created with 3 partitions")), "{made}{said}");
    let (found, said, is_well) = topics(&[("kafka.partitions", "3")], &["check"]);
    assert!(is_well && !found.contains("fault"), "{found}{said}");

    let (made, _, is_well) = topics(&[], &["create", "--partitions", "5"]);
    assert!(is_well && made.contains("had 3 partitions, has 5 partitions now"), "{made}");
    let (_, said, is_well) = topics(&[], &["create", "--partitions", "4"]);
    assert!(!is_well && said.contains("none can be taken away"), "{said}");
    let (found, _, is_well) = topics(&[("kafka.partitions", "6")], &["check"]);
    assert!(!is_well && found.contains("it has 5 partitions, not 6"), "{found}");
}

#[actix_web::test]
async fn a_dead_letter_is_shown_and_replayed_once_if_it_can_be_decoded() {
    let Some((kafka, _)) = kafka::shared("dead letters") else {
        return;
    };
    let Some(cluster) = Cluster::shared("dead letters", 1).await else {
        return;
    };
    let sender = json!({ "id": "nobody", "nickname": "nobody" });
    let message = json!({ "v": 1, "kind": "message", "sender": sender, "body": "to nobody" }).to_string();
    produce(kafka, &cluster.topic("rooms"), "no-such-room", "not JSON\u{1b}[31m at all").await;
    produce(kafka, &cluster.topic("rooms"), "no-such-room", &message).await;
    let dlt = |arguments: &[&str]| run(cluster.nodes[0].tool(&[&["dlt"], arguments].concat()));
    let lines = || dlt(&["list"]).0.lines().map(str::to_owned).collect::<Vec<_>>();
    until("two dead letters", async || lines().len() == 2).await;
    assert!(lines()[0].contains("no-such-room"), "{:?}", lines());

    let (shown, _, is_well) = dlt(&["show", "0"]);
    assert!(
        is_well && shown.contains("not JSON\\x1b[31m at all") && shown.contains("error: not a record"),
        "{shown}"
    );
    let (_, said, is_well) = dlt(&["show", "9"]);
    assert!(!is_well && said.contains("there is no dead letter 9"), "{said}");

    let (left, _, is_well) = dlt(&["replay", "0"]);
    assert!(!is_well && left.contains("left alone"), "{left}");
    let (done, said, is_well) = dlt(&["replay", "1"]);
    assert!(is_well && done.contains("appended to partition"), "{done}{said}");
    // Nobody made the room meanwhile, so it comes back.
    until("the dead letter that comes back", async || lines().len() == 3).await;
    assert!(lines()[1].contains("replayed") && !lines()[2].contains("replayed"), "{:?}", lines());
    let (again, _, is_well) = dlt(&["replay", "1"]);
    assert!(is_well && again.contains("was replayed before"), "{again}");
}

async fn produce(kafka: &Kafka, topic: &str, key: &str, value: &str) {
    let producer: FutureProducer = kafka.client().create().unwrap();
    let record = FutureRecord::to(topic).partition(0).key(key).payload(value);
    producer.send(record, Duration::from_secs(60)).await.unwrap();
}
