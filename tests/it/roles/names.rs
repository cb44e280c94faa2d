//! A new nickname as the rooms of its owner show it.
//! Who may have which nickname is tested in `accounts`.

use serde_json::{Value, json};

use crate::support::http::{Http, User, id_of, text};
use crate::support::server::Server;
use crate::support::socket::Socket;

/// An account, and who acts with it.
async fn account(http: &Http, login: &str) -> (User, Http) {
    let asked = json!({ "login": login, "password": "correct horse battery", "nickname": login });
    let made = http.post("/api/accounts", asked).await.expect(201);
    let user = User {
        id: text(&made["user"]["id"]),
        nickname: text(&made["user"]["nickname"]),
        token: text(&made["access_token"]),
    };
    (user.clone(), http.acting_as(&user))
}

#[actix_web::test]
async fn a_new_nickname_is_a_record_in_every_room_and_old_messages_keep_the_old_one() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let (ada_user, ada) = account(&http, "Ada").await;
    let (bob_user, bob) = account(&http, "Bob").await;
    let rooms = [id_of(&ada.room("hall").await), ada.private_room("den").await];
    let direct = id_of(&bob.post("/api/direct", json!({ "nickname": "Ada" })).await.expect(201));
    for room in rooms.iter().chain([&direct]) {
        ada.enter(room).await;
        ada.say(room, "before").await;
    }
    let mut socket = Socket::of(&server, &ada_user).await;
    socket.join(&rooms[0]).await;
    let change = ada.call("PATCH".parse().unwrap(), "/api/users/me").json(&json!({ "nickname": "Countess" }));
    assert_eq!(change.answer().await.expect(200)["nickname"], "Countess");

    let record = socket.record().await;
    assert_eq!((&record["kind"], &record["nickname"]), (&json!("renamed"), &json!("Countess")));
    assert_eq!(record["sender"], ada_user.shown());
    // The socket was opened under the old name; the room knows better.
    socket.say(&rooms[0], "after").await;
    for room in rooms.iter().chain([&direct]) {
        let history = ada.history(room).await;
        let renamed: Vec<&Value> = history.iter().filter(|record| record["kind"] == "renamed").collect();
        assert_eq!(renamed.len(), 1, "{history:?}");
        let before = history.iter().find(|record| record["body"] == "before").unwrap();
        assert_eq!(before["sender"], ada_user.shown());
    }
    let last = ada.history(&rooms[0]).await.pop().unwrap();
    assert_eq!(last["sender"], json!({ "id": ada_user.id, "nickname": "Countess" }));
    let members = ada.get(&format!("/api/rooms/{}/members", rooms[0])).await.expect(200);
    assert_eq!(members["members"][0]["nickname"], "Countess");
    let shown = bob.look_at(&direct).await;
    assert_eq!((&shown["name"], &shown["with"]["id"]), (&json!("Countess"), &json!(ada_user.id)));
    assert_eq!(ada.look_at(&direct).await["name"], json!(bob_user.nickname));
}
