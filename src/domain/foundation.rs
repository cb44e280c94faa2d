//! What a room was made as, for ever: by whom, and for whose eyes. It stands in the room's row and never changes.
//! What became of it since is in the room's log; the fold is handed this at its birth.

use super::UserId;

/// For whose eyes a room is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Visibility {
    /// Everybody may find, read and join it.
    #[default]
    Public,
    /// Only its members may read it, and only who is invited may join it.
    Private,
    /// For two people, who are named when it is made.
    Direct,
}

impl Visibility {
    /// Every visibility.
    pub const ALL: [Self; 3] = [Self::Public, Self::Private, Self::Direct];

    /// Its name on the wire and in rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
            Self::Direct => "direct",
        }
    }

    /// The visibility of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|visibility| visibility.name() == name)
    }
}

/// What a room was made as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foundation {
    /// Who made it.
    pub creator: UserId,
    /// For whose eyes.
    pub visibility: Visibility,
    /// The other one of a direct room.
    pub peer: Option<UserId>,
}

impl Foundation {
    /// A public room of somebody's.
    pub const fn public(creator: UserId) -> Self {
        Self { creator, visibility: Visibility::Public, peer: None }
    }

    /// Whether the user is one of the two of a direct room.
    pub fn is_of_the_pair(&self, user: &UserId) -> bool {
        self.visibility == Visibility::Direct && (*user == self.creator || self.peer.as_ref() == Some(user))
    }
}

impl Default for Foundation {
    /// A public room that belongs to nobody.
    fn default() -> Self {
        Self::public(UserId::new(""))
    }
}
