//! `/api/users/{id}/ban` and `/api/users/{id}/role`: what admins of the server do to users.
//! Whether somebody is one, and what follows, is decided in `auth`.

use actix_web::{HttpRequest, HttpResponse, web::Data};

use super::session_schema::{NewBan, NewRole};
use crate::{
    domain::{Code, Refusal, UserId},
    http::{
        Context, Problem,
        body::{JsonObject, OptionalObject},
        identity::Caller,
    },
};

/// Bans a user from the server: their sessions are refused and their sockets closed, on all nodes.
#[utoipa::path(
    put,
    path = "/api/users/{id}/ban",
    tag = "admin",
    operation_id = "banUser",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user's id")),
    request_body = NewBan,
    responses(
        (status = 204, description = "They are banned"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden` to who is no admin, and against admins"),
        (status = 404, description = "`user_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn ban(
    context: Data<Context>,
    request: HttpRequest,
    Caller(identity): Caller,
    OptionalObject(object): OptionalObject,
) -> Result<HttpResponse, Problem> {
    let user = user_in(&request)?;
    let NewBan { seconds, reason } = NewBan::read(&object)?;
    context.engine.ban_from_server(&identity, &user, seconds, reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Takes a ban back; no error where there is none.
#[utoipa::path(
    delete,
    path = "/api/users/{id}/ban",
    tag = "admin",
    operation_id = "unbanUser",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user's id")),
    responses(
        (status = 204, description = "They are not banned"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden` to who is no admin"),
        (status = 404, description = "`user_not_found`"),
    )
)]
pub(in crate::http) async fn unban(
    context: Data<Context>,
    request: HttpRequest,
    Caller(identity): Caller,
) -> Result<HttpResponse, Problem> {
    context.engine.unban_from_server(&identity, &user_in(&request)?).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes somebody with an account an admin of the server, or one no more.
#[utoipa::path(
    put,
    path = "/api/users/{id}/role",
    tag = "admin",
    operation_id = "setServerRole",
    security(("token" = [])),
    params(("id" = String, Path, description = "The user's id")),
    request_body = NewRole,
    responses(
        (status = 204, description = "They have the role"),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden` to who is no admin, for oneself, and for guests"),
        (status = 404, description = "`user_not_found`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn set_role(
    context: Data<Context>,
    request: HttpRequest,
    Caller(identity): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let role = NewRole::read(&object)?;
    context.engine.set_server_role(&identity, &user_in(&request)?, role).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn user_in(request: &HttpRequest) -> Result<UserId, Refusal> {
    UserId::parse(request.match_info().query("id")).ok_or_else(|| Code::UserNotFound.into())
}
