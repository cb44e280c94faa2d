//! `/api/rooms`: the list of rooms, and rooms themselves.
//! Who is in them and what was said has files of its own.

use actix_web::{HttpResponse, http::header, web::Data};

use super::{
    next,
    schema::{NewRoom, Rooms, ShownRoom},
};
use crate::{
    domain::{Access, Deed, Reason, RoomName},
    http::{
        Context, Problem,
        body::JsonObject,
        identity::{Caller, Visitor},
        query::Query,
        room_path::InRoom,
    },
    wire::json::{Position, Room},
};

/// Makes a room. Who makes it owns it, and is not a member until they join.
#[utoipa::path(
    post,
    path = "/api/rooms",
    tag = "rooms",
    operation_id = "createRoom",
    security(("token" = [])),
    request_body = NewRoom,
    responses(
        (status = 201, description = "The room", body = Room<'_>, headers(("Location" = String, description = "Its path"))),
        (status = 401, description = "`unauthenticated`"),
        (status = 409, description = "`room_name_taken`, with the room that has the name"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn create(
    context: Data<Context>,
    Caller(creator): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let new = NewRoom::read(&object)?;
    let name = RoomName::parse(&new.name, context.engine.limits())?;
    let room = context.engine.create_room(&creator, name, new.visibility()?).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/rooms/{}", room.id)))
        .json(Room::of(&room)))
}

/// Lists public rooms, newest first, or finds the one of a name.
#[utoipa::path(
    get,
    path = "/api/rooms",
    tag = "rooms",
    operation_id = "listRooms",
    security((), ("token" = [])),
    params(
        ("name" = Option<String>, Query, description = "Only the room of this name"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of rooms", body = Rooms<'_>),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn list(
    context: Data<Context>,
    Visitor(viewer): Visitor,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = (query.cursor()?, query.limit(context.page_max)?);
    if let Some(name) = query.text("name") {
        let name = RoomName::parse(name, context.engine.limits())?;
        let found = context.engine.room_named(&name, &viewer).await?;
        let rooms = found.iter().map(Room::of).collect();
        return Ok(HttpResponse::Ok().json(Rooms { rooms, next: None }));
    }
    let found = context.engine.rooms(after, limit + 1).await?;
    let next = next(found.iter().map(|(number, _)| number), limit as usize);
    let rooms = found.iter().take(limit as usize).map(|(_, room)| Room::of(room)).collect();
    Ok(HttpResponse::Ok().json(Rooms { rooms, next }))
}

/// Shows a room.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}",
    tag = "rooms",
    operation_id = "showRoom",
    security((), ("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = ShownRoom<'_>),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 404, description = "`room_not_found`"),
    )
)]
pub(in crate::http) async fn show(
    context: Data<Context>,
    Visitor(viewer): Visitor,
    InRoom(room): InRoom,
) -> Result<HttpResponse, Problem> {
    let (room, stored) = context.engine.room(&room, &viewer, Access::See).await?;
    let stored = Position::at(&room.head.epoch, stored);
    Ok(HttpResponse::Ok().json(ShownRoom { room: Room::of(&room), stored }))
}

/// Closes a room for ever: it can be read, nothing more is said in it, and its name is free again.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}",
    tag = "rooms",
    operation_id = "closeRoom",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("reason" = Option<String>, Query, description = "Why, at most 200 characters"),
    ),
    responses(
        (status = 204, description = "It is closed"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden` for who is neither its owner nor an admin"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn close(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let reason = Reason::parse(query.text("reason").unwrap_or_default())?;
    context.engine.act(&room, &identity, Deed::Close(reason)).await?;
    Ok(HttpResponse::NoContent().finish())
}
