//! The bodies of requests and answers that only HTTP has.
//! Users, rooms, records and positions are shared with the sockets and live in `wire::json`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::Refusal,
    http::body::JsonObject,
    wire::json::{Position, Record, Room, User},
};

/// Who wants to be somebody.
#[derive(ToSchema)]
pub(in crate::http) struct NewUser {
    /// The nickname, 1 to 32 characters, unique whatever its case.
    #[schema(example = "Ada", min_length = 1)]
    pub nickname: String,
    /// A secret of 16 to 64 characters that the client made up, with which the call can be repeated.
    #[schema(nullable = false, min_length = 16, max_length = 64)]
    pub secret: Option<String>,
}

/// A room to be made.
#[derive(ToSchema)]
pub(in crate::http) struct NewRoom {
    /// The name, 1 to 80 characters, unique whatever its case.
    #[schema(example = "Lobby", min_length = 1)]
    pub name: String,
}

/// A message to be sent.
#[derive(ToSchema)]
pub(in crate::http) struct NewMessage {
    /// The text, 1 byte to 8 KiB of UTF-8.
    #[schema(example = "Hello!", min_length = 1)]
    pub body: String,
    /// The client's own name for the message, 1 to 64 characters, which makes the call repeatable.
    #[schema(nullable = false, min_length = 1)]
    pub client_id: Option<String>,
}

/// A user and the token that stands for them.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Registered<'a> {
    /// The user.
    pub user: User<'a>,
    /// The token, for `Authorization: Bearer`.
    pub token: &'a str,
}

/// A room, and how far it is stored.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct ShownRoom<'a> {
    /// The room.
    #[serde(flatten)]
    pub room: Room<'a>,
    /// The position of the newest record that the database has. It is the head on the embedded log; on Kafka it follows
    /// the head, and what lies between is durable in the log.
    pub stored: Position<'a>,
}

/// A page of rooms.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Rooms<'a> {
    /// The rooms, newest first.
    pub rooms: Vec<Room<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Members<'a> {
    /// The members, in order of joining.
    pub members: Vec<User<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A page of a room's records.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Records<'a> {
    /// The records, ascending.
    pub records: Vec<Record<'a>>,
    /// The position of the last record given, so that `after` with it continues.
    pub position: Position<'a>,
    /// The position of the room's newest record.
    pub head: Position<'a>,
}

impl NewUser {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        let nickname = object.text("nickname")?.to_owned();
        Ok(Self { nickname, secret: object.optional_text("secret")?.map(str::to_owned) })
    }
}

impl NewRoom {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        Ok(Self { name: object.text("name")?.to_owned() })
    }
}

impl NewMessage {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        let body = object.text("body")?.to_owned();
        Ok(Self { body, client_id: object.optional_text("client_id")?.map(str::to_owned) })
    }
}
