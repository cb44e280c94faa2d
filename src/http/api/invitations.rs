//! `/api/rooms/{id}/invitations`, `/invitation-links` and `/api/invitations`: inviting people, and being invited.
//! Who may invite is judged by the room, each time somebody is.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::{
    page,
    schema::{Accepted, Link, Links, NewLink},
};
use crate::{
    auth::Token,
    domain::{Code, Deed, Nickname, Refusal, User},
    http::{
        Context, Problem,
        body::{JsonObject, OptionalObject},
        identity::Caller,
        query::Query,
        room_path::{self, InRoom},
    },
    wire::json::Room,
};

/// A week.
const DEFAULT_SECONDS: u32 = 604_800;

/// Invites somebody to a room; no error where they are a member or invited already.
#[utoipa::path(
    put,
    path = "/api/rooms/{id}/invitations/{nickname}",
    tag = "invitations",
    operation_id = "invite",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("nickname" = String, Path, description = "Their nickname"),
    ),
    responses(
        (status = 204, description = "They may join"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`, or `banned`: they are"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
    )
)]
pub(in crate::http) async fn invite(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let user = named(&context, &request).await?;
    context.engine.act(&room, &identity, Deed::Invite(user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes an invitation back, or declines one's own.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/invitations/{nickname}",
    tag = "invitations",
    operation_id = "uninvite",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("nickname" = String, Path, description = "Their nickname"),
    ),
    responses(
        (status = 204, description = "They are not invited"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `user_not_found`"),
        (status = 409, description = "`room_closed`"),
    )
)]
pub(in crate::http) async fn uninvite(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let user = named(&context, &request).await?;
    context.engine.act(&room, &identity, Deed::Uninvite(user)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes a link that invites whoever shows its token, in the name of who makes it and as long as they may invite.
#[utoipa::path(
    post,
    path = "/api/rooms/{id}/invitation-links",
    tag = "invitations",
    operation_id = "createLink",
    security(("token" = [])),
    params(("id" = String, Path, description = "The room's id")),
    request_body(content = Option<NewLink>),
    responses(
        (status = 201, description = "The link, with its token", body = Link<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn create_link(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    OptionalObject(object): OptionalObject,
) -> Result<HttpResponse, Problem> {
    let NewLink { seconds, uses } = NewLink::read(&object)?;
    let seconds = seconds.unwrap_or(DEFAULT_SECONDS);
    let (link, token) = context.engine.create_link(&room, &identity, seconds, uses).await?;
    Ok(HttpResponse::Created().json(Link::of(&link, Some(token.as_str()))))
}

/// Lists the links of a room that are good now, for who looks after it.
#[utoipa::path(
    get,
    path = "/api/rooms/{id}/invitation-links",
    tag = "invitations",
    operation_id = "listLinks",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "The links, without their tokens", body = Links<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn links(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let found = context.engine.links(&room, &identity).await?;
    let (found, next) = page(found, &query, context.page_max)?;
    let links = found.iter().map(|link| Link::of(link, None)).collect();
    Ok(HttpResponse::Ok().json(Links { links, next }))
}

/// Takes a link away.
#[utoipa::path(
    delete,
    path = "/api/rooms/{id}/invitation-links/{link}",
    tag = "invitations",
    operation_id = "removeLink",
    security(("token" = [])),
    params(
        ("id" = String, Path, description = "The room's id"),
        ("link" = String, Path, description = "The link's id"),
    ),
    responses(
        (status = 204, description = "It is good no more"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`room_not_found`, `invitation_not_found`"),
    )
)]
pub(in crate::http) async fn remove_link(
    context: Data<Context>,
    Caller(identity): Caller,
    InRoom(room): InRoom,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let link = room_path::part(&request, "link");
    // No store takes every byte, and no link has such an id.
    if link.contains('\0') {
        return Err(Code::InvitationNotFound.into());
    }
    context.engine.remove_link(&room, &identity, link).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Shows a link's token: whoever does is invited to its room, and may join it.
#[utoipa::path(
    post,
    path = "/api/invitations",
    tag = "invitations",
    operation_id = "acceptInvitation",
    security(("token" = [])),
    request_body = Accepted,
    responses(
        (status = 200, description = "The room", body = Room<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`banned`"),
        (status = 404, description = "`invitation_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn accept(
    context: Data<Context>,
    Caller(identity): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let Accepted { token } = Accepted::read(&object)?;
    let room = context.engine.accept(&Token::shown(token), &identity.user).await?;
    Ok(HttpResponse::Ok().json(Room::of(&room)))
}

/// The user whose nickname is in the path; nobody has one that cannot be read.
async fn named(context: &Context, request: &HttpRequest) -> Result<User, Refusal> {
    let text = room_path::part(request, "nickname");
    let nickname = Nickname::parse(&text, context.engine.limits()).map_err(|_| Code::UserNotFound)?;
    context.engine.user_named(&nickname).await
}
