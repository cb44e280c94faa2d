//! Clusters that come back from worse: all killed at once, a database from a backup, a log cut off, a change of logs.
//! One part that fails under load is in the files beside this one.

use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use super::figure;
use crate::support::cluster::{Cluster, on_kafka};
use crate::support::http::{Http, User, id_of};
use crate::support::server::Plan;
use crate::support::talker::Talking;
use crate::support::{kafka, postgres, until};

/// D1 D2 D3 D4 D7.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_when_everything_is_killed_at_once() {
    let test = "everything killed";
    let (Some(kafka), Some(postgres)) = (kafka::of_my_own(test, 1), postgres::of_my_own(test)) else {
        return;
    };
    let database = postgres.database();
    let mut cluster = Cluster::start(2, &kafka.bootstrap(), "klatsch", &database, |_, plan| plan).await;
    let talking = Talking::begin_across(&cluster.nodes, "unlucky", 4, 4).await;
    for _ in 0..figure(2, 10) {
        talking.progress(100).await;
        kafka.kill(1);
        postgres.crash();
        cluster.nodes.iter_mut().for_each(|node| node.kill());
        kafka.restart(1);
        postgres.resume();
        for node in &mut cluster.nodes {
            node.restart().await;
        }
    }
    talking.progress(100).await;
    talking.end(&cluster.nodes[1]).await;
    cluster.must_be_stored().await;
}

/// D7: what the backup lacks is stored again from the log.
#[actix_web::test]
async fn d7_a_database_from_a_backup_is_brought_up_to_date_from_the_log() {
    let test = "a backup";
    let (Some((kafka, prefix)), Some(postgres)) = (kafka::shared(test), postgres::of_my_own(test)) else {
        return;
    };
    let (database, brokers) = (postgres.database(), kafka.bootstrap());
    let mut cluster = Cluster::start(2, &brokers, &prefix, &database, |_, plan| plan).await;
    let talking = Talking::begin_across(&cluster.nodes, "saved", 4, 4).await;
    talking.progress(100).await;
    cluster.nodes.iter_mut().for_each(|node| node.kill());
    let backup = postgres.copy(&database);
    for node in &mut cluster.nodes {
        node.restart().await;
    }
    talking.progress(300).await;
    let history = talking.end(&cluster.nodes[0]).await;
    cluster.must_be_stored().await;
    drop(cluster);

    let cluster = Cluster::start(2, &brokers, &prefix, &backup, |_, plan| plan).await;
    let room = history[0]["room"].as_str().unwrap();
    for node in &cluster.nodes {
        assert_eq!(Http::to(node).history(room).await, history);
    }
    cluster.must_be_stored().await;
}

/// D2 D7: what is stored does not need the log any more.
#[actix_web::test]
async fn rooms_go_on_when_the_log_has_forgotten_what_is_stored() {
    let test = "retention";
    let (Some((kafka, prefix)), Some(database)) = (kafka::shared(test), postgres::database(test)) else {
        return;
    };
    let mut cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &database, |_, plan| plan).await;
    let (ada, rooms) = rooms_with(&cluster, 3, 10).await;
    cluster.must_be_stored().await;

    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let mut all = TopicPartitionList::new();
    for room in &rooms {
        let partition = cluster.partition_of(room);
        // Several rooms may live in one.
        if all.find_partition(&cluster.topic("rooms"), partition).is_none() {
            all.add_partition_offset(&cluster.topic("rooms"), partition, Offset::End).unwrap();
        }
    }
    admin.delete_records(&all, &AdminOptions::new()).await.unwrap();
    for node in &mut cluster.nodes {
        node.kill();
        node.restart().await;
    }
    for (n, room) in rooms.iter().enumerate() {
        let [one, two] = [&cluster.nodes[n % 2], &cluster.nodes[(n + 1) % 2]].map(Http::to);
        assert_eq!(one.history(room).await.len(), 11);
        let said = one.acting_as(&ada).say(room, "still here").await;
        assert_eq!(said["seq"], 12);
        assert_eq!(two.history(room).await.last(), Some(&said));
    }
    cluster.must_be_stored().await;
}

/// D2 D4 D7: rooms of one node become rooms of a cluster.
#[actix_web::test]
async fn rooms_of_the_embedded_log_go_on_in_kafka() {
    let test = "a change of logs";
    let (Some((kafka, prefix)), Some(database)) = (kafka::shared(test), postgres::database(test)) else {
        return;
    };
    let mut alone = Plan::default().set("database.url", &database).start().await;
    let http = Http::to(&alone);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    let path = crate::support::http::messages_of(&room);
    let message = json!({ "body": "said alone", "client_id": "c1" });
    let said = http.post(&path, message.clone()).await.expect(201);
    let before = http.history(&room).await;
    assert!(alone.terminate().await.success());

    let cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &database, |_, plan| plan).await;
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]].map(|node| Http::to(node).acting_as(&ada));
    assert_eq!(one.history(&room).await, before);
    let answer = two.post(&path, message).await;
    assert_eq!(answer.expect(200)["seq"], said["seq"], "a repeat is one on the new log, too");
    let next = two.say(&room, "said together").await;
    assert_eq!(next["seq"], 3);
    assert_eq!(one.history(&room).await.last(), Some(&next));
    cluster.must_be_stored().await;
}

#[actix_web::test]
async fn a_node_starts_without_brokers_says_so_and_goes_on_by_itself() {
    let test = "a start without brokers";
    let (Some(kafka), Some(database)) = (kafka::of_my_own(test, 1), postgres::database(test)) else {
        return;
    };
    kafka.kill(1);
    let node = on_kafka(Plan::default(), &kafka.bootstrap(), "klatsch", &database).start_unready().await;
    let http = Http::to(&node);
    until("/readyz to say no", async || {
        let answer = http.call(awc::http::Method::GET, "/readyz").try_answer().await;
        answer.is_ok_and(|answer| answer.status == 503)
    })
    .await;
    let reasons: Value = serde_json::from_str(&http.get("/readyz").await.text()).unwrap();
    assert!(!reasons["reasons"].as_array().unwrap().is_empty(), "{reasons}");
    let ada = http.user("Ada").await;
    kafka.restart(1);
    until("/readyz to say yes", async || http.get("/readyz").await.status == 200).await;
    let http = http.acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    http.enter(&room).await;
    assert_eq!(http.say(&room, "at last").await["seq"], 2);
}

/// So many rooms in which somebody has said so much.
async fn rooms_with(cluster: &Cluster, rooms: usize, messages: usize) -> (User, Vec<String>) {
    let http = Http::to(&cluster.nodes[0]);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let mut made = Vec::new();
    for n in 0..rooms {
        let room = id_of(&http.room(&format!("room {n}")).await);
        http.enter(&room).await;
        for n in 0..messages {
            http.say(&room, &n.to_string()).await;
        }
        made.push(room);
    }
    (ada, made)
}
