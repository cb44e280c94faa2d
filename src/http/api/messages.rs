//! `/api/rooms/{id}/messages`: what was said in a room, and saying something.
//! Which page was meant is judged in `selection`, how an answer is held in `polling`.

use actix_web::{HttpResponse, web::Data};

use super::{
    schema::{NewMessage, Records},
    selection::Selection,
};
use crate::{
    actors::Sent,
    domain::{
        Access, ClientId, Code, Identity, Message, MessageBody, Position, Record, RecordKind, Refusal,
        RoomId, Viewer,
    },
    http::{
        Context, Problem,
        body::JsonObject,
        identity::{Caller, PerhapsCaller},
        polling,
        query::Query,
        room_path::InRoom,
    },
    log::Page,
    wire::json,
};

/// Reads a room's records: the newest, those after a position, or those before one.
///
/// With `after`, `wait` holds the answer until there is a record (long polling).
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/messages",
    tag = "messages",
    operation_id = "listMessages",
    security((), ("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The first records after this position: `<epoch>:<seq>` or `<seq>`"),
        ("before" = Option<String>, Query, description = "The last records before this position; not together with `after`"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
        ("wait" = Option<f64>, Query, description = "Seconds to wait for a record, at most 60; only with `after`"),
    ),
    responses(
        (status = 200, description = "The records, ascending", body = Records<'_>),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`room_not_found`"),
        (status = 410, description = "`position_lost`, with `head` and `missing`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn list(
    context: Data<Context>,
    PerhapsCaller(who): PerhapsCaller,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit(context.page_max)?;
    let selection = Selection::parse(&query)?;
    if let Selection::After(after, Some(longest)) = selection {
        return Ok(
            polling::records_after(&context, (&room, who.as_ref()), after, longest, limit as usize).await?
        );
    }
    let head = context.engine.room(&room, &Viewer::of(who.as_ref()), Access::Read).await?.0.head;
    let page = selection.page(&head)?;
    let records = context.engine.history(&room, page, limit).await?;
    Ok(answer(&room, page, &records, head))
}

/// Sends a message; the answer comes once it is durable.
#[utoipa::path(
    post,
    path = "/api/rooms/{id}/messages",
    tag = "messages",
    operation_id = "sendMessage",
    security(("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    request_body = NewMessage,
    responses(
        (status = 201, description = "The record", body = json::Record<'_>),
        (status = 200, description = "The record of the first send with this `client_id`", body = json::Record<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`not_a_member`, `muted` or `banned`"),
        (status = 404, description = "`room_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn send(
    context: Data<Context>,
    Caller(Identity { user: sender, .. }): Caller,
    InRoom(room): InRoom,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let (asked, limits) = (NewMessage::read(&object)?, context.engine.limits());
    let body = MessageBody::parse(&asked.body, limits)?;
    let client_id = asked.client_id.map(|id| ClientId::parse(&id, limits)).transpose()?;
    let message = Message::new(body, client_id);
    let Sent { first, repeated } = context.engine.send(&room, sender.clone(), message.clone()).await?;
    if repeated {
        let record = stored(&context, &room, first.seq).await?;
        return Ok(HttpResponse::Ok().json(json::Record::of(&room, &record)));
    }
    let kind = RecordKind::Message(message);
    let record = Record { seq: first.seq, at: first.at, sender, kind };
    Ok(HttpResponse::Created().json(json::Record::of(&room, &record)))
}

async fn stored(context: &Context, room: &RoomId, seq: u64) -> Result<Record, Refusal> {
    let found = context.engine.history(room, Page::After(seq - 1), 1).await?;
    found.into_iter().next().ok_or_else(|| Code::Internal.into())
}

fn answer(room: &RoomId, page: Page, records: &[Record], head: Position) -> HttpResponse {
    let epoch = &head.epoch;
    let last = match (records.last(), page) {
        (Some(record), _) => record.seq,
        (None, Page::After(seq)) => seq,
        (None, Page::Before(_)) => head.seq,
    };
    HttpResponse::Ok().json(Records {
        records: records.iter().map(|record| json::Record::of(room, record)).collect(),
        position: json::Position::at(epoch, last),
        // Records may have come since the head was read; the head is never behind what is given.
        head: json::Position::at(epoch, head.seq.max(last)),
    })
}
