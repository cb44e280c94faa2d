//! The room that a path names.
//! Whether there is such a room is for the engine to say.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::Problem;
use crate::domain::{Code, RoomId, UserId};

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

/// The `{user}` of a path.
pub(super) struct Whom(pub UserId);

impl FromRequest for Whom {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let id = request.match_info().query("user");
        ready(UserId::parse(id).map(Self).ok_or_else(|| Code::UserNotFound.into()))
    }
}

/// A part of the path, decoded. The router leaves three bytes as they were written, for they mean something in paths.
pub(super) fn part(request: &HttpRequest, name: &str) -> String {
    decoded(request.match_info().query(name))
}

fn decoded(part: &str) -> String {
    let mut text = part.to_owned();
    // That of the percent sign itself comes last, or what it stood before would be decoded twice.
    for (written, meant) in [("%2F", "/"), ("%2f", "/"), ("%2B", "+"), ("%2b", "+"), ("%25", "%")] {
        text = text.replace(written, meant);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_router_leaves_is_decoded_once() {
        assert_eq!(decoded("a%2Fb%2bc%25d \u{e4}%"), "a/b+c%d \u{e4}%");
        assert_eq!(decoded("%252F"), "%2F");
    }
}
