//! `/api/sessions`: logins to accounts, and the tokens that keep them alive.
//! Tokens are made and judged in `auth`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};

use super::session_schema::{Credentials, Refresh, SessionAnswer, Sessions, ShownSession, device};
use crate::{
    auth::Session,
    domain::{Code, LoginId, Refusal},
    http::{
        Context, Problem,
        body::JsonObject,
        cookie,
        identity::{Caller, bearer},
        origin,
        query::Query,
    },
};

/// Where a client keeps its refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Keeps {
    /// It keeps it itself.
    Itself,
    /// Its browser keeps it, in a cookie.
    InCookie,
}

impl Keeps {
    /// What a request says about it.
    ///
    /// # Errors
    /// `invalid`, field `cookie`.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        Ok(if object.flag("cookie")? { Self::InCookie } else { Self::Itself })
    }
}

/// Answers with a session, its refresh token where the client keeps it.
pub(in crate::http) fn answer(
    context: &Context,
    request: &HttpRequest,
    status: StatusCode,
    session: &Session,
    keeps: Keeps,
) -> HttpResponse {
    let token = session.refresh.text();
    let mut response = HttpResponse::build(status);
    let refresh_token = match keeps {
        Keeps::Itself => Some(token),
        Keeps::InCookie => {
            response.insert_header(context.cookies.give(request, &token));
            None
        }
    };
    response.json(SessionAnswer { refresh_token, ..SessionAnswer::of(session) })
}

/// Logs in with a password.
#[utoipa::path(
    post,
    path = "/api/sessions",
    tag = "sessions",
    operation_id = "logIn",
    request_body = Credentials,
    responses(
        (status = 201, description = "A new session", body = SessionAnswer<'_>),
        (status = 401, description = "`bad_credentials`"),
        (status = 403, description = "`banned`"),
        (status = 422, description = "`invalid`"),
        (status = 429, description = "`rate_limited`: too many attempts at this login"),
        (status = 503, description = "`overloaded`, `auth_unavailable`"),
    )
)]
pub(in crate::http) async fn begin(
    context: Data<Context>,
    request: HttpRequest,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let (login, password) = (object.text("login")?, object.text("password")?);
    let (device, keeps) = (device(&object, &request)?, Keeps::read(&object)?);
    let session = context.engine.log_in(login, password, &device).await?;
    Ok(answer(&context, &request, StatusCode::CREATED, &session, keeps))
}

/// Gives the next tokens of a session for its newest refresh token, from the body or the cookie. The same call can be
/// repeated for some seconds; a refresh token that is used again later ends the session.
#[utoipa::path(
    post,
    path = "/api/sessions/refresh",
    tag = "sessions",
    operation_id = "refreshSession",
    request_body = Refresh,
    responses(
        (status = 200, description = "The same session with new tokens", body = SessionAnswer<'_>),
        (status = 401, description = "`unauthenticated`: the session has ended, or the token is none of it"),
        (status = 403, description = "`banned`; `origin_not_allowed`: the cookie came with a page of another origin"),
        (status = 422, description = "`invalid`"),
        (status = 503, description = "`auth_unavailable`"),
    )
)]
pub(in crate::http) async fn refresh(
    context: Data<Context>,
    request: HttpRequest,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    if let Some(token) = object.optional_text("refresh_token")? {
        let session = context.engine.refresh(token).await?;
        return Ok(answer(&context, &request, StatusCode::OK, &session, Keeps::Itself));
    }
    if !origin::trusted(&request, &context.allowed_origins) {
        return Err(Code::OriginNotAllowed.into());
    }
    let none = || Refusal::new(Code::Unauthenticated).message("there is no refresh token");
    let token = cookie::shown(&request).ok_or_else(none)?;
    let session = context.engine.refresh(&token).await?;
    Ok(answer(&context, &request, StatusCode::OK, &session, Keeps::InCookie))
}

/// Lists one's sessions; a guest has none.
#[utoipa::path(
    get,
    path = "/api/sessions",
    tag = "sessions",
    operation_id = "listSessions",
    security(("token" = [])),
    params(
        ("after" = Option<String>, Query, description = "The `next` of the page before"),
        ("limit" = Option<u32>, Query, minimum = 1, description = "At most so many, 50 by default"),
    ),
    responses(
        (status = 200, description = "A page of sessions", body = Sessions<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 422, description = "`invalid`"),
        (status = 503, description = "`auth_unavailable`"),
    )
)]
pub(in crate::http) async fn list(
    context: Data<Context>,
    Caller(identity): Caller,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit(context.page_max)? as usize;
    // The list is short and whole in memory, so the cursor is a place in it.
    let after = usize::try_from(query.cursor()?.unwrap_or_default()).unwrap_or_default();
    let logins = context.engine.sessions(&identity).await?;
    let page = logins.iter().skip(after).take(limit);
    let sessions: Vec<_> = page.map(|login| ShownSession::of(login, &identity)).collect();
    let end = after.saturating_add(sessions.len());
    let next = (end < logins.len()).then(|| end.to_string());
    Ok(HttpResponse::Ok().json(Sessions { sessions, next }))
}

/// Logs out: ends the session that asks, and takes its cookie. A guest's token ends as well.
#[utoipa::path(
    delete,
    path = "/api/sessions/current",
    tag = "sessions",
    operation_id = "logOut",
    security(("token" = [])),
    responses(
        (status = 204, description = "It has ended"),
        (status = 401, description = "`unauthenticated`"),
        (status = 503, description = "`auth_unavailable`"),
    )
)]
pub(in crate::http) async fn end_current(
    context: Data<Context>,
    request: HttpRequest,
    Caller(identity): Caller,
) -> Result<HttpResponse, Problem> {
    match &identity.login {
        // Somebody else may have ended it meanwhile, and then it has ended too.
        Some(login) => drop(context.engine.end_session(&identity, login).await?),
        None => context.engine.end_token(&identity, &bearer(&request)?).await?,
    }
    Ok(HttpResponse::NoContent().insert_header(context.cookies.take(&request)).finish())
}

/// Ends another session of one's own.
#[utoipa::path(
    delete,
    path = "/api/sessions/{id}",
    tag = "sessions",
    operation_id = "endSession",
    security(("token" = [])),
    params(("id" = String, Path, description = "The session's id in the list")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 401, description = "`unauthenticated`"),
        (status = 404, description = "`login_not_found`"),
        (status = 503, description = "`auth_unavailable`"),
    )
)]
pub(in crate::http) async fn end(
    context: Data<Context>,
    request: HttpRequest,
    Caller(identity): Caller,
) -> Result<HttpResponse, Problem> {
    let login = LoginId::parse(request.match_info().query("id")).ok_or(Code::LoginNotFound)?;
    match context.engine.end_session(&identity, &login).await? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Code::LoginNotFound.into()),
    }
}
