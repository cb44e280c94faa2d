//! The bodies of requests and answers that only HTTP has.
//! Users, rooms, records and positions are shared with the sockets and live in `wire::json`.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{self, Refusal, Role, Timestamp, Visibility},
    http::{body::JsonObject, error::invalid},
    storage::invitations,
    wire::json::{Position, Record, Room, User, rfc3339, until},
};

/// Who wants to be somebody.
#[derive(ToSchema)]
pub(in crate::http) struct NewUser {
    /// The nickname, 1 to 32 characters, unique whatever its case.
    #[schema(example = "Ada", min_length = 1)]
    pub nickname: String,
    /// A secret of 16 to 64 characters that the client made up, with which the call can be repeated.
    #[schema(min_length = 16, max_length = 64)]
    pub secret: Option<String>,
}

/// A room to be made.
#[derive(ToSchema)]
pub(in crate::http) struct NewRoom {
    /// The name, 1 to 80 characters, unique whatever its case.
    #[schema(example = "Lobby", min_length = 1)]
    pub name: String,
    /// `public`, which it is if nothing is said, or `private`.
    #[schema(example = "public")]
    pub visibility: Option<String>,
}

/// What is to be held against somebody.
#[derive(ToSchema)]
pub(in crate::http) struct NewPenalty {
    /// For how long, at most ten years; for ever if nothing is said.
    #[schema(minimum = 1, maximum = 315_360_000)]
    pub seconds: Option<u32>,
    /// Why, at most 200 characters.
    #[schema(example = "spam")]
    pub reason: Option<String>,
}

/// What a member is to be.
#[derive(ToSchema)]
pub(in crate::http) struct NewRole {
    /// `member`, `moderator`, or `owner`, which hands the room over.
    #[schema(example = "moderator")]
    pub role: String,
}

/// A link to be made.
#[derive(ToSchema)]
pub(in crate::http) struct NewLink {
    /// For how long it is good; a week if nothing is said, at most a year.
    #[schema(minimum = 1, maximum = 31_536_000)]
    pub seconds: Option<u32>,
    /// How many people it may invite, where that is bounded.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub uses: Option<u32>,
}

/// A link's token.
#[derive(ToSchema)]
pub(in crate::http) struct Accepted {
    /// The token.
    pub token: String,
}

/// With whom a room is to be shared.
#[derive(ToSchema)]
pub(in crate::http) struct NewDirect {
    /// The other one's nickname.
    #[schema(example = "Bob")]
    pub nickname: String,
}

/// A message to be sent.
#[derive(ToSchema)]
pub(in crate::http) struct NewMessage {
    /// The text, 1 byte to 8 KiB of UTF-8.
    #[schema(example = "Hello!", min_length = 1)]
    pub body: String,
    /// The client's own name for the message, 1 to 64 characters, which makes the call repeatable.
    #[schema(min_length = 1)]
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

/// A member of a room.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Member<'a> {
    /// Who.
    #[serde(flatten)]
    pub user: User<'a>,
    /// What they are: `owner`, `moderator` or `member`.
    #[schema(example = "member")]
    pub role: &'static str,
}

/// What somebody is in a room.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Standing<'a> {
    /// Who.
    pub user: User<'a>,
    /// `owner`, `moderator` or `member`; null where they are neither a member nor the owner.
    #[schema(required)]
    pub role: Option<&'static str>,
    /// Whether they are a member.
    pub member: bool,
    /// Whether they are invited and have not joined.
    pub invited: bool,
    /// Where they may not speak: until when, or null for ever.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "until")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub muted_until: Option<Option<Timestamp>>,
    /// Where they are kept out: until when, or null for ever.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "until")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub banned_until: Option<Option<Timestamp>>,
    /// Why, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'a str>,
}

/// What is held against somebody.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Penalty<'a> {
    /// Against whom.
    pub user: User<'a>,
    /// Until when, or null for ever.
    #[serde(serialize_with = "until")]
    #[schema(required, value_type = Option<String>, format = DateTime)]
    pub until: Option<Option<Timestamp>>,
    /// Why, where that was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'a str>,
}

/// A page of those who may not speak.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Mutes<'a> {
    /// They, in the order of their ids.
    pub mutes: Vec<Penalty<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A page of those who are kept out.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Bans<'a> {
    /// They, in the order of their ids.
    pub bans: Vec<Penalty<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A link that invites to a room.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Link<'a> {
    /// Names it.
    pub id: &'a str,
    /// What whoever has it shows; only when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub token: Option<&'a str>,
    /// In whose name it invites.
    pub created_by: User<'a>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "rfc3339")]
    pub created_at: Timestamp,
    /// When it is good no more.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "rfc3339")]
    pub expires_at: Timestamp,
    /// How many people it may invite, where that is bounded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub uses: Option<u32>,
    /// How many it has invited.
    pub used: u32,
}

/// A page of links.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Links<'a> {
    /// The links that are good now, newest first.
    pub links: Vec<Link<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A room of one's own.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OwnRoom<'a> {
    /// The room.
    #[serde(flatten)]
    pub room: Room<'a>,
    /// What one is there: `owner`, `moderator` or `member`.
    #[schema(example = "member")]
    pub role: &'static str,
}

/// A page of one's own rooms.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct OwnRooms<'a> {
    /// The rooms, newest first.
    pub rooms: Vec<OwnRoom<'a>>,
    /// The cursor for `after`; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// A page of members.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Members<'a> {
    /// The members, in order of joining.
    pub members: Vec<Member<'a>>,
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
        let visibility = object.optional_text("visibility")?.map(str::to_owned);
        Ok(Self { name: object.text("name")?.to_owned(), visibility })
    }

    /// For whose eyes it shall be; rooms for two are made by another call.
    ///
    /// # Errors
    /// `invalid`, field `visibility`.
    pub(super) fn visibility(&self) -> Result<Visibility, Refusal> {
        match self.visibility.as_deref().map(Visibility::from_name) {
            None => Ok(Visibility::Public),
            Some(Some(visibility @ (Visibility::Public | Visibility::Private))) => Ok(visibility),
            Some(_) => Err(invalid("visibility", "must be public or private")),
        }
    }
}

impl NewPenalty {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        let reason = object.optional_text("reason")?.map(str::to_owned);
        Ok(Self { seconds: object.optional_count("seconds", (1, 315_360_000))?, reason })
    }
}

impl NewRole {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid`, field `role`.
    pub(super) fn read(object: &JsonObject) -> Result<Role, Refusal> {
        let Self { role } = Self { role: object.text("role")?.to_owned() };
        Role::from_name(&role).ok_or_else(|| invalid("role", "must be member, moderator or owner"))
    }
}

impl NewLink {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        let seconds = object.optional_count("seconds", (1, 31_536_000))?;
        Ok(Self { seconds, uses: object.optional_count("uses", (1, 1_000_000))? })
    }
}

impl Accepted {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid`, field `token`.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        Ok(Self { token: object.text("token")?.to_owned() })
    }
}

impl NewDirect {
    /// Reads it from a request.
    ///
    /// # Errors
    /// `invalid`, field `nickname`.
    pub(super) fn read(object: &JsonObject) -> Result<Self, Refusal> {
        Ok(Self { nickname: object.text("nickname")?.to_owned() })
    }
}

impl<'a> Penalty<'a> {
    /// Views what is held against somebody.
    pub(super) fn of(penalty: &'a domain::Penalty) -> Self {
        let reason = penalty.reason.as_ref().map(domain::Reason::as_str);
        Self { user: User::of(&penalty.user), until: Some(penalty.until), reason }
    }
}

impl<'a> Link<'a> {
    /// Views a link, with its token where it is told.
    pub(super) fn of(link: &'a invitations::Link, token: Option<&'a str>) -> Self {
        Self {
            id: &link.id,
            token,
            created_by: User::of(&link.maker),
            created_at: link.created_at,
            expires_at: link.expires_at,
            uses: link.uses,
            used: link.used,
        }
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
