//! `/api/rooms/{id}/mutes` and `/bans`: what is held against people in a room, and taking it back.
//! Who may do that is judged by the room.

use actix_web::{HttpResponse, web::Data};

use super::{
    page,
    schema::{Bans, Mutes, NewPenalty, Penalty},
};
use crate::{
    actors::Penalties,
    domain::{self, Deed, Reason, Refusal, UserId, Viewer},
    http::{
        Context, Problem,
        body::{JsonObject, OptionalObject},
        identity::Caller,
        query::Query,
        room_path::{InRoom, Whom},
    },
};

/// Lets somebody say nothing in a room, for a time or until it is taken back.
#[utoipa::path(
    put,
    path = "/api/rooms/{id}/mutes/{user}",
    tag = "moderation",
    operation_id = "mute",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    request_body(content = Option<NewPenalty>),
    responses(
        (status = 204, description = "It is so"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn mute(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
    OptionalObject(object): OptionalObject,
) -> Result<HttpResponse, Problem> {
    let penalty = penalty(&context, user, &object).await?;
    context.engine.act(&room, &identity, Deed::Mute(penalty)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lets somebody speak again.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/mutes/{user}",
    tag = "moderation",
    operation_id = "unmute",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    responses(
        (status = 204, description = "It is so"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
    )
)]
pub(in crate::http) async fn unmute(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
) -> Result<HttpResponse, Problem> {
    let user = context.engine.user(user).await?;
    context.engine.act(&room, &identity, Deed::Unmute(user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists who is muted now, for who looks after the room.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/mutes",
    tag = "moderation",
    operation_id = "listMutes",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "They", body = Mutes<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn mutes(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(Some(&identity));
    let found = context.engine.penalties(&room, viewer, Penalties::Mutes).await?;
    let (found, next) = page(found, &query, context.page_max)?;
    let mutes = found.iter().map(Penalty::of).collect();
    Ok(HttpResponse::Ok().json(Mutes { mutes, next }))
}

/// Keeps somebody out of a room, for a time or until it is taken back; they are a member no more.
#[utoipa::path(
    put,
    path = "/api/rooms/{id}/bans/{user}",
    tag = "moderation",
    operation_id = "ban",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    request_body(content = Option<NewPenalty>),
    responses(
        (status = 204, description = "It is so"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn ban(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
    OptionalObject(object): OptionalObject,
) -> Result<HttpResponse, Problem> {
    let penalty = penalty(&context, user, &object).await?;
    context.engine.act(&room, &identity, Deed::Ban(penalty)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lets somebody join again.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/bans/{user}",
    tag = "moderation",
    operation_id = "unban",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("user" = String, Path, description = "The user's id"),
    ),
    responses(
        (status = 204, description = "It is so"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
    )
)]
pub(in crate::http) async fn unban(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    Whom(user): Whom,
) -> Result<HttpResponse, Problem> {
    let user = context.engine.user(user).await?;
    context.engine.act(&room, &identity, Deed::Unban(user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists who is banned now, for who looks after the room.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/bans",
    tag = "moderation",
    operation_id = "listBans",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "They", body = Bans<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn bans(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let viewer = Viewer::of(Some(&identity));
    let found = context.engine.penalties(&room, viewer, Penalties::Bans).await?;
    let (found, next) = page(found, &query, context.page_max)?;
    let bans = found.iter().map(Penalty::of).collect();
    Ok(HttpResponse::Ok().json(Bans { bans, next }))
}

async fn penalty(context: &Context, user: UserId, object: &JsonObject) -> Result<domain::Penalty, Refusal> {
    let NewPenalty { seconds, reason } = NewPenalty::read(object)?;
    let reason = Reason::parse(reason.as_deref().unwrap_or_default())?;
    let user = context.engine.user(user).await?;
    Ok(context.engine.penalty(user, seconds, reason))
}
