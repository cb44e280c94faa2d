//! The ears: hear what other nodes did to their rooms, and tell the lobby.
//! What they miss is in no live list until it changes again; the list itself comes from the database.

use actix::{Actor, Addr, AsyncContext, Context, WrapFuture};

use super::lobby::{Lobby, RoomChanged, Whose};
use crate::{log::kafka::signals::SignalsReader, wire::signal};

/// The ears of one node.
pub(super) struct Ears {
    work: Option<(SignalsReader, String)>,
    lobby: Addr<Lobby>,
}

impl Ears {
    /// Ears that do not listen to their own node's `run`.
    pub(super) fn new(signals: SignalsReader, run: String, lobby: Addr<Lobby>) -> Self {
        Self { work: Some((signals, run)), lobby }
    }
}

impl Actor for Ears {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if let Some((signals, run)) = self.work.take() {
            ctx.spawn(listen(signals, run, self.lobby.clone()).into_actor(self));
        }
    }
}

async fn listen(mut signals: SignalsReader, run: String, lobby: Addr<Lobby>) {
    loop {
        let heard = signal::decode(&signals.next().await);
        if let Some(heard) = heard.filter(|heard| heard.run != run) {
            lobby.do_send(RoomChanged { change: heard.change, room: heard.room, whose: Whose::Others });
        }
    }
}
