//! Who may do what about whom in a room: an owner about moderators and members, a moderator about members, an admin
//! of the server about anybody, nobody about their equals. What follows is in `standing`.

use super::{
    About, Act, Authority, Code, Deed, Penalty, Refusal, Role, RoomState, Timestamp, UserId, Visibility,
    room::Verdict,
};

/// How much somebody may do, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Anybody,
    Moderator,
    Owner,
    Admin,
}

impl RoomState {
    /// Whether somebody may do this as the room stands, and whether it would change anything.
    pub(super) fn judge_act(&self, actor: &UserId, act: &Act, now: Timestamp) -> Verdict {
        let rank = match act.authority {
            Authority::Admin => Rank::Admin,
            Authority::Role => self.rank(actor, now),
        };
        if rank < Rank::Admin && !self.sees(actor, now) {
            return Verdict::Refused(Code::RoomNotFound.into());
        }
        let verdict = match &act.deed {
            Deed::Close(_) => self.judge_close(rank),
            _ if self.is_closed() => Err(Code::RoomClosed.into()),
            // Two people are each other's equals, and nobody else may come in.
            _ if self.foundation().visibility == Visibility::Direct => Err(Code::Forbidden.into()),
            Deed::SetRole(user, role) => self.judge_role(rank, &user.id, *role),
            Deed::Kick(user, _) => self
                .may_moderate(rank, &user.id, now)
                .map(|()| self.members().contains(&user.id) || self.standings().is_invited(&user.id)),
            Deed::Mute(mute) => {
                self.judge_penalty(rank, mute, self.standings().mute_of(&mute.user.id, now), now)
            }
            Deed::Ban(ban) => self.judge_penalty(rank, ban, self.standings().ban_of(&ban.user.id, now), now),
            Deed::Unmute(user) => self
                .may_moderate(rank, &user.id, now)
                .map(|()| self.standings().mute_of(&user.id, now).is_some()),
            Deed::Unban(user) => self
                .may_moderate(rank, &user.id, now)
                .map(|()| self.standings().ban_of(&user.id, now).is_some()),
            Deed::Invite(user) => self.judge_invitation(rank, &user.id, now),
            Deed::Uninvite(user) if rank >= Rank::Moderator || user.id == *actor => {
                Ok(self.standings().is_invited(&user.id))
            }
            Deed::Uninvite(_) => Err(Code::Forbidden.into()),
        };
        match verdict {
            Ok(true) => Verdict::Effective,
            Ok(false) => Verdict::Unchanged,
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    /// Who is kept out has no say, whatever they are.
    fn rank(&self, user: &UserId, now: Timestamp) -> Rank {
        match self.role_of(user) {
            _ if self.standings().ban_of(user, now).is_some() => Rank::Anybody,
            Some(Role::Owner) => Rank::Owner,
            Some(Role::Moderator) => Rank::Moderator,
            Some(Role::Member) | None => Rank::Anybody,
        }
    }

    fn may_moderate(&self, rank: Rank, user: &UserId, now: Timestamp) -> Result<(), Refusal> {
        match rank >= Rank::Moderator && rank > self.rank(user, now) {
            true => Ok(()),
            false => Err(Code::Forbidden.into()),
        }
    }

    fn judge_penalty(
        &self,
        rank: Rank,
        penalty: &Penalty,
        present: Option<&Penalty>,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        self.may_moderate(rank, &penalty.user.id, now)?;
        Ok(present != Some(penalty))
    }

    fn judge_role(&self, rank: Rank, user: &UserId, role: Role) -> Result<bool, Refusal> {
        let present = self.role_of(user);
        if rank < Rank::Owner {
            return Err(Code::Forbidden.into());
        }
        if present == Some(role) {
            return Ok(false);
        }
        if present == Some(Role::Owner) {
            let message = "an owner hands the room over and does not only give it up";
            return Err(Refusal::new(Code::Forbidden).message(message));
        }
        match self.members().contains(user) {
            true => Ok(true),
            false => {
                Err(Refusal::new(Code::Invalid).field("user").message("user must be a member of the room"))
            }
        }
    }

    fn judge_invitation(&self, rank: Rank, user: &UserId, now: Timestamp) -> Result<bool, Refusal> {
        if rank < Rank::Moderator {
            return Err(Code::Forbidden.into());
        }
        if let Some(ban) = self.standings().ban_of(user, now) {
            return Err(held_against(Code::Banned, ban));
        }
        Ok(self.role_of(user).is_none() && !self.standings().is_invited(user))
    }

    fn judge_close(&self, rank: Rank) -> Result<bool, Refusal> {
        match rank >= Rank::Owner {
            true => Ok(!self.is_closed()),
            false => Err(Code::Forbidden.into()),
        }
    }
}

/// A refusal because of what is held against somebody.
pub(super) fn held_against(code: Code, penalty: &Penalty) -> Refusal {
    let (until, reason) = (penalty.until, penalty.reason.clone());
    Refusal::new(code).about(About::Penalty { until, reason })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        Foundation, Outcome, Proposal, RecordKind, User,
        testbed::{foundation, kind, log, user},
    };

    /// Folds a log; `each` is told of every proposal with the room before it, and what became of it.
    fn watch(
        made: Foundation,
        log: Vec<(Proposal, i64)>,
        mut each: impl FnMut(&RoomState, Timestamp, &Proposal, &Outcome) -> Result<(), TestCaseError>,
    ) -> Result<RoomState, TestCaseError> {
        let mut state = RoomState::new(made);
        let mut now = Timestamp::default();
        for (proposal, at) in log {
            let before = state.clone();
            let outcome = state.apply(proposal.clone(), Timestamp::from_millis(at));
            if let Outcome::Recorded(record) = &outcome {
                now = record.at;
            }
            let at = now.max(Timestamp::from_millis(at));
            each(&before, at, &proposal, &outcome)?;
        }
        Ok(state)
    }

    fn strength(room: &RoomState, user: &User) -> u8 {
        room.role_of(&user.id).map_or(0, |role| role as u8 + 1)
    }

    proptest! {
        #[test]
        fn nobody_is_moderated_by_their_equal_or_by_less(made in foundation(), log in log()) {
            watch(made, log, |before, _, Proposal { sender, kind }, outcome| {
                let RecordKind::Act(Act { deed, authority: Authority::Role }) = kind else { return Ok(()) };
                if !matches!(outcome, Outcome::Recorded(_)) {
                    return Ok(());
                }
                let by = strength(before, sender);
                match deed {
                    Deed::Kick(user, _) | Deed::Unmute(user) | Deed::Unban(user) => {
                        prop_assert!(by >= 2 && by > strength(before, user).max(1));
                    }
                    Deed::Mute(penalty) | Deed::Ban(penalty) => {
                        prop_assert!(by >= 2 && by > strength(before, &penalty.user).max(1));
                    }
                    Deed::SetRole(user, _) => prop_assert!(by == 3 && user != sender),
                    Deed::Invite(_) => prop_assert!(by >= 2),
                    Deed::Uninvite(user) => prop_assert!(by >= 2 || user == sender),
                    Deed::Close(_) => prop_assert_eq!(by, 3),
                }
                Ok(())
            })?;
        }

        #[test]
        fn only_who_is_expected_comes_into_a_room_that_is_not_public(made in foundation(), log in log()) {
            let visibility = made.visibility;
            let end = watch(made.clone(), log, |before, _, Proposal { sender, kind }, outcome| {
                if !matches!((kind, outcome), (RecordKind::Joined, Outcome::Recorded(_))) {
                    return Ok(());
                }
                match visibility {
                    Visibility::Public => {}
                    Visibility::Private => {
                        prop_assert!(before.owner() == Some(&sender.id) || before.is_invited(&sender.id));
                    }
                    Visibility::Direct => prop_assert!(made.is_of_the_pair(&sender.id)),
                }
                Ok(())
            })?;
            for number in 2..4 {
                let stranger = user(number).id;
                if end.role_of(&stranger).is_none() && !end.is_invited(&stranger) {
                    let now = Timestamp::from_millis(1_000);
                    prop_assert_eq!(end.may_read(Some(&stranger), now).is_ok(), visibility == Visibility::Public);
                    if end.ban_of(&stranger, now).is_none() && visibility != Visibility::Public {
                        let refusal = end.may_read(Some(&stranger), now).unwrap_err();
                        prop_assert_eq!(refusal, Code::RoomNotFound.into());
                    }
                }
            }
        }

        #[test]
        fn who_is_muted_or_banned_says_nothing_until_it_is_over(made in foundation(), log in log()) {
            watch(made, log, |before, now, Proposal { sender, kind }, outcome| {
                if !matches!((kind, outcome), (RecordKind::Message(_) | RecordKind::Joined, Outcome::Recorded(_))) {
                    return Ok(());
                }
                let held = |penalty: Option<&Penalty>| penalty.is_some_and(|penalty| penalty.is_in_force(now));
                prop_assert!(!held(before.ban_of(&sender.id, now)));
                prop_assert!(*kind == RecordKind::Joined || !held(before.mute_of(&sender.id, now)));
                Ok(())
            })?;
        }

        #[test]
        fn nothing_but_leaving_happens_in_a_room_that_is_closed(made in foundation(), log in log()) {
            watch(made, log, |before, _, Proposal { kind, .. }, outcome| {
                if before.is_closed() && matches!(outcome, Outcome::Recorded(_)) {
                    prop_assert_eq!(kind, &RecordKind::Left);
                }
                Ok(())
            })?;
        }

        #[test]
        fn who_is_kept_out_is_no_member_and_an_owned_room_has_one_owner(made in foundation(), log in log()) {
            let end = watch(made, log, |_, _, _, _| Ok(()))?;
            let now = end.bans(Timestamp::default()).map(|ban| ban.user.id.clone()).collect::<Vec<_>>();
            for user in now {
                prop_assert!(!end.members().contains(&user) && !end.is_invited(&user));
            }
            let owners = (0..4).filter(|number| end.role_of(&user(*number).id) == Some(Role::Owner)).count();
            prop_assert_eq!(owners, usize::from(end.foundation().visibility != Visibility::Direct));
        }
    }

    fn does(state: &mut RoomState, who: u8, deed: Deed, at: i64) -> Outcome {
        let kind = kind(crate::domain::Command::Act(Act { deed, authority: Authority::Role }));
        state.apply(Proposal { sender: user(who), kind }, Timestamp::from_millis(at))
    }

    fn joins(state: &mut RoomState, who: u8, at: i64) -> Outcome {
        state.apply(Proposal { sender: user(who), kind: RecordKind::Joined }, Timestamp::from_millis(at))
    }

    fn refused(outcome: &Outcome) -> Option<Code> {
        match outcome {
            Outcome::Refused(refusal) => Some(refusal.code),
            _ => None,
        }
    }

    #[test]
    fn a_ban_ends_by_the_clock_of_the_log_and_its_refusal_says_when() {
        let mut state = RoomState::new(Foundation::public(user(0).id));
        joins(&mut state, 1, 0);
        let until = Some(Timestamp::from_millis(100));
        let ban = Penalty { user: user(1), until, reason: Some(crate::domain::Reason::stored("spam")) };
        assert!(matches!(does(&mut state, 0, Deed::Ban(ban.clone()), 10), Outcome::Recorded(_)));
        assert!(!state.members().contains(&user(1).id));
        let Outcome::Refused(refusal) = joins(&mut state, 1, 99) else { panic!("a banned user joined") };
        let about = About::Penalty { until, reason: ban.reason };
        assert_eq!((refusal.code, refusal.about.as_deref()), (Code::Banned, Some(&about)));
        assert!(matches!(joins(&mut state, 1, 100), Outcome::Recorded(_)));
    }

    #[test]
    fn a_room_that_is_handed_over_has_its_former_owner_as_a_moderator() {
        let mut state = RoomState::new(Foundation::public(user(0).id));
        assert_eq!(
            refused(&does(&mut state, 0, Deed::SetRole(user(1), Role::Owner), 0)),
            Some(Code::Invalid)
        );
        joins(&mut state, 0, 0);
        joins(&mut state, 1, 0);
        does(&mut state, 0, Deed::SetRole(user(1), Role::Owner), 0);
        assert_eq!(
            [0, 1].map(|number| state.role_of(&user(number).id)),
            [Some(Role::Moderator), Some(Role::Owner)]
        );
        let kick = does(&mut state, 0, Deed::Kick(user(1), None), 0);
        assert_eq!(refused(&kick), Some(Code::Forbidden));
    }

    #[test]
    fn an_invitation_is_used_up_by_joining() {
        let private = Foundation { visibility: Visibility::Private, ..Foundation::public(user(0).id) };
        let mut state = RoomState::new(private);
        assert_eq!(refused(&joins(&mut state, 1, 0)), Some(Code::RoomNotFound));
        assert_eq!(refused(&does(&mut state, 1, Deed::Invite(user(1)), 0)), Some(Code::RoomNotFound));
        does(&mut state, 0, Deed::Invite(user(1)), 0);
        assert_eq!(state.may_read(Some(&user(1).id), Timestamp::default()), Err(Code::NotAMember.into()));
        assert!(matches!(joins(&mut state, 1, 0), Outcome::Recorded(_)));
        does(&mut state, 0, Deed::Kick(user(1), None), 0);
        assert_eq!(refused(&joins(&mut state, 1, 0)), Some(Code::RoomNotFound));
    }
}
