//! The native WebSocket of the contract: every request, reply, push, refusal and close code.
//! Faults, floods and resuming at length have files of their own.

mod connect;
mod frames;
mod join;
mod membership;
mod requests;
mod send;
mod stop;
mod watch;

use serde_json::{Value, json};

use crate::support::http::{Http, User, id_of, text};
use crate::support::server::Server;
use crate::support::socket::Socket;

/// A server with a room `hall`, made by Ada, who is not inside.
async fn hall() -> (Server, Http, User, String) {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("The Hall").await);
    (server, http, ada, room)
}

/// The same with Ada inside and `count` records altogether.
async fn hall_with_records(count: u64) -> (Server, Http, User, String) {
    let (server, http, ada, room) = hall().await;
    http.enter(&room).await;
    for n in 2..=count {
        http.say(&room, &n.to_string()).await;
    }
    (server, http, ada, room)
}

fn position(epoch: &str, seq: u64) -> Value {
    json!({ "epoch": epoch, "seq": seq })
}

fn epoch_of(joined: &Value) -> String {
    text(&joined["position"]["epoch"])
}

/// Asserts that nothing but `marker` comes next: what should not have been pushed would have come before it.
async fn next_is(socket: &mut Socket, marker: &Value) {
    let record = socket.record().await;
    assert_eq!(record["seq"], marker["seq"], "{record}");
}
