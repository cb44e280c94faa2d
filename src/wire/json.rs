//! The JSON shapes that HTTP and the sockets share, as views that borrow from domain values.
//! Which call answers with which shape is not known here.

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::domain::{self, Act, Authority, Deed, Epoch, Reason, RecordKind, RoomId, Timestamp};

/// A user as everybody sees them.
#[derive(Debug, Serialize, ToSchema)]
pub struct User<'a> {
    /// Names the user for ever; opaque.
    #[schema(example = "u8Zk2mQx90ab")]
    pub id: &'a str,
    /// The nickname.
    #[schema(example = "Ada")]
    pub nickname: &'a str,
}

/// A place in a room's log.
#[derive(Debug, Serialize, ToSchema)]
pub struct Position<'a> {
    /// Changes only if the room's log was lost or replaced.
    #[schema(example = "k3f9")]
    pub epoch: &'a str,
    /// The number of the last record seen; 0 is before the first.
    pub seq: u64,
}

/// A room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Room<'a> {
    /// Names the room for ever; opaque.
    pub id: &'a str,
    /// The name that people see; unique.
    #[schema(example = "Lobby")]
    pub name: &'a str,
    /// When it was made: RFC 3339, UTC, milliseconds.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "rfc3339")]
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: User<'a>,
    /// `public`, `private` or `direct`.
    #[schema(example = "public")]
    pub visibility: &'static str,
    /// The other one of a direct room.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub with: Option<User<'a>>,
    /// Where it is so: nothing more can be said in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub closed: Option<bool>,
    /// How many members it has.
    pub members: u64,
    /// The position of its newest record.
    pub head: Position<'a>,
}

/// A record of a room.
#[derive(Debug, Serialize, ToSchema)]
pub struct Record<'a> {
    /// `record` where it is pushed over the socket; elsewhere absent.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    #[schema(ignore)]
    pub push: Option<&'static str>,
    /// The room's id.
    pub room: &'a str,
    /// Its number in the room: 1, 2, 3, …
    pub seq: u64,
    /// What happened: `message`, `joined`, `left`, `renamed`, `role_changed`, `kicked`, `muted`, `unmuted`, `banned`,
    /// `unbanned`, `invited`, `uninvited`, `room_closed`, and what later versions add.
    pub kind: &'static str,
    /// Who did it.
    pub sender: User<'a>,
    /// When: RFC 3339, UTC, milliseconds; never goes backwards in a room.
    #[schema(value_type = String, format = DateTime)]
    #[serde(serialize_with = "rfc3339")]
    pub at: Timestamp,
    /// The text of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub body: Option<&'a str>,
    /// The sender's own name for the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub client_id: Option<&'a str>,
    /// What the sender's program added for other programs: at most 16 names with a text each.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<std::collections::BTreeMap<String, String>>)]
    pub headers: Option<&'a domain::Headers>,
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub user: Option<User<'a>>,
    /// What they are from now on: `member`, `moderator` or `owner`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub role: Option<&'static str>,
    /// With `muted` and `banned`: until when, or null for ever.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "until")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Option<Timestamp>>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<&'a str>,
    /// With `renamed`: what the sender is called from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub nickname: Option<&'a str>,
    /// Where it is so: it was done as an admin of the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub as_admin: Option<bool>,
}

/// The records that a lost position missed, both ends included.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Missing {
    /// The first one.
    pub from: u64,
    /// The last one.
    pub to: u64,
}

impl<'a> User<'a> {
    /// Views a user.
    pub fn of(user: &'a domain::User) -> Self {
        Self { id: user.id.as_str(), nickname: &user.nickname }
    }
}

impl<'a> Position<'a> {
    /// Views a position.
    pub fn of(position: &'a domain::Position) -> Self {
        Self { epoch: position.epoch.as_str(), seq: position.seq }
    }

    /// Views a place in a log whose epoch is known.
    pub fn at(epoch: &'a Epoch, seq: u64) -> Self {
        Self { epoch: epoch.as_str(), seq }
    }
}

impl<'a> Room<'a> {
    /// Views a room.
    pub fn of(room: &'a domain::RoomInfo) -> Self {
        Self {
            id: room.id.as_str(),
            name: &room.name,
            created_at: room.created_at,
            created_by: User::of(&room.created_by),
            visibility: room.visibility.name(),
            with: room.peer.as_ref().map(User::of),
            closed: room.closed.then_some(true),
            members: room.members,
            head: Position::of(&room.head),
        }
    }
}

impl<'a> Record<'a> {
    /// Views a record of the given room.
    pub fn of(room: &'a RoomId, record: &'a domain::Record) -> Self {
        let (message, deed) = (record.kind.message(), record.kind.deed());
        let (role, until, reason) = match deed {
            Some(Deed::SetRole(_, role)) => (Some(role.name()), None, None),
            Some(Deed::Mute(penalty) | Deed::Ban(penalty)) => {
                (None, Some(penalty.until), penalty.reason.as_ref())
            }
            Some(Deed::Kick(_, reason) | Deed::Close(reason)) => (None, None, reason.as_ref()),
            _ => (None, None, None),
        };
        let (nickname, as_admin) = match &record.kind {
            RecordKind::Renamed(nickname) => (Some(&**nickname), None),
            RecordKind::Act(Act { authority: Authority::Admin, .. }) => (None, Some(true)),
            _ => (None, None),
        };
        Self {
            push: None,
            room: room.as_str(),
            seq: record.seq,
            kind: record.kind.name(),
            sender: User::of(&record.sender),
            at: record.at,
            body: message.map(|message| message.body.as_str()),
            client_id: message.and_then(|message| message.client_id.as_ref()).map(domain::ClientId::as_str),
            headers: message.map(|message| &message.headers).filter(|headers| !headers.is_empty()),
            user: deed.and_then(Deed::user).map(User::of),
            role,
            until,
            reason: reason.map(Reason::as_str),
            nickname,
            as_admin,
        }
    }
}

impl From<domain::Missing> for Missing {
    fn from(missing: domain::Missing) -> Self {
        Self { from: missing.from, to: missing.to }
    }
}

/// Writes an instant as RFC 3339 in UTC with milliseconds.
pub fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// Writes an instant that may be missing, as null then.
pub fn perhaps_rfc3339<S: Serializer>(at: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => serializer.collect_str(at),
        None => serializer.serialize_none(),
    }
}

/// Writes the end of something, null where it has none.
pub fn until<S: Serializer>(until: &Option<Option<Timestamp>>, serializer: S) -> Result<S::Ok, S::Error> {
    perhaps_rfc3339(&until.flatten(), serializer)
}

/// A position as JSON text.
pub fn position(position: &Position<'_>) -> String {
    text(position)
}

/// A value as JSON text; the shapes of this crate have text keys and cannot fail to serialise.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("shapes with text keys and no fallible parts always serialise")
}
