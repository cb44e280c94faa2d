//! Savers and their database, stopped and frozen: D7 in the end, and chat goes on meanwhile.
//! Brokers stay well here.

use super::{figure, load, outage};
use crate::support::cluster::Cluster;
use crate::support::http::Http;
use crate::support::socket::Socket;
use crate::support::talker::Talking;
use crate::support::{kafka, postgres, until};

/// D1 D2 D3 D4 D7.
#[actix_web::test]
async fn d7_chat_goes_on_without_the_database_and_all_is_stored_afterwards() {
    let test = "a database that goes away";
    let (Some((kafka, prefix)), Some(postgres)) = (kafka::shared(test), postgres::of_my_own(test)) else {
        return;
    };
    let cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &postgres.database(), |_, plan| plan).await;
    let talking = Talking::begin_across(&cluster.nodes, "unstored", 4, 4).await;
    let check = load(&cluster, 15, 120);
    let known = Http::to(&cluster.nodes[0]).user("somebody who comes back").await;
    // Who comes to a node for the first time needs the database.
    talking.everybody_has_spoken().await;
    postgres.crash();
    talking.progress(200).await;
    let mut back = Socket::of(&cluster.nodes[0], &known).await;
    back.join(talking.room()).await;
    back.say(talking.room(), "without a database").await;
    back.close().await;
    outage(5, 60).await;
    talking.progress(200).await;
    postgres.resume();
    talking.progress(200).await;
    assert_eq!(talking.refusals(), Vec::<String>::new(), "the database is nothing that a send waits for");
    talking.end(&cluster.nodes[0]).await;
    println!("{}", check.end().await);
    cluster.must_be_stored().await;
}

/// D7: a saver that was taken for dead, and comes back, stores nothing twice and leaves nothing out.
#[actix_web::test]
async fn d7_a_saver_that_slept_past_its_session_is_fenced() {
    let test = "a twin saver";
    let (Some((kafka, prefix)), Some(database)) = (kafka::shared(test), postgres::database(test)) else {
        return;
    };
    let cluster = Cluster::start(3, &kafka.bootstrap(), &prefix, &database, |node, plan| {
        let plan = plan.set("kafka.properties.session.timeout.ms", 6000);
        if node == 0 { plan.set("node.roles", "gateway") } else { plan.set("node.roles", "saver") }
    })
    .await;
    let gateway = &cluster.nodes[..1];
    let talking = Talking::begin_across(gateway, "twins", 8, 8).await;
    for round in 0..figure(2, 6) {
        talking.progress(300).await;
        let sleeper = &cluster.nodes[1 + round % 2];
        sleeper.freeze();
        outage(8, 15).await;
        talking.progress(300).await;
        sleeper.thaw();
    }
    talking.progress(300).await;
    talking.end(&cluster.nodes[0]).await;
    for node in &cluster.nodes {
        let http = Http::to(node);
        until("/readyz to say yes", async || http.get("/readyz").await.status == 200).await;
    }
    cluster.must_be_stored().await;
}
