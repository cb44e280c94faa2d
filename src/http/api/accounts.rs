//! `/api/accounts`: users who log in with a password.
//! What an account may be like is decided in `auth`.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web::Data};

use super::{
    session_schema::{NewAccount, SessionAnswer, device},
    sessions::{Keeps, answer},
};
use crate::http::{Context, Problem, body::JsonObject, identity::PerhapsCaller};

/// Makes an account and logs in to it. With a guest's token the guest becomes its owner, and keeps id, rooms and messages;
/// their tokens end.
#[utoipa::path(
    post,
    path = "/api/accounts",
    tag = "accounts",
    operation_id = "createAccount",
    security((), ("token" = [])),
    request_body = NewAccount,
    responses(
        (status = 201, description = "The account's first session", body = SessionAnswer<'_>),
        (status = 401, description = "`unauthenticated`: the token is not good"),
        (status = 403, description = "`forbidden`: the token stands for somebody with an account"),
        (status = 409, description = "`login_taken`, `nickname_taken`"),
        (status = 422, description = "`invalid`"),
        (status = 503, description = "`overloaded`"),
    )
)]
pub(in crate::http) async fn create(
    context: Data<Context>,
    request: HttpRequest,
    PerhapsCaller(guest): PerhapsCaller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let sign_up = NewAccount::read(&object, context.engine.limits())?;
    let (device, keeps) = (device(&object, &request)?, Keeps::read(&object)?);
    let session = context.engine.sign_up(sign_up, guest.as_ref(), &device).await?;
    Ok(answer(&context, &request, StatusCode::CREATED, &session, keeps))
}
