//! Who is a member of a room, in the order of joining.
//! Being connected is presence and not known here.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{Seq, User, UserId};

/// The members of a room, each under the number of the record that made them one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Seq, User)>", into = "Vec<(Seq, User)>")]
pub struct Members {
    by_joining: BTreeMap<Seq, User>,
    joined_at: HashMap<UserId, Seq>,
}

impl Members {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_joining.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_joining.is_empty()
    }

    /// Whether the user is one.
    pub fn contains(&self, user: &UserId) -> bool {
        self.joined_at.contains_key(user)
    }

    /// Members who joined after the given record, with the number of their joining, oldest first.
    pub fn joined_after(&self, after: Seq) -> impl Iterator<Item = (Seq, &User)> {
        self.by_joining.range(after.saturating_add(1)..).map(|(seq, user)| (*seq, user))
    }

    /// The member of this id, as they are called now.
    pub fn get(&self, user: &UserId) -> Option<&User> {
        self.by_joining.get(self.joined_at.get(user)?)
    }

    pub(super) fn rename(&mut self, user: &UserId, nickname: &Arc<str>) {
        if let Some(known) = self.joined_at.get(user).and_then(|seq| self.by_joining.get_mut(seq)) {
            known.nickname = Arc::clone(nickname);
        }
    }

    pub(super) fn add(&mut self, seq: Seq, user: User) {
        self.joined_at.insert(user.id.clone(), seq);
        self.by_joining.insert(seq, user);
    }

    pub(super) fn remove(&mut self, user: &UserId) {
        if let Some(seq) = self.joined_at.remove(user) {
            self.by_joining.remove(&seq);
        }
    }
}

impl From<Vec<(Seq, User)>> for Members {
    fn from(list: Vec<(Seq, User)>) -> Self {
        let mut members = Self::default();
        for (seq, user) in list {
            members.add(seq, user);
        }
        members
    }
}

impl From<Members> for Vec<(Seq, User)> {
    fn from(members: Members) -> Self {
        members.by_joining.into_iter().collect()
    }
}
