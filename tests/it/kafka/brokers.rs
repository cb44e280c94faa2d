//! Brokers that are killed, stopped and started again: D1 to D4, and a cluster that mends itself.
//! The nodes and the database stay well here.

use std::time::Instant;

use super::{figure, load, outage};
use crate::support::cluster::Cluster;
use crate::support::http::Http;
use crate::support::kafka;
use crate::support::talker::Talking;
use crate::support::until;

/// What may be refused while brokers are away, and nothing else.
const WHILE_AWAY: [&str; 2] = ["log_unavailable", "overloaded"];

/// D1 D2 D3 D4 D7.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_doubled_or_reordered_when_the_broker_goes_away() {
    let Some(kafka) = kafka::of_my_own("a broker that goes away", 1) else {
        return;
    };
    let Some(cluster) = Cluster::on(&kafka, 2, "a broker that goes away").await else {
        return;
    };
    let check = load(&cluster, 30, 180);
    let talking = Talking::begin_across(&cluster.nodes, "broker", 4, 4).await;
    for _ in 0..figure(1, 3) {
        talking.progress(50).await;
        kafka.kill(1);
        kafka.restart(1);
        must_recover(&talking, "the kill").await;
    }
    kafka.stop(1).await;
    must_become(&cluster, 503).await;
    outage(5, 60).await;
    kafka.restart(1);
    must_recover(&talking, "the stop").await;
    must_become(&cluster, 200).await;
    must_have_been_patient(&talking);
    talking.end(&cluster.nodes[0]).await;
    println!("{}", check.end().await);
    cluster.must_be_stored().await;
}

/// D1 D2 D3 D4 D7: a broker that hangs instead of dying.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_doubled_or_reordered_when_the_broker_hangs() {
    let Some(kafka) = kafka::of_my_own("a broker that hangs", 1) else {
        return;
    };
    let Some(cluster) = Cluster::on(&kafka, 2, "a broker that hangs").await else {
        return;
    };
    let check = load(&cluster, 20, 60);
    let talking = Talking::begin_across(&cluster.nodes, "hanging", 4, 4).await;
    talking.progress(50).await;
    kafka.freeze(1);
    // Longer than an append may take, so that there are refusals of what is appended after all.
    talking.refusal("log_unavailable").await;
    kafka.thaw(1);
    must_recover(&talking, "the thaw").await;
    must_have_been_patient(&talking);
    talking.end(&cluster.nodes[0]).await;
    println!("{}", check.end().await);
    cluster.must_be_stored().await;
}

/// D1 D2 D3 D4 D7, replicated.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_doubled_or_reordered_when_replicas_go_away() {
    let Some(kafka) = kafka::of_my_own("three brokers", 3) else {
        return;
    };
    let Some(cluster) = Cluster::on(&kafka, 2, "three brokers").await else {
        return;
    };
    let check = load(&cluster, 45, 180);
    let talking = Talking::begin_across(&cluster.nodes, "replicas", 4, 4).await;
    talking.progress(50).await;
    let leader = kafka.leader(&cluster.topic("rooms"), cluster.partition_of(talking.room()));
    kafka.kill(leader);
    must_recover(&talking, "the leader's kill").await;
    kafka.restart(leader);
    kafka.wait_for(3).unwrap();
    talking.progress(50).await;

    kafka.stop(1).await;
    kafka.kill(2);
    // The one that is left cannot know that it is alone, so only sends tell.
    talking.refusal("log_unavailable").await;
    outage(5, 30).await;
    kafka.restart(1);
    kafka.restart(2);
    must_recover(&talking, "the restart of two").await;
    must_become(&cluster, 200).await;
    must_have_been_patient(&talking);
    talking.end(&cluster.nodes[0]).await;
    println!("{}", check.end().await);
    cluster.must_be_stored().await;
}

/// Every node says so by itself, whether it can serve.
async fn must_become(cluster: &Cluster, status: u16) {
    for node in &cluster.nodes {
        let http = Http::to(node);
        until("/readyz", async || http.get("/readyz").await.status == status).await;
    }
}

/// Sends are acknowledged again; how soon is said, and nothing is claimed about it.
async fn must_recover(talking: &Talking, after: &str) {
    let since = Instant::now();
    talking.progress(1).await;
    println!("acks {:?} after {after}", since.elapsed());
    talking.progress(50).await;
}

fn must_have_been_patient(talking: &Talking) {
    let refusals = talking.refusals();
    assert!(refusals.iter().all(|code| WHILE_AWAY.contains(&code.as_str())), "{refusals:?}");
}
