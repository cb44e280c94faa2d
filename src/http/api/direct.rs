//! `/api/direct`: the room of two people.
//! There is one for each pair, which the database sees to.

use actix_web::{HttpResponse, http::StatusCode, web::Data};

use super::schema::NewDirect;
use crate::{
    domain::{Identity, Nickname},
    http::{Context, Problem, body::JsonObject, identity::Caller},
    wire::json::Room,
};

/// Opens the room with somebody else; who asks is a member then, and the other one finds it among their invitations.
#[utoipa::path(
    post,
    path = "/api/direct",
    tag = "rooms",
    operation_id = "openDirect",
    security(("token" = [])),
    request_body = NewDirect,
    responses(
        (status = 201, description = "The room, which was made now", body = Room<'_>),
        (status = 200, description = "The room, which was there", body = Room<'_>),
        (status = 401, description = "`unauthenticated`"),
        (status = 404, description = "`user_not_found`"),
        (status = 409, description = "`room_closed`"),
        (status = 422, description = "`invalid`"),
    )
)]
pub(in crate::http) async fn open(
    context: Data<Context>,
    Caller(Identity { user, .. }): Caller,
    object: JsonObject,
) -> Result<HttpResponse, Problem> {
    let NewDirect { nickname } = NewDirect::read(&object)?;
    let nickname = Nickname::parse(&nickname, context.engine.limits())?;
    let (room, is_new) = context.engine.direct(&user, &nickname).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(HttpResponse::build(status).json(Room::of(&room)))
}
