//! `/api/rooms`: the list of rooms, and rooms themselves.
//! Who is in them and what was said has files of its own.

use actix_web::{HttpResponse, http::header, web::Data};

use super::{
    next,
    schema::{NewRoom, Rooms, ShownRoom},
};
use crate::{
    domain::{Identity, RoomName},
    http::{Context, Problem, body::JsonObject, identity::Caller, query::Query, room_path::InRoom},
    wire::json::{Position, Room},
};

/// Makes a room. Who makes it is not a member until they join.
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
    Caller(Identity { user: creator, .. }): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let NewRoom { name } = NewRoom::read(&object)?;
    let name = RoomName::parse(&name, context.engine.limits())?;
    let room = context.engine.create_room(creator, name).await?;
    Ok(HttpResponse::Created()
        .insert_header((header::LOCATION, format!("/api/rooms/{}", room.id)))
        .json(Room::of(&room)))
}

/// Lists rooms, newest first, or finds the one of a name.
#[utoipa::path(
    get,
    path = "/api/rooms",
    tag = "rooms",
    operation_id = "listRooms",
    params(
        ("name" = Option<String>, Query, description = "Only the room of this name"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of rooms", body = Rooms<'_>),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn list(context: Data<Context>, query: Query) -> Result<HttpResponse, Problem> {
    let (after, limit) = (query.cursor()?, query.limit(context.page_max)?);
    if let Some(name) = query.text("name") {
        let name = RoomName::parse(name, context.engine.limits())?;
        let found = context.engine.room_named(&name).await?;
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
    params(("id" = String, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = ShownRoom<'_>),
        (status = 404, description = "`room_not_found`"),
    )
)]
pub(in crate::http) async fn show(
    context: Data<Context>,
    InRoom(room): InRoom,
) -> Result<HttpResponse, Problem> {
    let (room, stored) = context.engine.room_and_stored(&room).await?;
    let stored = Position::at(&room.head.epoch, stored);
    Ok(HttpResponse::Ok().json(ShownRoom { room: Room::of(&room), stored }))
}
