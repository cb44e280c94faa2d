//! STOMP 1.0, 1.1 and 1.2 over a raw WebSocket: what the specification demands, and the chat on it.
//! Real clients try the same in `tests/clients` of the page's folder.

mod acks;
mod anonymous;
mod connect;
mod frames;
mod heartbeats;
mod load;
mod messages;
mod receipts;
mod refusals;
mod routes;
mod stop;
mod subscriptions;
mod together;
mod transactions;
mod versions;

use crate::support::http::{Http, User, id_of};
use crate::support::server::{Plan, Server};
use crate::support::stomp::Stomp;

/// A server with a room, and Ada in it.
struct Hall {
    server: Server,
    /// Acts as Ada.
    http: Http,
    ada: User,
    room: String,
}

impl Hall {
    async fn open() -> Hall {
        Hall::planned(Plan::default()).await
    }

    async fn planned(plan: Plan) -> Hall {
        let server = plan.start().await;
        let ada = Http::to(&server).user("Ada").await;
        let http = Http::to(&server).acting_as(&ada);
        let room = id_of(&http.room("The Hall").await);
        http.enter(&room).await;
        Hall { server, http, ada, room }
    }

    /// Ada's connection, which listens for refusals.
    async fn stomp(&self) -> Stomp {
        self.stomp_of_version("1.2").await
    }

    async fn stomp_of_version(&self, version: &str) -> Stomp {
        let mut stomp = Stomp::of_version(&self.server, &self.ada, version).await;
        stomp.listen_for_errors().await;
        stomp
    }

    /// The bodies of all messages of the room.
    async fn said(&self) -> Vec<String> {
        let history = self.http.history(&self.room).await;
        history.iter().filter_map(|record| record["body"].as_str().map(str::to_owned)).collect()
    }
}
