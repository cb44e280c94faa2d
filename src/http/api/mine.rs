//! `/api/users/me/rooms` and `/api/users/me/invitations`: where one belongs.
//! It is what the database has, which may lag a moment behind the log.

use actix_web::{HttpResponse, web::Data};

use super::{
    next,
    schema::{OwnRoom, OwnRooms, Rooms},
};
use crate::{
    domain::Identity,
    http::{Context, Problem, identity::Caller, query::Query},
    storage::memberships::Mine,
    wire::json::Room,
};

/// Lists the rooms of which one is a member, newest first.
#[utoipa::path(
    get,
    path = "/api/users/me/rooms",
    tag = "users",
    operation_id = "listOwnRooms",
    security(("token" = [])),
    params(
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of rooms, each with one's role", body = OwnRooms<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn rooms(
    context: Data<Context>,
    Caller(Identity { user, .. }): Caller,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = (query.cursor()?, query.limit(context.page_max)?);
    let found = context.engine.rooms_of(&user.id, Mine::Member, after, limit + 1).await?;
    let next = next(found.iter().map(|(number, ..)| number), limit as usize);
    let rooms = found.iter().take(limit as usize);
    let rooms = rooms.map(|(_, room, how)| OwnRoom { room: Room::of(room), role: how.name() }).collect();
    Ok(HttpResponse::Ok().json(OwnRooms { rooms, next }))
}

/// Lists the rooms to which one is invited, newest first.
#[utoipa::path(
    get,
    path = "/api/users/me/invitations",
    tag = "users",
    operation_id = "listOwnInvitations",
    security(("token" = [])),
    params(
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of rooms", body = Rooms<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn invitations(
    context: Data<Context>,
    Caller(Identity { user, .. }): Caller,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let (after, limit) = (query.cursor()?, query.limit(context.page_max)?);
    let found = context.engine.rooms_of(&user.id, Mine::Invited, after, limit + 1).await?;
    let next = next(found.iter().map(|(number, ..)| number), limit as usize);
    let rooms = found.iter().take(limit as usize).map(|(_, room, _)| Room::of(room)).collect();
    Ok(HttpResponse::Ok().json(Rooms { rooms, next }))
}
