//! Records that nobody can read or apply: they go to the dead letters and stop nobody.
//! Who writes them here is the test, past every node.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::message::{Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::http::{Http, id_of};
use crate::support::talker::Talking;
use crate::support::{kafka, until};

#[actix_web::test]
async fn poison_goes_to_the_dead_letters_and_stops_nobody() {
    let Some((kafka, _)) = kafka::shared("poison") else {
        return;
    };
    let Some(cluster) = Cluster::shared("poison", 2).await else {
        return;
    };
    let talking = Talking::begin_across(&cluster.nodes, "poisoned", 4, 4).await;
    talking.progress(50).await;
    let room = talking.room().to_owned();
    let partition = cluster.partition_of(&room);
    let elsewhere = room_elsewhere(&cluster, partition).await;
    let sender = json!({ "id": "nobody", "nickname": "nobody" });
    let message = json!({ "v": 1, "kind": "message", "sender": sender, "body": "poison" }).to_string();
    let newer = json!({ "v": 2, "kind": "message", "sender": sender, "body": "poison" }).to_string();
    let unknown = json!({ "v": 1, "kind": "riddle", "sender": sender }).to_string();
    let poison: [(Option<&str>, &str); 8] = [
        (Some(&room), "not JSON at all"),
        (Some(&room), ""),
        (Some(&room), &newer),
        (Some(&room), &unknown),
        (Some(&room), "{}"),
        (Some("no-such-room"), &message),
        (None, &message),
        (Some(&elsewhere), &message),
    ];
    let producer: FutureProducer = kafka.client().create().unwrap();
    let topic = cluster.topic("rooms");
    let mut places = BTreeMap::new();
    for (key, value) in poison {
        let mut record: FutureRecord<'_, str, str> =
            FutureRecord::to(&topic).partition(partition).payload(value);
        record.key = key;
        let delivery = producer.send(record, Duration::from_secs(60)).await.unwrap();
        places.insert(delivery.offset, value.to_owned());
        talking.progress(20).await;
    }
    let heard = || kafka.everything_in(&cluster.topic("rooms.dlt"));
    until("the dead letters", async || heard().len() >= places.len()).await;
    let letters = heard();
    assert_eq!(letters.len(), places.len(), "each once");
    for letter in &letters {
        let headers = letter.headers().unwrap();
        let header = |name: &str| {
            let value = headers.iter().find(|header| header.key == name).and_then(|header| header.value);
            String::from_utf8_lossy(value.unwrap_or_else(|| panic!("no header {name}"))).into_owned()
        };
        assert_eq!((header("topic"), header("partition")), (topic.clone(), partition.to_string()));
        let value = places.remove(&header("offset").parse::<i64>().unwrap()).expect("the offset of a poison");
        assert_eq!(letter.payload().unwrap_or_default(), value.as_bytes());
        assert!(!header("error").is_empty());
        assert!(!header("at").is_empty());
    }
    talking.progress(50).await;
    let history = talking.end(&cluster.nodes[0]).await;
    assert!(history.iter().all(|record| record["body"] != "poison"));
    assert_eq!(Http::to(&cluster.nodes[1]).look_at(&elsewhere).await["head"]["seq"], 0);
    let listed = cluster.nodes[0].tool(&["dlt", "list"]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    assert!(String::from_utf8_lossy(&listed.stdout).contains("riddle"), "{listed:?}");
    cluster.must_be_stored().await;
}

/// A room that does not live in this partition.
async fn room_elsewhere(cluster: &Cluster, partition: i32) -> String {
    let http = Http::to(&cluster.nodes[0]);
    let http = http.acting_as(&http.user("Ada").await);
    for n in 0.. {
        let room = id_of(&http.room(&format!("elsewhere {n}")).await);
        if cluster.partition_of(&room) != partition {
            return room;
        }
    }
    unreachable!("numbers do not end")
}
