//! `/api/rooms/{id}/members`: who belongs to a room, and joining and leaving it.
//! Reading a room needs no membership and is not counted here.

use actix_web::{HttpResponse, web::Data};

use super::{next, schema::Members};
use crate::{
    domain::Identity,
    http::{Context, Problem, identity::Caller, query::Query, room_path::InRoom},
    wire::json::{Room, User},
};

/// Lists members in order of joining.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/members",
    tag = "members",
    operation_id = "listMembers",
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of members", body = Members<'_>),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn list(
    context: Data<Context>,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit(context.page_max)? as usize;
    // The cursor is the number of the record that made somebody a member.
    let after = query.cursor()?.map_or(0, i64::unsigned_abs);
    let found = context.engine.members(&room, after, limit + 1).await?;
    let next = next(found.iter().map(|(joined, _)| joined), limit);
    let members = found.iter().take(limit).map(|(_, user)| User::of(user)).collect();
    Ok(HttpResponse::Ok().json(Members { members, next }))
}

/// Joins a room; no error for who is a member already.
#[utoipa::path(
    put,
    path = "/api/rooms/{id}/members/me",
    tag = "members",
    operation_id = "joinRoom",
    security(("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    responses(
        (status = 200, description = "The room", body = Room<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 404, description = "`room_not_found`"),
    )
)]
pub(in crate::http) async fn join(
    context: Data<Context>,
    Caller(Identity { user, .. }): Caller,
    InRoom(room): InRoom,
) -> Result<HttpResponse, Problem> {
    let room = context.engine.join(&room, user).await?;
    Ok(HttpResponse::Ok().json(Room::of(&room)))
}

/// Leaves a room; no error for who is not a member.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/members/me",
    tag = "members",
    operation_id = "leaveRoom",
    security(("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    responses(
        (status = 204, description = "Not a member any more"),
        (status = 401, description = "`unauthenticated`"),
        (status = 404, description = "`room_not_found`"),
    )
)]
pub(in crate::http) async fn leave(
    context: Data<Context>,
    Caller(Identity { user, .. }): Caller,
    InRoom(room): InRoom,
) -> Result<HttpResponse, Problem> {
    context.engine.leave(&room, user).await?;
    Ok(HttpResponse::NoContent().finish())
}
