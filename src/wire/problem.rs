//! A refusal as a problem document (RFC 9457), in whatever dialect it travels.
//! The HTTP status in it is an argument, for only `http` makes statuses.

use serde::Serialize;
use utoipa::ToSchema;

use super::json::{Missing, Position, Room, until};
use crate::domain::{About, Refusal, Timestamp};

/// Why a request was refused (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem<'a> {
    /// Names the kind of problem: `urn:klatsch:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:klatsch:problem:invalid")]
    kind: String,
    /// The kind in a sentence.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// This one in a sentence.
    detail: &'a str,
    /// The stable name from the table of codes.
    #[schema(example = "invalid")]
    code: &'static str,
    /// The field that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<&'static str>,
    /// Whether to try again: `no`, `later` or `reconnect`.
    #[schema(example = "no")]
    retry: &'static str,
    /// When it is worth trying again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    retry_after_ms: Option<u64>,
    /// With `room_name_taken`: the room that has the name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    room: Option<Room<'a>>,
    /// With `position_lost`: the present head.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    head: Option<Position<'a>>,
    /// With `position_lost`: what the position missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    missing: Option<Missing>,
    /// With `muted` and `banned`: until when, or null for ever.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "until")]
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Option<Timestamp>>,
    /// With `muted` and `banned`: why, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'a str>,
}

impl<'a> Problem<'a> {
    /// Views a refusal; `status` is what HTTP says for its code.
    pub fn of(refusal: &'a Refusal, status: u16) -> Self {
        let code = refusal.code;
        let (room, head, missing) = match refusal.about.as_deref() {
            Some(About::Room(room)) => (Some(Room::of(room)), None, None),
            Some(About::Lost { head, missing }) => {
                (None, Some(Position::of(head)), Some(Missing::from(*missing)))
            }
            Some(About::Penalty { .. } | About::Rate { .. }) | None => (None, None, None),
        };
        let (until, reason) = refusal.penalty();
        Self {
            kind: format!("urn:klatsch:problem:{}", code.name()),
            title: code.sentence(),
            status,
            detail: &refusal.message,
            code: code.name(),
            field: refusal.field,
            retry: code.retry().name(),
            retry_after_ms: refusal.retry_after_ms,
            room,
            head,
            missing,
            until,
            reason,
        }
    }
}
