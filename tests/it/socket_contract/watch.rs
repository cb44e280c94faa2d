//! Watching the list of rooms: what is pushed, and what is not.
//! The list itself is in `http_contract::rooms`.

use serde_json::{Value, json};

use super::hall;
use crate::support::http::{Http, id_of};
use crate::support::server::Server;
use crate::support::socket::Socket;

/// The next push about this room; one about what was before the watching may still come first.
async fn push_about(socket: &mut Socket, room: &str) -> Value {
    loop {
        let push = socket.push("room").await;
        if push["room"]["id"] == room {
            return push;
        }
    }
}

/// Waits for the push that shows so many members.
async fn members_become(socket: &mut Socket, room: &str, members: u64) {
    loop {
        let push = push_about(socket, room).await;
        if push["room"]["members"] == members {
            return assert_eq!(push["change"], "changed", "{push}");
        }
    }
}

#[actix_web::test]
async fn who_watches_the_rooms_sees_them_change() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    assert_eq!(socket.ask("watch", json!({ "what": "rooms" })).await["type"], "watching");

    let cellar = http.room("cellar").await;
    let push = push_about(&mut socket, &id_of(&cellar)).await;
    assert_eq!(push, json!({ "type": "room", "change": "created", "room": cellar }));

    // Many changes may come as few pushes, but the last state comes.
    for n in 0..5 {
        let (mut guest, _) = Socket::guest(&server, &format!("guest {n}")).await;
        guest.join(&room).await;
    }
    members_become(&mut socket, &room, 5).await;
}

#[actix_web::test]
async fn messages_alone_do_not_change_a_room_and_unwatching_ends_it() {
    let (server, http, ada, room) = hall().await;
    let mut watching = Socket::of(&server, &ada).await;
    watching.ask("watch", json!({ "what": "rooms" })).await;
    // When this has come, nothing of what was before is on its way any more.
    http.enter(&room).await;
    members_become(&mut watching, &room, 1).await;
    let mut unwatching = settled_watcher(&server, &mut watching).await;
    for _ in 0..2 {
        assert_eq!(unwatching.ask("unwatch", json!({ "what": "rooms" })).await["type"], "unwatched");
    }

    for n in 0..20 {
        http.say(&room, &n.to_string()).await;
    }
    let cellar = id_of(&http.room("cellar").await);
    let push = watching.push("room").await;
    assert_eq!((&push["change"], &push["room"]["id"]), (&json!("created"), &json!(cellar)), "{push}");
    unwatching.ask("ping", json!({})).await;
    assert_eq!(unwatching.waiting_pushes().count(), 0);
}

/// Another watcher, who has seen a room made that `watching` has seen too.
async fn settled_watcher(server: &Server, watching: &mut Socket) -> Socket {
    let (mut socket, user) = Socket::guest(server, "Bob").await;
    socket.ask("watch", json!({ "what": "rooms" })).await;
    let attic = Http::to(server).acting_as(&user).room("attic").await;
    for watcher in [&mut socket, watching] {
        push_about(watcher, &id_of(&attic)).await;
    }
    socket
}
