//! `/api/users`: who people are.
//! Tokens are made and judged in `auth`.

use actix_web::{HttpResponse, http::StatusCode, web::Data};

use super::{
    schema::{NewUser, Registered},
    session_schema::{Me, NewNickname, NewPassword},
};
use crate::{
    domain::{Nickname, ServerRole},
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
        (status = 200, description = "The user, and what only they see", body = Me<'_>),
        (status = 401, description = "`unauthenticated`"),
    )
)]
pub(in crate::http) async fn me(
    context: Data<Context>,
    Caller(identity): Caller,
) -> Result<HttpResponse, Problem> {
    let profile = match identity.role {
        ServerRole::Guest => None,
        ServerRole::User | ServerRole::Admin => context.engine.profile(&identity).await?,
    };
    let (login, email) = profile.map_or((None, None), |profile| (Some(profile.login), profile.email));
    let user = json::User::of(&identity.user);
    Ok(HttpResponse::Ok().json(Me { user, role: identity.role.name(), login, email }))
}

/// Changes the nickname of somebody with an account. Who they are does not change by it.
#[utoipa::path(
    patch,
    path = "/api/users/me",
    tag = "users",
    operation_id = "rename",
    security(("token" = [])),
    request_body = NewNickname,
    responses(
        (status = 200, description = "The user", body = json::User<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 403, description = "`forbidden` to guests"),
        (status = 409, description = "`nickname_taken`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn rename(
    context: Data<Context>,
    Caller(identity): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let nickname = Nickname::parse(object.text("nickname")?, context.engine.limits())?;
    let user = context.engine.rename(&identity, &nickname).await?;
    Ok(HttpResponse::Ok().json(json::User::of(&user)))
}

/// Changes the password of somebody who has one here; all their other sessions end.
#[utoipa::path(
    put,
    path = "/api/users/me/password",
    tag = "accounts",
    operation_id = "changePassword",
    security(("token" = [])),
    request_body = NewPassword,
    responses(
        (status = 204, description = "It is changed"),
        (status = 401, description = "`unauthenticated`; `bad_credentials`: the present password is another"),
        (status = 403, description = "`forbidden` to who has no password here"),
        (status = 422, description = "`invalid`"),
        (status = 429, description = "`rate_limited`: too many attempts at this login"),
        (status = 503, description = "`overloaded`, `auth_unavailable`"),
    )
)]
pub(in crate::http) async fn change_password(
    context: Data<Context>,
    Caller(identity): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let (present, new) = (object.text("password")?, object.text("new_password")?);
    context.engine.change_password(&identity, present, new).await?;
    Ok(HttpResponse::NoContent().finish())
}
