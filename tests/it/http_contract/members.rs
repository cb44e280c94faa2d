//! Members: entering and leaving over HTTP.
//! What sockets hear of it is in `socket_contract::membership`.

use serde_json::{Value, json};

use super::{assert_room, assert_time, walk};
use crate::support::http::{Http, id_of};
use crate::support::server::Server;
use crate::support::socket::merged;

#[actix_web::test]
async fn members_stand_in_order_of_joining() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let mut users = Vec::new();
    for n in 0..5 {
        users.push(http.user(&format!("user {n}")).await);
    }
    let room = id_of(&http.acting_as(&users[4]).room("hall").await);
    let order = [3, 0, 4, 1, 2];
    for n in order {
        http.acting_as(&users[n]).enter(&room).await;
    }
    let path = format!("/api/rooms/{room}/members");
    let role = |n: usize| if n == 4 { "owner" } else { "member" };
    let shown = |n: &usize| merged(users[*n].shown(), json!({ "role": role(*n) }));
    let shown: Vec<Value> = order.iter().map(shown).collect();
    for limit in [1, 2, 5, 6] {
        assert_eq!(walk(&http, &path, "members", limit).await, shown, "in pages of {limit}");
    }

    let again = http.acting_as(&users[3]);
    again.delete(&format!("{path}/me")).await.expect(204);
    again.enter(&room).await;
    let mut shown = shown;
    shown.rotate_left(1);
    assert_eq!(walk(&http, &path, "members", 50).await, shown);
}

#[actix_web::test]
async fn entering_and_leaving_are_records_and_can_be_repeated() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    let me = format!("/api/rooms/{room}/members/me");

    http.delete(&me).await.expect(204);
    for _ in 0..3 {
        let entered = http.enter(&room).await;
        assert_room(&entered, "hall");
        assert_eq!((&entered["members"], &entered["head"]["seq"]), (&json!(1), &json!(1)));
    }
    for _ in 0..3 {
        let left = http.delete(&me).await;
        assert_eq!((left.status, left.text().as_str()), (204, ""));
    }
    let history = http.history(&room).await;
    assert_eq!(history.len(), 2, "{history:?}");
    for (record, kind) in history.iter().zip(["joined", "left"]) {
        assert_eq!(record["kind"], kind);
        assert_eq!(record["room"], room);
        assert_eq!(record["sender"], ada.shown());
        assert_time(&record["at"]);
        assert!(record.get("type").is_none() && record.get("id").is_none(), "{record}");
    }
    assert_eq!(http.look_at(&room).await["members"], 0);
}
