//! Deeds: what those who may do about others in a room, each of which is a record of its log.
//! Who may do what is judged in `moderation`; what follows from it is in `standing`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Code, RecordKind, Refusal, Timestamp, User};

/// What somebody is in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// May read and speak.
    Member,
    /// May also decide who else may.
    Moderator,
    /// May also name moderators, close the room and hand it over.
    Owner,
}

impl Role {
    /// Its name on the wire and in rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Owner => "owner",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Member, Self::Moderator, Self::Owner].into_iter().find(|role| role.name() == name)
    }
}

/// How somebody belongs to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Belonging {
    /// As a member, who is this there.
    Member(Role),
    /// As somebody who is expected to join.
    Invited,
}

impl Belonging {
    /// Its name in rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Member(role) => role.name(),
            Self::Invited => "invited",
        }
    }

    /// The belonging of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "invited" => Some(Self::Invited),
            name => Role::from_name(name).map(Self::Member),
        }
    }
}

/// Why somebody did something, in their words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reason(Arc<str>);

/// Most characters of a reason.
pub const MOST_REASON_CHARS: usize = 200;

impl Reason {
    /// Checks a client's text; one of white space alone is no reason.
    ///
    /// # Errors
    /// `invalid`, field `reason`, when it is too long or contains U+0000.
    pub fn parse(text: &str) -> Result<Option<Self>, Refusal> {
        let text = text.trim();
        if text.chars().count() > MOST_REASON_CHARS || text.contains('\0') {
            return Err(Refusal::new(Code::Invalid)
                .field("reason")
                .message(format!("reason must have at most {MOST_REASON_CHARS} characters and no U+0000")));
        }
        Ok((!text.is_empty()).then(|| Self::stored(text)))
    }

    /// Takes a text that was checked when it was stored.
    pub fn stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is held against somebody, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Penalty {
    /// Against whom.
    pub user: User,
    /// Until when; for ever where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

impl Penalty {
    /// Whether it is in force.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Something that is done about somebody in a room, or about the room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deed {
    /// Make a member what they are to be; naming an owner hands the room over.
    SetRole(User, Role),
    /// End a membership.
    Kick(User, Option<Reason>),
    /// Let somebody say nothing for a time.
    Mute(Penalty),
    /// Let them speak again.
    Unmute(User),
    /// End a membership and let it not begin again for a time.
    Ban(Penalty),
    /// Let somebody join again.
    Unban(User),
    /// Let somebody join.
    Invite(User),
    /// Take that back.
    Uninvite(User),
    /// End the room: it can be read, and nothing more is said in it.
    Close(Option<Reason>),
}

/// By what right something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authority {
    /// By what the sender is in the room.
    Role,
    /// By what the sender is on the server; judged in their session, for no room knows that.
    Admin,
}

/// A deed, and the right by which it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// What is done.
    pub deed: Deed,
    /// By what right.
    pub authority: Authority,
}

impl Deed {
    /// Whom it is about.
    pub const fn user(&self) -> Option<&User> {
        match self {
            Self::SetRole(user, _)
            | Self::Kick(user, _)
            | Self::Unmute(user)
            | Self::Unban(user)
            | Self::Invite(user)
            | Self::Uninvite(user) => Some(user),
            Self::Mute(penalty) | Self::Ban(penalty) => Some(&penalty.user),
            Self::Close(_) => None,
        }
    }

    /// The name of its record on the wire and in rows.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SetRole(..) => "role_changed",
            Self::Kick(..) => "kicked",
            Self::Mute(_) => "muted",
            Self::Unmute(_) => "unmuted",
            Self::Ban(_) => "banned",
            Self::Unban(_) => "unbanned",
            Self::Invite(_) => "invited",
            Self::Uninvite(_) => "uninvited",
            Self::Close(_) => "room_closed",
        }
    }
}

/// All that a record may say about others, as rows and values of a log hold it side by side.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Particulars {
    /// Whom it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<User>,
    /// What they are from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Arc<str>>,
    /// Until when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the sender is called from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<Arc<str>>,
    /// Whether it was done by what the sender is on the server.
    #[serde(skip_serializing_if = "is_false")]
    pub as_admin: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Particulars {
    /// What a record of this kind says; nothing where it is about nobody but the sender.
    pub fn of(kind: &RecordKind) -> Option<Self> {
        let act = match kind {
            RecordKind::Message(_) | RecordKind::Joined | RecordKind::Left => return None,
            RecordKind::Renamed(nickname) => {
                return Some(Self { nickname: Some(Arc::clone(nickname)), ..Self::default() });
            }
            RecordKind::Act(act) => act,
        };
        let (role, until, reason) = match &act.deed {
            Deed::SetRole(_, role) => (Some(role.name().into()), None, None),
            Deed::Mute(penalty) | Deed::Ban(penalty) => (None, penalty.until, penalty.reason.clone()),
            Deed::Kick(_, reason) | Deed::Close(reason) => (None, None, reason.clone()),
            Deed::Unmute(_) | Deed::Unban(_) | Deed::Invite(_) | Deed::Uninvite(_) => (None, None, None),
        };
        let (user, as_admin) = (act.deed.user().cloned(), act.authority == Authority::Admin);
        Some(Self { user, role, until, reason, nickname: None, as_admin })
    }

    /// The kind of this name that says this; none where the name is none of these or something is missing.
    pub fn into_kind(self, name: &str) -> Option<RecordKind> {
        let Self { user, role, until, reason, nickname, as_admin } = self;
        let penalty = |user| Penalty { user, until, reason: reason.clone() };
        let deed = match name {
            "renamed" => return nickname.map(RecordKind::Renamed),
            "role_changed" => Deed::SetRole(user?, Role::from_name(&role?)?),
            "kicked" => Deed::Kick(user?, reason),
            "muted" => Deed::Mute(penalty(user?)),
            "unmuted" => Deed::Unmute(user?),
            "banned" => Deed::Ban(penalty(user?)),
            "unbanned" => Deed::Unban(user?),
            "invited" => Deed::Invite(user?),
            "uninvited" => Deed::Uninvite(user?),
            "room_closed" => Deed::Close(reason),
            _ => return None,
        };
        let authority = if as_admin { Authority::Admin } else { Authority::Role };
        Some(RecordKind::Act(Act { deed, authority }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_short_and_not_blank() {
        assert_eq!(Reason::parse(" \n"), Ok(None));
        assert_eq!(Reason::parse(" spam ").unwrap().unwrap().as_str(), "spam");
        for bad in ["x".repeat(MOST_REASON_CHARS + 1), "nul\0".to_owned()] {
            assert_eq!(Reason::parse(&bad).unwrap_err().field, Some("reason"));
        }
        assert!(Reason::parse(&"é".repeat(MOST_REASON_CHARS)).is_ok());
    }

    #[test]
    fn what_lacks_something_is_no_kind() {
        for name in ["role_changed", "kicked", "muted", "banned", "invited", "renamed", "sang"] {
            assert_eq!(Particulars::default().into_kind(name), None, "{name}");
        }
    }
}
