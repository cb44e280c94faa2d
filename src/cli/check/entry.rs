//! How a client gets in: it makes its user and its room over HTTP, at whatever node answers.
//! Both calls can be repeated until they succeed; two clients who make one room get the same one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::dice::Dice;
use super::field::Field;
use crate::cli::client::http::Failure;
use crate::cli::client::socket::Identity;

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(200);

/// What a client needs to know to take part.
pub(super) struct Entry {
    /// The id of its user.
    pub(super) user: String,
    /// The id of its room.
    pub(super) room: String,
    /// The epoch of the room's log.
    pub(super) epoch: String,
}

/// Tries until it succeeds.
pub(super) async fn enter(field: &Field, dice: &mut Dice, identity: &Identity, room: &str) -> Entry {
    loop {
        let node = dice.below(field.nodes.len());
        match attempt(field, node, identity, room).await {
            Ok(Some(entry)) => return entry,
            Ok(None) => field.figures.borrow_mut().refusal("unreadable"),
            Err(failure) => count(field, &failure),
        }
        sleep(dice.around(PAUSE)).await;
    }
}

/// Counts a call that did not succeed.
pub(super) fn count(field: &Field, failure: &Failure) {
    let mut figures = field.figures.borrow_mut();
    match failure {
        Failure::Unanswered(_) => figures.failed_connects += 1,
        Failure::Refused { status, .. } => {
            figures.refusal(failure.code().unwrap_or(&format!("HTTP {status}")));
        }
    }
}

async fn attempt(
    field: &Field,
    node: usize,
    identity: &Identity,
    room: &str,
) -> Result<Option<Entry>, Failure> {
    let server = &field.nodes[node];
    let user = json!({"nickname": identity.nickname, "secret": identity.secret});
    let made = field.http.post(&server.http("/api/users"), "", &user).await?;
    let (Some(user), Some(token)) = (made["user"]["id"].as_str(), made["token"].as_str()) else {
        return Ok(None);
    };
    let made = field.http.post(&server.http("/api/rooms"), token, &json!({"name": room})).await;
    let room = match made {
        Ok(room) => room,
        Err(failure) if failure.code() == Some("room_name_taken") => {
            failure.problem().map(|problem| problem["room"].clone()).unwrap_or_default()
        }
        Err(failure) => return Err(failure),
    };
    Ok(read(user, &room))
}

fn read(user: &str, room: &Value) -> Option<Entry> {
    Some(Entry {
        user: user.to_owned(),
        room: room["id"].as_str()?.to_owned(),
        epoch: room["head"]["epoch"].as_str()?.to_owned(),
    })
}
