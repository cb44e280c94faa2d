//! An admin of the server in rooms that are not theirs: everything about others, and nothing to read.
//! They are one by a role in the token of an issuer, as they might be one otherwise.

use jsonwebtoken::Algorithm;
use serde_json::json;

use super::{House, claims, key, sign};
use crate::support::http::{Http, id_of};

#[actix_web::test]
async fn an_admin_moderates_every_room_and_reads_only_their_own() {
    let house = House::open().await;
    let http = Http::to(&house.server);
    let (ada_user, bob) = (http.user("Ada").await, http.user("Bob").await);
    let (ada, bob) = (http.acting_as(&ada_user), http.acting_as(&bob));
    let den = ada.private_room("den").await;
    let hall = id_of(&ada.room("hall").await);
    for room in [&den, &hall] {
        ada.enter(room).await;
    }
    let roles = json!({ "realm_access": { "roles": ["chat-admin"] } });
    let root = sign(Algorithm::RS256, "k1", &key("rsa"), &claims("7", "Root", roles));
    let root = http.with_token(&root);
    let path = |room: &str, rest: &str| format!("/api/rooms/{room}{rest}");
    root.put(&path(&hall, &format!("/mutes/{}", ada_user.id))).await.expect(204);
    let record = bob.history(&hall).await.pop().unwrap();
    assert_eq!((&record["kind"], &record["as_admin"]), (&json!("muted"), &json!(true)));
    ada.post(&path(&hall, "/messages"), json!({ "body": "x" })).await.problem(403, "muted");
    ada.delete(&path(&hall, &format!("/mutes/{}", ada_user.id))).await.problem(403, "forbidden");

    assert_eq!(root.get(&path(&den, "")).await.expect(200)["name"], "den");
    for rest in ["/messages", "/members", "/events", "/messages?after=0&wait=1"] {
        root.get(&path(&den, rest)).await.problem(404, "room_not_found");
    }
    root.put(&path(&den, "/members/me")).await.problem(404, "room_not_found");
    root.delete(&path(&den, "")).await.expect(204);
    assert_eq!(ada.look_at(&den).await["closed"], true);
}
