//! The lobby: tells whoever watches the room list what changed, at most once a second for each room, and tells
//! the other nodes what this one did. Who watches is known to the relays; the list itself is in the database.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix::{Actor, AsyncContext, Context, Handler, Message, MessageResult};
use serde::Serialize;

use super::{
    Observe,
    relay::{Listed, ToRelay},
    relays::Relays,
};
use crate::{
    domain::{RoomId, RoomInfo},
    wire::native::Change,
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
    /// Through which node.
    pub whose: Whose,
}

/// Through which node something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// This one, which tells the others.
    Own,
    /// Another one, which tells the others itself.
    Others,
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
    others: Option<Tell>,
    /// Rooms told of within the last [`PACE`].
    recent: HashMap<RoomId, Recent>,
    /// How often this node told of a room.
    told: u64,
}

/// How the other nodes are told.
pub(super) type Tell = Box<dyn Fn(Change, &RoomInfo) + Send>;

struct Recent {
    told: RoomInfo,
    /// What has changed since.
    later: Option<(RoomInfo, Whose)>,
}

impl Lobby {
    /// A lobby that nobody watches yet. There are no others where there is no other node.
    pub(super) fn new(relays: Relays, others: Option<Tell>) -> Self {
        Self { relays, others, recent: HashMap::new(), told: 0 }
    }

    fn tell(&mut self, RoomChanged { change, room, whose }: RoomChanged, ctx: &mut Context<Self>) {
        self.told += 1;
        let listed = Arc::new(Listed { number: self.told, change, room: room.clone() });
        self.relays.tell_all(|| ToRelay::Listed(Arc::clone(&listed)));
        if let Some(others) = self.others.as_ref().filter(|_| whose == Whose::Own) {
            others(change, &room);
        }
        let id = room.id.clone();
        self.recent.insert(room.id.clone(), Recent { told: room, later: None });
        ctx.run_later(PACE, move |lobby, ctx| {
            let later = lobby.recent.remove(&id).and_then(|recent| recent.later);
            if let Some((room, whose)) = later {
                let change = if room.closed { Change::Closed } else { Change::Changed };
                lobby.tell(RoomChanged { change, room, whose }, ctx);
            }
        });
    }
}

impl Recent {
    /// Keeps the newest of what is to be told later. What was told already, or is older, is not: the same
    /// change comes from a room that is awake here and from the node that made it.
    fn keep(&mut self, room: RoomInfo, whose: Whose) {
        let newest = self.later.as_ref().map_or(&self.told, |(room, _)| room);
        let is_other =
            (room.members, room.closed) != (newest.members, newest.closed) || room.name != newest.name;
        if room.head.seq > newest.head.seq && is_other {
            let told_by_others = self.later.as_ref().is_none_or(|(_, whose)| *whose == Whose::Others);
            let whose = if told_by_others { whose } else { Whose::Own };
            self.later = Some((room, whose));
        }
    }
}

impl Actor for Lobby {
    type Context = Context<Self>;
}

impl Handler<RoomChanged> for Lobby {
    type Result = ();

    fn handle(&mut self, changed: RoomChanged, ctx: &mut Self::Context) {
        match self.recent.get_mut(&changed.room.id) {
            Some(recent) => recent.keep(changed.room, changed.whose),
            None => self.tell(changed, ctx),
        }
    }
}

impl Handler<Observe<LobbyState>> for Lobby {
    type Result = MessageResult<Observe<LobbyState>>;

    fn handle(&mut self, _: Observe<LobbyState>, _: &mut Self::Context) -> Self::Result {
        MessageResult(LobbyState { recent: self.recent.len() })
    }
}
