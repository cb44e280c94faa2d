//! The lobby: tells whoever watches the room list what changed, at most once a second for each room.
//! Who watches is known to the relays; the list itself is in the database.

use std::{collections::HashMap, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use serde::Serialize;

use super::{
    Observe,
    relay::{Channel, ToRelay},
    relays::Relays,
};
use crate::{
    domain::{RoomId, RoomInfo},
    wire::native::{self, Change},
};

/// No room is told of more often than this.
const PACE: Duration = Duration::from_secs(1);

/// A room was made or its members changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) struct RoomChanged {
    /// What happened.
    pub change: Change,
    /// The room as it is now.
    pub room: RoomInfo,
}

/// What the lobby shows of itself.
#[derive(Debug, Serialize)]
pub struct LobbyState {
    /// Rooms that were told of within the last second.
    pub recent: usize,
}

/// The lobby of one node.
pub(super) struct Lobby {
    relays: Relays,
    /// Rooms told of within the last [`PACE`], and what has changed since.
    recent: HashMap<RoomId, Option<RoomInfo>>,
}

impl Lobby {
    /// A lobby that nobody watches yet.
    pub(super) fn new(relays: Relays) -> Self {
        Self { relays, recent: HashMap::new() }
    }

    fn tell(&mut self, change: Change, room: &RoomInfo, ctx: &mut Context<Self>) {
        let frame = native::room_changed(change, room);
        self.relays.tell_all(|| ToRelay::Frame(Channel::Lobby, frame.clone()));
        self.recent.insert(room.id.clone(), None);
        let id = room.id.clone();
        ctx.run_later(PACE, move |lobby, ctx| {
            if let Some(Some(later)) = lobby.recent.remove(&id) {
                lobby.tell(Change::Changed, &later, ctx);
            }
        });
    }
}

impl Actor for Lobby {
    type Context = Context<Self>;
}

impl Handler<RoomChanged> for Lobby {
    type Result = ();

    fn handle(&mut self, RoomChanged { change, room }: RoomChanged, ctx: &mut Self::Context) {
        match self.recent.get_mut(&room.id) {
            Some(later) => *later = Some(room),
            None => self.tell(change, &room, ctx),
        }
    }
}

impl Handler<Observe<LobbyState>> for Lobby {
    type Result = MessageResult<Observe<LobbyState>>;

    fn handle(&mut self, _: Observe<LobbyState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(LobbyState { recent: self.recent.len() })
    }
}
