//! The room that a path names.
//! Whether there is such a room is for the engine to say.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::Problem;
use crate::domain::{Code, RoomId};

/// The `{id}` of a path; one that no room can have is refused as `room_not_found`.
pub(super) struct InRoom(pub RoomId);

impl FromRequest for InRoom {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().query("id");
        ready(RoomId::parse(id).map(Self).ok_or_else(|| Code::RoomNotFound.into()))
    }
}
