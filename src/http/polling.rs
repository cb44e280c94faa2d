//! Long polling: waits until a room has a record after a position.
//! Which records are then answered is read anew by the handler.

use std::{future::poll_fn, time::Duration};

use actix_web::rt::time::timeout;

use super::{Context, reader::Reader};
use crate::{
    actors::Start,
    domain::{Position, Refusal, RoomId},
};

/// Waits for a record after the given position, for `longest` at most. It may return without one: when the
/// time is over, or when the server asks its clients to go.
///
/// # Errors
/// As [`Reader::open`].
pub(super) async fn record_after(
    context: &Context,
    room: &RoomId,
    after: Position,
    longest: Duration,
) -> Result<(), Refusal> {
    let polls = &context.engine.metrics().connections.poll;
    let start = Start::After(after.into());
    // Nothing is said before the first record, so that the first frame is one.
    let mut reader = Reader::open(context, polls, room, start, Box::new(|_| Vec::new())).await?;
    // Time over and released are the same here: the page is read anew.
    let _ = timeout(longest, poll_fn(|task| reader.poll_frames(task))).await;
    Ok(())
}
