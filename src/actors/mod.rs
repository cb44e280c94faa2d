//! The actors: who owns what, and how a message gets from a socket into the log and out to everybody.
//! No SQL, no Kafka types, no HTTP and no bytes; rules are in `domain`, encodings in `wire`.
//!
//! | actor | owns | tier | queue bound | on full | on death | talks to |
//! |---|---|---|---|---|---|---|
//! | connection (one a socket) | its conversation and session: identity, subscriptions, requests in order | 4 | `socket.in_flight` unanswered requests | stops reading the socket | socket closes, client resumes | directory, room, lobby |
//! | directory | which rooms are awake | 3 | one request a session or HTTP call | callers wait | node stops | room, log |
//! | lobby | who watches the room list, one change a second and room | 2 | latest change of each room | older change of the room is replaced | watchers get no more changes | relay |
//! | room (one an awake room) | the fold, recent records, subscribers, appends under way | 2 | its sessions' bounds together | refuses as `overloaded` | directory closes its readers with 4000, they resume on the rebuilt room | log, relay, lobby |
//! | relay (one a worker thread) | connections of its thread by channel | 1 | 1024 batches | rooms refuse as `overloaded` | its worker's connections end | outboxes |
//! | bridge (Kafka log) | the consumer, recent entries of partitions with awake rooms, which room gets what | 1 | appends under way and rooms being woken | bounded by `kafka.queue_records` | node stops | log |
//! | saver (Kafka log) | the group's consumer, how far its partitions are stored, the folds of their rooms | 1 | 16 MiB of entries in hand | reads no further | node stops, other savers go on | log, storage |
//! | ears (Kafka log) | the consumer of signals | 3 | the consumer's own | older signals wait at the broker | lists miss changes | lobby |
//! | watchman | what it heard of logins that end, when keys and old rows were last seen to | 3 | its own timer | – | logins that end elsewhere are noticed when their token expires | storage, outboxes |
//! | writer (embedded log) | the database connection that stores records | 1 | `writer.queue_records` | appends refused as `overloaded` | node stops | log, storage |
//!
//! A connection's actor is the transport's (`http/websocket.rs`); what it says is a [`Conversation`] in some [`Protocol`],
//! which gives requests to a session, and records come to it by a [`Voice`].
//! An actor awaits only an actor of a lower tier; upward and sideways it tells. An [`Outbox`] is no actor:
//! it is bounded in bytes (`socket.outbox_bytes`) and closes its connection with 4001 when it is full.

mod bridge;
mod catch_up;
mod clock;
mod conversation;
mod directory;
mod ears;
mod engine;
mod limits;
mod lobby;
mod logs;
mod native;
mod outbox;
mod present;
mod pulse;
mod relay;
mod relays;
mod reply;
mod ring;
mod room;
mod room_readers;
mod saver;
mod session;
mod stomp;
mod subscriber;
mod to_room;
mod voice;
mod waiter;
mod watchman;
mod writer;

use std::marker::PhantomData;

use actix::Message;

pub use bridge::BridgeState;
pub use clock::Clock;
pub use conversation::{Conversation, Incoming, Line, Protocol};
pub use directory::DirectoryState;
pub use engine::{Engine, EngineOptions, EngineView, Reading, RoomPage};
pub use limits::{Address, Admission, Allowances, Attempt, Entrance, Seat, SessionAllowance};
pub use lobby::LobbyState;
pub use logs::{KafkaPlan, LogOptions, LogView};
pub use native::Native;
pub use outbox::{Goodbye, Outbound, Outbox, Pending, Pushed};
pub use present::Presence;
pub use pulse::{Pulse, Rhythm};
pub use relay::{RelayHandle, RelayState, ToRelay};
pub use saver::SaverState;
pub use session::{Progress, SessionState};
pub use stomp::{Stomp, StompOptions};
pub use subscriber::{Footing, Greet, SessionId, Subscription};
pub use to_room::{Penalties, RoomView, Sent, Standing, Start, Subscribed};
pub use voice::{Voice, Window};
pub use writer::WriterState;

/// Asks an actor for a small picture of its state, for tests, metrics and operators.
#[derive(Debug)]
pub struct Observe<State>(PhantomData<State>);

impl<State> Default for Observe<State> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<State: Send + 'static> Message for Observe<State> {
    type Result = State;
}
