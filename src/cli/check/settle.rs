//! The end of a check: waits until everybody is served, asks every node for every history, lets readers come to the end.
//! Waits a bounded time; what has not settled by then it says.

use std::rc::Rc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _};
use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::evidence::Record;
use super::field::{Field, Room};
use crate::cli::client::frames::Position;
use crate::cli::client::http::Failure;

const GLANCE: Duration = Duration::from_millis(50);
/// Readers get at least so long to come to the end, however long the rest took.
const TO_READ: Duration = Duration::from_secs(10);
/// Records of one call.
const PAGE: u64 = 500;
/// Histories read at a time.
const AT_ONCE: usize = 8;

/// A page of history.
#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    head: Position,
}

/// Settles, and says what did not.
pub(super) async fn settle(field: &Field, rooms: &[Rc<Room>], patience: Duration) -> Vec<String> {
    let deadline = Instant::now() + patience;
    let mut unsettled = Vec::new();
    if !until(deadline, || are_served(field)).await {
        unsettled.extend(who_waits(field));
    }
    unsettled.extend(read_histories(field, rooms, deadline).await);
    // Who has not come to the end by then is judged by what it saw.
    until(deadline.max(Instant::now() + TO_READ), || have_read(field, rooms)).await;
    unsettled
}

async fn until(deadline: Instant, mut condition: impl FnMut() -> bool) -> bool {
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(GLANCE).await;
    }
    true
}

fn are_served(field: &Field) -> bool {
    field.states.borrow().iter().all(|state| state.is_served && state.unsettled == 0)
}

fn who_waits(field: &Field) -> Vec<String> {
    let states = field.states.borrow();
    let waiting = states.iter().enumerate().filter(|(_, state)| !state.is_served || state.unsettled > 0);
    waiting
        .map(|(client, state)| match state.is_served {
            true => format!("client {client} has {} sends without an answer", state.unsettled),
            false => format!("client {client} is served by no node"),
        })
        .collect()
}

/// Clients are spread over the rooms in turn, so a client's number says its room.
fn have_read(field: &Field, rooms: &[Rc<Room>]) -> bool {
    let states = field.states.borrow();
    states.iter().zip(rooms.iter().cycle()).all(|(state, room)| state.last >= room.notes.borrow().head())
}

/// Asks every node for every history, and says which were not given.
async fn read_histories(field: &Field, rooms: &[Rc<Room>], deadline: Instant) -> Vec<String> {
    let all = rooms.iter().flat_map(|room| (0..field.nodes.len()).map(move |node| (room, node)));
    let reads = all.map(|(room, node)| async move {
        let why = read_history(field, room, node, deadline).await.err()?;
        let (address, name) = (field.nodes[node].authority(), &room.name);
        Some(format!("{address} did not give the history of {name}: {why}"))
    });
    stream::iter(reads).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await
}

/// Reads until the node gives everything that anybody was told of.
async fn read_history(field: &Field, room: &Room, node: usize, deadline: Instant) -> Result<(), String> {
    let Some((id, _)) = room.notes.borrow().beginning() else {
        return Err("nobody could make it".to_owned());
    };
    loop {
        let attempt = read_pages(field, node, &id).await;
        let is_late = Instant::now() > deadline;
        match attempt {
            Ok((Position { epoch, seq }, records)) if seq >= room.notes.borrow().head() || is_late => {
                room.notes.borrow_mut().history(node, epoch, seq, records);
                return Ok(());
            }
            Err(failure) if is_late => return Err(failure.to_string()),
            _ => sleep(GLANCE).await,
        }
    }
}

async fn read_pages(field: &Field, node: usize, room: &str) -> Result<(Position, Vec<Record>), Failure> {
    let mut records: Vec<Record> = Vec::new();
    loop {
        let after = records.last().map_or(0, |record| record.seq);
        let path = format!("/api/rooms/{room}/messages?after={after}&limit={PAGE}");
        let answer = field.http.get(&field.nodes[node].http(&path)).await?;
        let page: Page =
            serde_json::from_value(answer).map_err(|error| Failure::Unanswered(error.to_string()))?;
        let is_last = page.records.is_empty();
        records.extend(page.records);
        if is_last || records.last().is_some_and(|record| record.seq >= page.head.seq) {
            return Ok((page.head, records));
        }
    }
}
