//! A client that only reads, by server-sent events, from the room's first record, resuming through every cut.
//! It runs until it is aborted; what it saw is in the notes.

use std::rc::Rc;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::dice::Dice;
use super::entry;
use super::evidence::Record;
use super::field::{Field, Phase, Room};
use super::reader::Reader;
use crate::cli::client::frames::Position;
use crate::cli::client::http::Failure;
use crate::cli::client::stream::{EventStream, StreamEvent, StreamItem};

/// Longer than the pause between two heart-beats of a node.
const SILENCE: Duration = Duration::from_secs(60);
/// Between two attempts to connect, about.
const PAUSE: Duration = Duration::from_millis(100);

/// A client of one stream.
pub(super) struct Streamer {
    /// Its number among all clients.
    pub(super) number: usize,
    /// What it follows.
    pub(super) room: Rc<Room>,
    /// The node that it begins with.
    pub(super) node: usize,
    /// What it shares.
    pub(super) field: Rc<Field>,
}

/// The first event of a stream.
#[derive(Deserialize)]
struct Joined {
    head: Position,
    recovered: Option<bool>,
}

impl Streamer {
    /// Reads until it is aborted.
    pub(super) async fn run(self) {
        let Self { number, room, node, field } = self;
        let mut dice = Dice::new(field.seed, number as u64);
        let (id, beginning) = beginning_of(&room).await;
        let mut reader = Reader::new(number, node, room, Rc::clone(&field), Some(beginning));
        loop {
            let why = match open(&field, &mut reader, &id).await {
                Ok(mut stream) => follow(&field, &mut dice, &mut reader, &mut stream).await,
                Err(failure) => {
                    entry::count(&field, &failure);
                    "not opened".to_owned()
                }
            };
            let nodes = field.nodes.len();
            let other = (reader.node + 1 + dice.below(nodes - 1)) % nodes;
            reader.ends(why, other);
            sleep(dice.around(PAUSE)).await;
        }
    }
}

/// Waits until somebody has made the room.
async fn beginning_of(room: &Room) -> (String, Position) {
    loop {
        if let Some(known) = room.notes.borrow().beginning() {
            return known;
        }
        sleep(PAUSE).await;
    }
}

async fn open(field: &Field, reader: &mut Reader, room: &str) -> Result<EventStream, Failure> {
    let after = reader.begins().map(|Position { epoch, seq }| format!("{epoch}:{seq}")).unwrap_or_default();
    let address = field.nodes[reader.node].http(&format!("/api/rooms/{room}/events?after={after}"));
    EventStream::open(&field.http, &address).await
}

/// Reads until the stream is over, and says why it is.
async fn follow(field: &Field, dice: &mut Dice, reader: &mut Reader, stream: &mut EventStream) -> String {
    let roam_at = Instant::now() + dice.around(field.roam);
    loop {
        let may_roam = !field.roam.is_zero() && field.phase() == Phase::Sending;
        tokio::select! {
            item = timeout(SILENCE, stream.next()) => match item {
                Ok(Some(StreamItem::Event(event))) => if !take(reader, &event) {
                    return "unreadable".to_owned();
                },
                Ok(Some(StreamItem::Alive)) => {}
                Ok(None) => return "stream ended".to_owned(),
                Err(_) => return "silent".to_owned(),
            },
            () = sleep_until(roam_at), if may_roam => return "moved".to_owned(),
        }
    }
}

/// Takes an event in, or says that it cannot be read.
fn take(reader: &mut Reader, event: &StreamEvent) -> bool {
    match event.name.as_str() {
        "joined" => {
            let Ok(joined) = serde_json::from_str::<Joined>(&event.data) else { return false };
            reader.answered(joined.head, joined.recovered);
        }
        "record" => {
            let Ok(record) = serde_json::from_str::<Record>(&event.data) else { return false };
            reader.saw(record);
        }
        _ => {}
    }
    true
}
