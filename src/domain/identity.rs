//! Who acts, as an authenticated session knows it: the user, and what they are on this server.
//! What they are in a room is the room's to know; credentials are not known here.

use super::{LoginId, Timestamp, User};

/// What somebody is on this server, whatever room they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServerRole {
    /// Somebody with a nickname and a token.
    Guest,
    /// Somebody with an account, or known by another issuer's token.
    User,
    /// A user who may also do what concerns the whole server.
    Admin,
}

impl ServerRole {
    /// The role's name on the wire and in rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::User => "user",
            Self::Admin => "admin",
        }
    }

    /// The role of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Guest, Self::User, Self::Admin].into_iter().find(|role| role.name() == name)
    }
}

/// That somebody may not use this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ban {
    /// Until when; none is for ever.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub reason: Option<String>,
}

impl Ban {
    /// Whether it is in force.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// Somebody who has shown who they are (promise D6: all that is done in their name comes from here).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub user: User,
    /// What they are on this server.
    pub role: ServerRole,
    /// Under which login they act, where they logged in to an account; it can be ended.
    pub login: Option<LoginId>,
    /// When what they showed expires, where it does.
    pub expires_at: Option<Timestamp>,
}

impl Identity {
    /// A guest, whose token does not expire.
    pub const fn guest(user: User) -> Self {
        Self { user, role: ServerRole::Guest, login: None, expires_at: None }
    }
}
