//! Watching the list of rooms: what is pushed, and what is not.
//! The list itself is in `http_contract::rooms`.

use serde_json::json;

use super::{hall, hall_with_records};
use crate::support::http::id_of;
use crate::support::socket::Socket;

#[actix_web::test]
async fn who_watches_the_rooms_sees_them_change() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    assert_eq!(socket.ask("watch", json!({ "what": "rooms" })).await["type"], "watching");

    let cellar = http.room("cellar").await;
    let push = socket.push("room").await;
    assert_eq!(push, json!({ "type": "room", "change": "created", "room": cellar }));

    // Many changes may come as few pushes, but the last state comes.
    for n in 0..5 {
        let (mut guest, _) = Socket::guest(&server, &format!("guest {n}")).await;
        guest.join(&room).await;
    }
    loop {
        let push = socket.push("room").await;
        assert_eq!((&push["change"], &push["room"]["id"]), (&json!("changed"), &json!(room)));
        if push["room"]["members"] == 5 {
            break;
        }
    }
}

#[actix_web::test]
async fn messages_alone_do_not_change_a_room_and_unwatching_ends_it() {
    let (server, http, ada, room) = hall_with_records(1).await;
    let mut watching = Socket::of(&server, &ada).await;
    let mut unwatching = Socket::of(&server, &ada).await;
    for socket in [&mut watching, &mut unwatching] {
        socket.ask("watch", json!({ "what": "rooms" })).await;
    }
    assert_eq!(unwatching.ask("unwatch", json!({ "what": "rooms" })).await["type"], "unwatched");
    assert_eq!(unwatching.ask("unwatch", json!({ "what": "rooms" })).await["type"], "unwatched");
    for n in 0..20 {
        http.say(&room, &n.to_string()).await;
    }
    let cellar = id_of(&http.room("cellar").await);
    let push = watching.push("room").await;
    assert_eq!((&push["change"], &push["room"]["id"]), (&json!("created"), &json!(cellar)), "{push}");
    unwatching.ask("ping", json!({})).await;
    assert_eq!(unwatching.waiting_pushes().count(), 0);
}
