//! Who looks at a room, what they want to see of it, and whether they may.
//! Who may change something is judged by the rules in `room` and `moderation`.

use super::{
    Code, Identity, Refusal, Role, RoomState, ServerRole, Timestamp, UserId, Visibility,
    moderation::held_against,
};

/// Somebody who looks at a room, or nobody in particular.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// Who, where they said so.
    pub user: Option<UserId>,
    /// What they are on this server, where they said who they are.
    pub role: Option<ServerRole>,
}

/// What somebody wants to see of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// That it is there, and what it is called.
    See,
    /// What was said in it, and who its members are.
    Read,
    /// The same, as it happens and in one's own name.
    Follow,
    /// What is held against whom.
    Moderate,
}

impl Viewer {
    /// Nobody in particular.
    pub const STRANGER: Self = Self { user: None, role: None };

    /// Whoever somebody showed to be.
    pub fn of(identity: Option<&Identity>) -> Self {
        match identity {
            Some(Identity { user, role, .. }) => Self { user: Some(user.id.clone()), role: Some(*role) },
            None => Self::STRANGER,
        }
    }

    fn is_admin(&self) -> bool {
        self.role == Some(ServerRole::Admin)
    }
}

impl RoomState {
    /// Judges whether somebody may see this of the room as it stands.
    ///
    /// # Errors
    /// `room_not_found` for who may not know that there is such a room; else `not_a_member`, `banned`, `room_closed` or
    /// `forbidden`.
    pub fn admits(&self, viewer: &Viewer, access: Access, now: Timestamp) -> Result<(), Refusal> {
        let user = viewer.user.as_ref();
        match access {
            Access::See if self.is_shown_to(viewer, now) => Ok(()),
            Access::See => Err(Code::RoomNotFound.into()),
            Access::Read => self.may_read(user, now),
            Access::Follow => {
                if let Some(ban) = user.and_then(|user| self.ban_of(user, now)) {
                    return Err(held_against(Code::Banned, ban));
                }
                self.may_read(user, now)
            }
            Access::Moderate if !self.is_shown_to(viewer, now) => Err(Code::RoomNotFound.into()),
            Access::Moderate if self.looks_after(viewer, now) => Ok(()),
            Access::Moderate => Err(Code::Forbidden.into()),
        }
    }

    /// Whether somebody may see what is held against others.
    pub fn looks_after(&self, viewer: &Viewer, now: Timestamp) -> bool {
        let has_a_say = |user: &UserId| {
            self.role_of(user).is_some_and(|role| role >= Role::Moderator) && self.ban_of(user, now).is_none()
        };
        viewer.is_admin() || viewer.user.as_ref().is_some_and(has_a_say)
    }

    fn is_shown_to(&self, viewer: &Viewer, now: Timestamp) -> bool {
        self.foundation().visibility == Visibility::Public
            || viewer.is_admin()
            || viewer.user.as_ref().is_some_and(|user| self.sees(user, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Act, Authority, Deed, Foundation, Penalty, Proposal, RecordKind,
        testbed::{proposal, user},
    };

    fn viewer(number: u8) -> Viewer {
        Viewer { user: Some(user(number).id), role: Some(ServerRole::Guest) }
    }

    /// A room of the first one, with the second one as a member, the third one invited and the fourth one banned.
    fn room(visibility: Visibility) -> RoomState {
        let mut room = RoomState::new(Foundation { visibility, ..Foundation::public(user(0).id) });
        let penalty = Penalty { user: user(3), until: None, reason: None };
        let act = |deed| RecordKind::Act(Act { deed, authority: Authority::Role });
        let joins = |number| proposal(user(number), crate::domain::Command::Join);
        let does = |deed| Proposal { sender: user(0), kind: act(deed) };
        let log =
            [does(Deed::Invite(user(1))), joins(1), does(Deed::Invite(user(2))), does(Deed::Ban(penalty))];
        for proposal in log {
            room.apply(proposal, Timestamp::default());
        }
        room
    }

    #[test]
    fn a_private_room_shows_itself_to_few_and_what_is_said_to_members_alone() {
        let (now, private) = (Timestamp::default(), room(Visibility::Private));
        let code =
            |viewer: &Viewer, access| private.admits(viewer, access, now).map_err(|refusal| refusal.code);
        let admin = Viewer { role: Some(ServerRole::Admin), ..viewer(4) };
        let expected = [
            (viewer(0), [Ok(()), Err(Code::NotAMember), Err(Code::NotAMember), Ok(())]),
            (viewer(1), [Ok(()), Ok(()), Ok(()), Err(Code::Forbidden)]),
            (viewer(2), [Ok(()), Err(Code::NotAMember), Err(Code::NotAMember), Err(Code::Forbidden)]),
            (viewer(3), [Ok(()), Err(Code::Banned), Err(Code::Banned), Err(Code::Forbidden)]),
            (viewer(4), [Err(Code::RoomNotFound); 4]),
            (Viewer::STRANGER, [Err(Code::RoomNotFound); 4]),
            (admin, [Ok(()), Err(Code::RoomNotFound), Err(Code::RoomNotFound), Ok(())]),
        ];
        for (viewer, codes) in expected {
            let accesses = [Access::See, Access::Read, Access::Follow, Access::Moderate];
            assert_eq!(accesses.map(|access| code(&viewer, access)), codes, "{viewer:?}");
        }
    }

    #[test]
    fn a_public_room_is_read_by_everybody_and_followed_by_nobody_who_is_banned() {
        let (now, public) = (Timestamp::default(), room(Visibility::Public));
        for viewer in [viewer(0), viewer(2), viewer(4), Viewer::STRANGER] {
            for access in [Access::See, Access::Read, Access::Follow] {
                assert_eq!(public.admits(&viewer, access, now), Ok(()), "{viewer:?}");
            }
        }
        assert_eq!(public.admits(&viewer(3), Access::Read, now), Ok(()));
        let refused = public.admits(&viewer(3), Access::Follow, now).unwrap_err();
        assert_eq!(refused.code, Code::Banned);
    }
}
