//! Server-sent events: a room's records as they come, for whoever cannot or will not open a socket.
//! Their text is the business of `wire`.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{self, Poll},
    time::Duration,
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    rt::time::{Instant, Interval, interval_at},
    web::{Bytes, Data},
};
use bytestring::ByteString;
use futures_util::Stream;

use super::{
    Context, Problem, error::invalid, identity::PerhapsCaller, query::Query, reader::Reader,
    room_path::InRoom,
};
use crate::{
    actors::Start,
    domain::{PositionText, Refusal},
    telemetry::Counted,
    wire::{self, Dialect},
};

/// Follows a room.
///
/// First comes an event `joined` with `{"room", "head", "recovered"?, "missing"?}`, then an event `record` for
/// each record, whose id is its position. An event `parted` with `{"room", "code"}` ends the stream of somebody who may not
/// read the room any more. `Last-Event-ID`, which browsers send by themselves, wins over `after`;
/// with neither only new records come. A position that cannot be honoured gives `recovered: false`.
/// What is followed with a token ends when that expires or what it stands for ends.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/events",
    tag = "messages",
    operation_id = "followRoom",
    security((), ("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "Resume after this position: `<epoch>:<seq>` or `<seq>`"),
        ("Last-Event-ID" = Option<String>, Header, description = "Resume after this position; wins over `after`"),
    ),
    responses(
        (status = 200, description = "The events, until one side ends them", body = String, content_type = "text/event-stream"),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(super) async fn events(
    context: Data<Context>,
    PerhapsCaller(who): PerhapsCaller,
    InRoom(room): InRoom,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked = match last_event_id(&request)? {
        Some(position) => Some(position),
        None => query.position("after")?,
    };
    let start = asked.map_or(Start::Live, Start::After);
    let counted = Counted::in_gauge(&context.engine.metrics().connections.sse);
    let reader = Reader::open(
        &context,
        (&room, who.as_ref()),
        Dialect::Sse,
        start,
        Box::new(|greeting| vec![wire::sse::joined(greeting)]),
    )
    .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        // Asks a proxy in front to hand each event on at once.
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Events::new(reader, counted, context.socket.heartbeat())))
}

fn last_event_id(request: &HttpRequest) -> Result<Option<PositionText>, Refusal> {
    const FIELD: &str = "last_event_id";
    let Some(header) = request.headers().get("Last-Event-ID") else { return Ok(None) };
    match header.to_str() {
        Ok("") => Ok(None),
        Ok(text) => PositionText::parse(text, FIELD).map(Some),
        Err(_) => Err(invalid(FIELD, "must be a position: <seq> or <epoch>:<seq>")),
    }
}

/// Events as one piece.
fn joined(frames: &[ByteString]) -> Bytes {
    match frames {
        [frame] => frame.clone().into_bytes(),
        _ => frames.iter().flat_map(|frame| frame.as_bytes()).copied().collect(),
    }
}

/// The body of the answer: events, and a comment where there was none for a while.
struct Events {
    reader: Reader,
    heartbeat: Interval,
    _counted: Counted,
}

impl Events {
    fn new(reader: Reader, counted: Counted, heartbeat: Duration) -> Self {
        let heartbeat = interval_at(Instant::now() + heartbeat, heartbeat);
        Self { reader, heartbeat, _counted: counted }
    }
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(frames) = self.reader.poll_frames(task) {
            self.heartbeat.reset();
            return Poll::Ready(frames.map(|frames| Ok(joined(&frames))));
        }
        self.heartbeat.poll_tick(task).map(|_| Some(Ok(wire::sse::HEARTBEAT.into_bytes())))
    }
}
