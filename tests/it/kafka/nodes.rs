//! Nodes that share their rooms, and are killed: D1, D2, D3, D4 and D7 over several nodes.
//! Brokers and the database stay well here.

use serde_json::json;

use super::{figure, load, outage};
use crate::support::cluster::Cluster;
use crate::support::http::{Http, id_of, messages_of};
use crate::support::seed::Dice;
use crate::support::server::Server;
use crate::support::socket::Socket;
use crate::support::talker::Talking;

/// D2 D7.
#[actix_web::test]
async fn two_nodes_show_everything_to_everybody_in_one_order() {
    let Some(cluster) = Cluster::shared("two nodes", 2).await else {
        return;
    };
    println!("{}", load(&cluster, 8, 60).end().await);
    cluster.must_be_stored().await;
}

/// D1 D2 D3 D4 D7.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_doubled_or_reordered_when_either_node_is_killed() {
    let Some(cluster) = Cluster::shared("kills of nodes", 2).await else {
        return;
    };
    break_under_load("kills of nodes", cluster, async |node| node.kill()).await;
}

/// D1 D2 D3 D4 D7: an orderly stop is no worse than a kill.
#[actix_web::test]
async fn d1_nothing_acknowledged_is_lost_doubled_or_reordered_when_either_node_is_restarted() {
    let Some(cluster) = Cluster::shared("restarts of nodes", 2).await else {
        return;
    };
    let stop = async |node: &mut Server| {
        let status = node.terminate().await;
        assert!(status.success(), "{status}: {}", node.log());
    };
    break_under_load("restarts of nodes", cluster, stop).await;
}

/// Stops one node after the other while the judge is at work.
async fn break_under_load(test: &str, mut cluster: Cluster, stop: impl AsyncFn(&mut Server)) {
    let mut dice = Dice::thrown_for(test);
    let talking = Talking::begin_across(&cluster.nodes, test, 4, 4).await;
    let check = load(&cluster, 15, 180);
    for stops in 0..figure(4, 20) {
        outage(1, 5).await;
        talking.progress(dice.between(20, 200)).await;
        let node = stops % cluster.nodes.len();
        stop(&mut cluster.nodes[node]).await;
        cluster.nodes[node].must_not_have_panicked();
        cluster.nodes[node].restart().await;
    }
    talking.progress(figure(20, 200)).await;
    talking.end(&cluster.nodes[0]).await;
    println!("{}", check.end().await);
    cluster.must_be_stored().await;
}

/// D3 D4: a position and a `client_id` are as good on one node as on another.
#[actix_web::test]
async fn d3_a_position_from_one_node_is_good_on_another() {
    let Some(cluster) = Cluster::shared("positions", 2).await else {
        return;
    };
    let [one, two] = &cluster.nodes[..] else { unreachable!("there are two") };
    let ada = Http::to(one).user("Ada").await;
    let room = Http::to(one).acting_as(&ada).room("hall").await;
    let (room, epoch) = (id_of(&room), room["head"]["epoch"].clone());
    let mut on_one = Socket::of(one, &ada).await;
    on_one.join(&room).await;
    let acks = [
        on_one.say_with(&room, "first", json!({ "client_id": "c1" })).await,
        on_one.say_with(&room, "second", json!({ "client_id": "c2" })).await,
    ];

    let mut on_two = Socket::of(two, &ada).await;
    let joined = on_two.join_with(&room, json!({ "after": { "epoch": epoch, "seq": acks[0]["seq"] } })).await;
    assert_eq!((&joined["recovered"], &joined["position"]["seq"]), (&json!(true), &acks[1]["seq"]));
    assert_eq!(on_two.record().await["body"], "second");
    let repeat = on_two.say_with(&room, "again", json!({ "client_id": "c1" })).await;
    assert_eq!((&repeat["seq"], &repeat["at"]), (&acks[0]["seq"], &acks[0]["at"]));

    let ack = on_two.say(&room, "third").await;
    for _ in 0..2 {
        on_one.record().await;
    }
    let third = on_one.record().await;
    assert_eq!((&third["body"], &third["seq"]), (&json!("third"), &ack["seq"]));
    assert_eq!(Http::to(one).history(&room).await, Http::to(two).history(&room).await);
    let path = format!("{}?after={}:{}", messages_of(&room), epoch.as_str().unwrap(), acks[1]["seq"]);
    assert_eq!(Http::to(one).get(&path).await.expect(200)["records"], json!([third]));
}

/// What one node has answered, the other knows, however soon it is asked.
#[actix_web::test]
async fn what_one_node_answered_holds_on_the_other_at_once() {
    let Some(cluster) = Cluster::shared("answers", 2).await else {
        return;
    };
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]].map(Http::to);
    let ada = one.user("Ada").await;
    let [one, two] = [one, two].map(|node| node.acting_as(&ada));
    for n in 0..20 {
        let (here, there) = if n % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let room = id_of(&here.room(&format!("room {n}")).await);
        if n % 4 < 2 {
            // The other node has the room awake, and therefore a state of its own.
            there.get(&messages_of(&room)).await.expect(200);
        }
        let entered = here.enter(&room).await;
        assert_eq!(there.look_at(&room).await, entered);
        let said = there.say(&room, "hello").await;
        assert_eq!(here.history(&room).await.last(), Some(&said));
        let left = there.delete(&format!("/api/rooms/{room}/members/me")).await;
        left.expect(204);
        let refused = here.post(&messages_of(&room), json!({ "body": "too late" })).await;
        refused.problem(403, "not_a_member");
    }
}
