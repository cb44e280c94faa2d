//! `/api/rooms/{id}/members`: who belongs to a room, and joining and leaving it.
//! Reading a room needs no membership and is not counted here.

use actix_web::{HttpResponse, web::Data};

use super::{
    next,
    schema::{Member, Members, NewRole, Standing},
};
use crate::{
    actors,
    domain::{Deed, Identity, Reason, Role, Viewer},
    http::{
        Context, Problem,
        body::JsonObject,
        identity::{Caller, Visitor},
        query::Query,
        room_path::{InRoom, Whom},
    },
    wire::json::{Room, User},
};

/// Lists members in order of joining.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/members",
    tag = "members",
    operation_id = "listMembers",
    security((), ("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of members", body = Members<'_>),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn list(
    context: Data<Context>,
    Visitor(viewer): Visitor,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit(context.page_max)? as usize;
    // The cursor is the number of the record that made somebody a member.
    let after = query.cursor()?.map_or(0, i64::unsigned_abs);
    let found = context.engine.members(&room, viewer, after, limit + 1).await?;
    let next = next(found.iter().map(|(joined, ..)| joined), limit);
    let members =
        found.iter().take(limit).map(|(_, user, role)| Member { user: User::of(user), role: role.name() });
    let members = members.collect();
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
        (status = 403, description = "`banned`"),
        (status = 404, description = "`room_not_found`"),
        (status = 409, description = "`room_closed`"),
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

/// Shows what one is in a room oneself, and what is held against one.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/members/me",
    tag = "members",
    operation_id = "showOwnStanding",
    security(("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    responses(
        (status = 200, description = "What one is", body = Standing<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 404, description = "`room_not_found`"),
    )
)]
pub(in crate::http) async fn show_me(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(Some(&identity));
    let standing = context.engine.standing(&room, viewer, identity.user).await?;
    Ok(HttpResponse::Ok().json(shape(&standing)))
}

/// Shows what somebody is in a room; moderators see also what is held against them.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/members/{user}",
    tag = "members",
    operation_id = "showStanding",
    security((), ("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    responses(
        (status = 200, description = "What they are", body = Standing<'_>),
        (status = 401, description = "`unauthenticated`: there is a token and it is not good"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
    )
)]
pub(in crate::http) async fn show(
    context: Data<Context>,
    Visitor(viewer): Visitor,
    InRoom(room): InRoom,
    Whom(user): Whom,
) -> Result<HttpResponse, Problem> {
    let user = context.engine.user(user).await?;
    let standing = context.engine.standing(&room, viewer, user).await?;
    Ok(HttpResponse::Ok().json(shape(&standing)))
}

/// Ends somebody's membership; they may join again where anybody may.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/members/{user}",
    tag = "members",
    operation_id = "kick",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
        ("reason" = Option<String>, Query, description = "Why, at most 200 characters"),
    ),
    responses(
        (status = 204, description = "They are no member"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn kick(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let reason = Reason::parse(query.text("reason").unwrap_or_default())?;
    let user = context.engine.user(user).await?;
    context.engine.act(&room, &identity, Deed::Kick(user, reason)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a member a moderator or an ordinary member again, or hands the room over.
#[utoipa::path(
    put,
    path = "/api/rooms/{id}/members/{user}/role",
    tag = "members",
    operation_id = "setRole",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    request_body = NewRole,
    responses(
        (status = 204, description = "They are that"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`, also for who is no member"),
    )
)]
pub(in crate::http) async fn set_role(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let role = NewRole::read(&object)?;
    let user = context.engine.user(user).await?;
    context.engine.act(&room, &identity, Deed::SetRole(user, role)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn shape(standing: &actors::Standing) -> Standing<'_> {
    let (mute, ban) = (standing.mute.as_ref(), standing.ban.as_ref());
    let reason = ban.and_then(|ban| ban.reason.as_ref()).or(mute.and_then(|mute| mute.reason.as_ref()));
    Standing {
        user: User::of(&standing.user),
        role: standing.role.map(Role::name),
        member: standing.member,
        invited: standing.invited,
        muted_until: mute.map(|mute| mute.until),
        banned_until: ban.map(|ban| ban.until),
        reason: reason.map(Reason::as_str),
    }
}
