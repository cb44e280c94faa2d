//! Who is what in a room, and what is held against whom. What follows from a deed is here, and who may see what.
//! Whether somebody may do a deed is judged in `moderation`; who is a member is known to `members`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Penalty, Timestamp, User, UserId};

/// Who is what in a room beside being a member, and whether the room is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Standings {
    /// Whom the room was handed over to; else it belongs to who made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    heir: Option<UserId>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    moderators: BTreeSet<UserId>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    muted: BTreeMap<UserId, Penalty>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    banned: BTreeMap<UserId, Penalty>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    invited: BTreeMap<UserId, User>,
    closed: bool,
}

impl Standings {
    /// Whether nothing was ever done about anybody.
    pub(super) fn are_as_at_first(&self) -> bool {
        *self == Self::default()
    }

    /// How much there is to remember.
    pub(super) fn len(&self) -> usize {
        self.moderators.len() + self.muted.len() + self.banned.len() + self.invited.len()
    }

    /// Whom the room was handed over to, if it was.
    pub(super) const fn heir(&self) -> Option<&UserId> {
        self.heir.as_ref()
    }

    /// Whether the room is closed.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether the user is a moderator.
    pub(super) fn is_moderator(&self, user: &UserId) -> bool {
        self.moderators.contains(user)
    }

    /// Whether the user was invited and has not joined.
    pub(super) fn is_invited(&self, user: &UserId) -> bool {
        self.invited.contains_key(user)
    }

    /// Everybody who was invited and has not joined.
    pub(super) fn invited(&self) -> impl Iterator<Item = &UserId> {
        self.invited.keys()
    }

    /// What keeps the user from speaking.
    pub(super) fn mute_of(&self, user: &UserId, now: Timestamp) -> Option<&Penalty> {
        self.muted.get(user).filter(|mute| mute.is_in_force(now))
    }

    /// What keeps the user out.
    pub(super) fn ban_of(&self, user: &UserId, now: Timestamp) -> Option<&Penalty> {
        self.banned.get(user).filter(|ban| ban.is_in_force(now))
    }

    /// Everybody who may not speak, in the order of their ids.
    pub(super) fn mutes(&self, now: Timestamp) -> impl Iterator<Item = &Penalty> {
        self.muted.values().filter(move |mute| mute.is_in_force(now))
    }

    /// Everybody who is kept out, in the order of their ids.
    pub(super) fn bans(&self, now: Timestamp) -> impl Iterator<Item = &Penalty> {
        self.banned.values().filter(move |ban| ban.is_in_force(now))
    }

    pub(super) fn hand_over_to(&mut self, heir: &UserId) {
        self.moderators.remove(heir);
        self.heir = Some(heir.clone());
    }

    pub(super) fn name_moderator(&mut self, user: &UserId) {
        self.moderators.insert(user.clone());
    }

    /// Who is no member is no moderator either.
    pub(super) fn dismiss(&mut self, user: &UserId) {
        self.moderators.remove(user);
    }

    pub(super) fn mute(&mut self, mute: &Penalty) {
        self.muted.insert(mute.user.id.clone(), mute.clone());
    }

    pub(super) fn unmute(&mut self, user: &UserId) {
        self.muted.remove(user);
    }

    pub(super) fn ban(&mut self, ban: &Penalty) {
        self.banned.insert(ban.user.id.clone(), ban.clone());
    }

    pub(super) fn unban(&mut self, user: &UserId) {
        self.banned.remove(user);
    }

    pub(super) fn invite(&mut self, user: &User) {
        self.invited.insert(user.id.clone(), user.clone());
    }

    pub(super) fn uninvite(&mut self, user: &UserId) {
        self.invited.remove(user);
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Forgets what is over.
    pub(super) fn forget_before(&mut self, now: Timestamp) {
        self.muted.retain(|_, mute| mute.is_in_force(now));
        self.banned.retain(|_, ban| ban.is_in_force(now));
    }
}
