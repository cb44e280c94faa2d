//! Partitions: rooms stay in theirs when more are added, and nobody reads one in which every room sleeps.
//! Which partition a room gets is read from the database, for no client is told.

use std::cell::RefCell;

use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;

use super::figure;
use crate::support::cluster::Cluster;
use crate::support::http::{Http, id_of};
use crate::support::socket::Socket;
use crate::support::talker::Talking;
use crate::support::{kafka, postgres, until};

/// Read by a node now.
const READ: &str = "klatsch_kafka_partitions_read";

#[actix_web::test]
async fn added_partitions_move_no_room_and_take_new_ones() {
    let test = "added partitions";
    let (Some((kafka, prefix)), Some(database)) = (kafka::shared(test), postgres::database(test)) else {
        return;
    };
    let cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &database, |_, plan| {
        plan.set("kafka.partitions", 2).set("kafka.properties.topic.metadata.refresh.interval.ms", 1000)
    })
    .await;
    let talking = Talking::begin_across(&cluster.nodes, "steady", 4, 4).await;
    talking.progress(50).await;
    let before = cluster.partition_of(talking.room());

    let admin: AdminClient<DefaultClientContext> = kafka.client().create().unwrap();
    let topic = cluster.topic("rooms");
    let more = NewPartitions::new(&topic, 8);
    let made = admin.create_partitions([&more], &AdminOptions::new()).await.unwrap();
    assert!(made.iter().all(Result::is_ok), "{made:?}");
    talking.progress(50).await;

    let http = Http::to(&cluster.nodes[1]);
    let ada = http.user("Ada").await;
    let http = http.acting_as(&ada);
    let made = RefCell::new(Vec::new());
    until("a room in an added partition", async || {
        let name = format!("room {}", made.borrow().len());
        let room = id_of(&http.room(&name).await);
        made.borrow_mut().push(room.clone());
        cluster.partition_of(&room) >= 2
    })
    .await;
    let new = made.borrow().last().unwrap().clone();
    let mut socket = Socket::of(&cluster.nodes[0], &ada).await;
    socket.join(&new).await;
    http.say(&new, "here, too").await;
    assert_eq!(socket.record().await["body"], "here, too");

    talking.progress(50).await;
    assert_eq!(cluster.partition_of(talking.room()), before);
    talking.end(&cluster.nodes[0]).await;
    cluster.must_be_stored().await;
}

#[actix_web::test]
async fn a_node_whose_rooms_all_sleep_reads_no_partition() {
    let test = "an idle node";
    let (Some((kafka, prefix)), Some(database)) = (kafka::shared(test), postgres::database(test)) else {
        return;
    };
    let cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &database, |_, plan| {
        plan.set("rooms.idle_s", 1).set("node.roles", "gateway,saver")
    })
    .await;
    let [busy, idle] = &cluster.nodes[..] else { unreachable!("there are two") };
    let http = Http::to(busy);
    let http = http.acting_as(&http.user("Ada").await);
    for n in 0..figure(100, 10_000) {
        let room = id_of(&http.room(&format!("room {n}")).await);
        if n < 20 {
            http.enter(&room).await;
            http.say(&room, "good night").await;
            assert_eq!(Http::to(idle).figure(READ).await, 0.0, "no room is awake here");
        }
    }
    for node in [busy, idle] {
        let http = Http::to(node);
        until("the rooms to fall asleep", async || http.figure("klatsch_rooms_awake").await == 0.0).await;
        until("the partitions to be given up", async || http.figure(READ).await == 0.0).await;
    }
    cluster.must_be_stored().await;
}
