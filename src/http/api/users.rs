//! `/api/users`: who people are.
//! Tokens are made and judged in `auth`.

use actix_web::{HttpResponse, http::StatusCode, web::Data};

use super::schema::{NewUser, Registered};
use crate::{
    domain::{Identity, Nickname},
    http::{Context, Problem, body::JsonObject, identity::Caller},
    wire::json,
};

/// Takes a nickname, or comes back with the secret that it was taken with.
#[utoipa::path(
    post,
    path = "/api/users",
    tag = "users",
    operation_id = "register",
    request_body = NewUser,
    responses(
        (status = 201, description = "A new user and a token", body = Registered<'_>),
        (status = 200, description = "The user of this nickname and secret, and a new token", body = Registered<'_>),
        (status = 409, description = "`nickname_taken`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn register(
    context: Data<Context>,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let NewUser { nickname, secret } = NewUser::read(&object)?;
    let nickname = Nickname::parse(&nickname, context.engine.limits())?;
    let registered = context.engine.register(nickname, secret).await?;
    let status = if registered.returned { StatusCode::OK } else { StatusCode::CREATED };
    Ok(HttpResponse::build(status)
        .json(Registered { user: json::User::of(&registered.user), token: registered.token.as_str() }))
}

/// Shows who the token stands for.
#[utoipa::path(
    get,
    path = "/api/users/me",
    tag = "users",
    operation_id = "whoAmI",
    security(("token" = [])),
    responses(
        (status = 200, description = "The user", body = json::User<'_>),
        (status = 401, description = "`unauthenticated`"),
    )
)]
pub(in crate::http) async fn me(Caller(Identity { user, .. }): Caller) -> HttpResponse {
    HttpResponse::Ok().json(json::User::of(&user))
}
