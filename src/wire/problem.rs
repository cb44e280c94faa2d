//! A refusal as a problem document (RFC 9457), in whatever dialect it travels.
//! The HTTP status in it is an argument, for only `http` makes statuses.

use serde::Serialize;

use super::json::{Missing, Position, Room};
use crate::domain::{About, Refusal};

/// Why a request was refused.
#[derive(Debug, Serialize)]
pub struct Problem<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    retry: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    head: Option<Position<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Missing>,
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
            None => (None, None, None),
        };
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
        }
    }
}
