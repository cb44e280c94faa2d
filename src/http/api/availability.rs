//! `/api/availability`: whether a name can be had, for forms that say so while somebody types.
//! A name is only taken by the call that makes a user or an account.

use actix_web::{HttpResponse, web::Data};

use super::session_schema::Availability;
use crate::{
    domain::{Code, Login, Nickname, Refusal},
    http::{Context, Problem, error::invalid, query::Query},
};

/// Says whether a nickname or a login can be had.
#[utoipa::path(
    get,
    path = "/api/availability",
    tag = "accounts",
    operation_id = "isAvailable",
    params(
        ("nickname" = Option<String>, Query, description = "A nickname"),
        ("login" = Option<String>, Query, description = "A login; one of the two must be given"),
    ),
    responses(
        (status = 200, description = "Whether it can be had, and why not", body = Availability),
        (status = 422, description = "`invalid`: neither or both are given"),
    )
)]
pub(in crate::http) async fn show(context: Data<Context>, query: Query) -> Result<HttpResponse, Problem> {
    let why_not = match (query.text("nickname"), query.text("login")) {
        (Some(text), None) => nickname(&context, text).await,
        (None, Some(text)) => login(&context, text).await,
        (None, None) => return Err(invalid("nickname", "or login must be given").into()),
        (Some(_), Some(_)) => return Err(invalid("login", "and nickname cannot be given together").into()),
    };
    Ok(HttpResponse::Ok().json(match why_not {
        Ok(()) => Availability { available: true, code: None, message: None },
        Err(refusal) if refusal.code.retry() != crate::domain::Retry::No => return Err(refusal.into()),
        Err(refusal) => Availability {
            available: false,
            code: Some(refusal.code.name()),
            message: Some(refusal.message.into_owned()),
        },
    }))
}

async fn nickname(context: &Context, text: &str) -> Result<(), Refusal> {
    let nickname = Nickname::parse(text, context.engine.limits())?;
    match context.engine.is_nickname_free(&nickname).await? {
        true => Ok(()),
        false => Err(Code::NicknameTaken.into()),
    }
}

async fn login(context: &Context, text: &str) -> Result<(), Refusal> {
    match context.engine.is_login_free(&Login::parse(text)?).await? {
        true => Ok(()),
        false => Err(Code::LoginTaken.into()),
    }
}
