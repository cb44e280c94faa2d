//! What concerns all nodes besides rooms' records: the live list of rooms, and names that are there once.
//! How the list behaves on one node is in `socket_contract::watch`.

use serde_json::json;

use crate::support::cluster::Cluster;
use crate::support::http::{Http, id_of};
use crate::support::socket::Socket;

#[actix_web::test]
async fn a_room_made_on_one_node_is_in_the_live_list_of_the_other() {
    let Some(cluster) = Cluster::shared("the live list", 2).await else {
        return;
    };
    let [one, two] = &cluster.nodes[..] else { unreachable!("there are two") };
    let ada = Http::to(one).user("Ada").await;
    let http = Http::to(one).acting_as(&ada);
    let mut watching = Socket::of(two, &ada).await;
    assert_eq!(watching.ask("watch", json!({ "what": "rooms" })).await["type"], "watching");

    let room = http.room("hall").await;
    let push = watching.push("room").await;
    assert_eq!(push, json!({ "type": "room", "change": "created", "room": room }));

    http.enter(&id_of(&room)).await;
    let push = watching.push("room").await;
    assert_eq!((&push["change"], &push["room"]["members"]), (&json!("changed"), &json!(1)));
    assert_eq!(push["room"]["id"], room["id"]);
}

#[actix_web::test]
async fn a_nickname_and_the_name_of_a_room_are_there_once_on_all_nodes() {
    let Some(cluster) = Cluster::shared("names", 2).await else {
        return;
    };
    let [one, two] = [&cluster.nodes[0], &cluster.nodes[1]].map(Http::to);
    let ada = one.user("Ada").await;
    let again = two.post("/api/users", json!({ "nickname": "ADA" })).await;
    again.problem(409, "nickname_taken");
    assert_eq!(two.acting_as(&ada).get("/api/users/me").await.expect(200), ada.me());

    let room = one.acting_as(&ada).room("Hall").await;
    let again = two.acting_as(&ada).post("/api/rooms", json!({ "name": "hall" })).await;
    assert_eq!(again.problem(409, "room_name_taken")["room"], room);

    let names: Vec<String> = (0..10).map(|n| format!("both at once {n}")).collect();
    for name in &names {
        let body = json!({ "name": name });
        let (one, two) = (one.acting_as(&ada), two.acting_as(&ada));
        let (first, second) = (one.post("/api/rooms", body.clone()), two.post("/api/rooms", body));
        let (first, second) = futures_util::future::join(first, second).await;
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409], "{name}");
    }
}
