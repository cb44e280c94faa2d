//! Long polling: an answer that is held until a room has a record after a position.
//! It is made of what the room's readers get, and near the end of what its hub has, so that it costs no query.

use std::{
    future::poll_fn,
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{HttpResponse, http::header::ContentType, rt::time::timeout, web::Bytes};
use bytestring::ByteString;

use super::{Context, reader::Reader};
use crate::{
    actors::Start,
    domain::{About, Code, Identity, Missing, Position, PositionText, Refusal, RoomId, Seq},
    telemetry::Counted,
    wire::{Dialect, Greeting, json},
};

/// What the room says of itself when it begins to be read.
struct Greeted {
    head: Position,
    lost: Option<Missing>,
}

/// The first records after a position, at most `limit`, or none after `longest`; fewer than there are where they do
/// not come at once. It may be without one earlier: when the server asks its clients to go.
///
/// # Errors
/// `position_lost`, and as [`Reader::open`].
pub(super) async fn records_after(
    context: &Context,
    (room, who): (&RoomId, Option<&Identity>),
    after: PositionText,
    longest: Duration,
    limit: usize,
) -> Result<HttpResponse, Refusal> {
    let metrics = context.engine.metrics();
    let _counted = Counted::in_gauge(&metrics.connections.poll);
    // A room that not everybody may read has no hub, and says itself who may.
    if let Ok(hub) = context.hubs.of(context, room).await
        && hub.reaches(&after)
    {
        let (records, page) = hub.records_after(after.seq, longest, limit).await;
        metrics.deliveries.inc_by(records as u64);
        return Ok(answer(page));
    }
    by_oneself(context, (room, who), after, longest, limit).await.map(answer)
}

/// What the room gives to a reader of its own.
async fn by_oneself(
    context: &Context,
    (room, who): (&RoomId, Option<&Identity>),
    after: PositionText,
    longest: Duration,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let (seq, greeted) = (after.seq, Arc::new(OnceLock::new()));
    let told = Arc::clone(&greeted);
    let greet = Box::new(move |greeting: Greeting<'_>| {
        let lost = greeting.missing.filter(|_| greeting.recovered == Some(false));
        // It greets once.
        let _ = told.set(Greeted { head: greeting.room.head.clone(), lost });
        Vec::new()
    });
    let mut reader = Reader::open(context, (room, who), Dialect::Json, Start::After(after), greet).await?;
    let Some(Greeted { head, lost }) = greeted.get() else { return Err(Code::Overloaded.into()) };
    if let Some(missing) = lost {
        let about = About::Lost { head: head.clone(), missing: *missing };
        return Err(Refusal::new(Code::PositionLost).about(about));
    }
    // Time over and told to go are the same here: there is no record.
    let waited = timeout(longest, poll_fn(|task| reader.poll_frames(task))).await;
    let records = waited.ok().flatten().unwrap_or_default();
    let records: Vec<&ByteString> = records.iter().take(limit).collect();
    Ok(page(head, seq, &records))
}

/// The page of records that follow `after`; their numbers are dense, so that of the last one is known.
pub(super) fn page(head: &Position, after: Seq, records: &[&ByteString]) -> Bytes {
    let last = after + records.len() as Seq;
    let position = json::position(&json::Position::at(&head.epoch, last));
    let head = json::position(&json::Position::at(&head.epoch, head.seq.max(last)));
    let records: Vec<&str> = records.iter().map(|record| &***record).collect();
    format!(r#"{{"records":[{}],"position":{position},"head":{head}}}"#, records.join(",")).into()
}

fn answer(page: Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(page)
}
