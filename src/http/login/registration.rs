//! The first login of somebody whom a provider knows: they choose a nickname, and then they are somebody here.
//! Who they are is known by a cookie, which only logins have to do with.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use super::{cookies, device};
use crate::{
    domain::{Code, Nickname, Refusal},
    http::{
        Context, Problem,
        api::{
            session_schema::SessionAnswer,
            sessions::{self, Keeps},
        },
        body::JsonObject,
        origin,
    },
};

/// Somebody who has logged in at a provider and has no nickname here yet.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Newcomer {
    /// What the provider calls them, as a proposal.
    #[schema(example = "Ada")]
    nickname: Option<String>,
}

/// What somebody would like to be called.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what is read field by field")]
pub(in crate::http) struct ChosenNickname {
    /// The nickname, 1 to 32 characters, unique whatever its case.
    #[schema(example = "Ada")]
    nickname: String,
}

/// Shows who has to choose a nickname in this browser.
#[utoipa::path(
    get,
    path = "/api/auth/registration",
    tag = "login",
    operation_id = "showRegistration",
    responses(
        (status = 200, description = "Somebody without a nickname", body = Newcomer),
        (status = 403, description = "`login_failed`: nobody has logged in at a provider here just now"),
    )
)]
pub(in crate::http) async fn show(
    context: Data<Context>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let nickname = context.engine.newcomer(&secret(&request)?).await?;
    Ok(HttpResponse::Ok().json(Newcomer { nickname }))
}

/// Takes the nickname of somebody who has logged in at a provider for the first time, and begins their session. Its refresh
/// token is in the cookie.
#[utoipa::path(
    post,
    path = "/api/auth/registration",
    tag = "login",
    operation_id = "chooseNickname",
    request_body = ChosenNickname,
    responses(
        (status = 201, description = "A new session", body = SessionAnswer<'_>),
        (status = 403, description = "`login_failed`: nobody has logged in at a provider here just now; `origin_not_allowed`"),
        (status = 409, description = "`nickname_taken`"),
        (status = 422, description = "`invalid`"),
        (status = 503, description = "`auth_unavailable`"),
    )
)]
pub(in crate::http) async fn take(
    context: Data<Context>,
    request: HttpRequest,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    if !origin::trusted(&request, &context.allowed_origins) {
        return Err(Code::OriginNotAllowed.into());
    }
    let secret = secret(&request)?;
    let nickname = Nickname::parse(object.text("nickname")?, context.engine.limits())?;
    let session = context.engine.register_newcomer(&secret, nickname, &device(&request)?).await?;
    let mut response = sessions::answer(&context, &request, StatusCode::CREATED, &session, Keeps::InCookie);
    let (name, cookie) = cookies::REGISTRATION.take(context.cookies.security(&request));
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(name, cookie);
    }
    Ok(response)
}

fn secret(request: &HttpRequest) -> Result<String, Refusal> {
    let nobody =
        || Refusal::new(Code::LoginFailed).message("nobody has logged in elsewhere in this browser just now");
    cookies::REGISTRATION.shown(request).ok_or_else(nobody)
}
