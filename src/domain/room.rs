//! A room as a fold over its log: `decide` before a record is appended, `apply` after it came back.
//! `apply` depends on the log and the room's foundation alone, so every replay of it on every machine computes the same room.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Act, Belonging, Code, DedupWindow, Deed, FirstSend, Foundation, Members, Message, Penalty, Proposal,
    Record, RecordKind, Refusal, Role, Seq, Standings, Timestamp, User, UserId, Visibility,
    moderation::held_against,
};

/// What somebody wants of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Say something.
    Send(Message),
    /// Become a member.
    Join,
    /// Be a member no more.
    Leave,
    /// Be called otherwise.
    Rename(Arc<str>),
    /// Do something about others, or about the room.
    Act(Act),
}

/// What follows from a command before anything is appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This must be appended; the answer is what `apply` says of it.
    Append(Proposal),
    /// The same was sent before; this is the answer it got.
    Repeated(FirstSend),
    /// It is so already; nothing is to be done.
    Unchanged,
}

/// What the fold made of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It became a record that every member sees.
    Recorded(Record),
    /// The same was recorded before; it changes nothing and this is the answer.
    Repeated(FirstSend),
    /// It was so already; it changes nothing.
    Unchanged,
    /// It is not allowed as the room stands now; it changes nothing.
    Refused(Refusal),
}

/// What a room is after a prefix of its log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    /// A constant of the room, which no snapshot holds: [`Self::founded`] brings it back.
    #[serde(skip)]
    foundation: Foundation,
    head: Seq,
    last_at: Timestamp,
    members: Members,
    sends: DedupWindow,
    #[serde(default, skip_serializing_if = "Standings::are_as_at_first")]
    standings: Standings,
}

impl RoomState {
    /// A room of which nothing is in the log.
    pub fn new(foundation: Foundation) -> Self {
        Self { foundation, ..Self::default() }
    }

    /// A room that was read from a snapshot, on the foundation that its row has.
    #[must_use]
    pub fn founded(self, foundation: Foundation) -> Self {
        Self { foundation, ..self }
    }

    /// About how much memory it takes, counted in members and remembered sends.
    pub fn weight(&self) -> usize {
        1 + self.members.len() + self.sends.len() + self.standings.len()
    }

    /// The number of the newest record; 0 when there is none.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// What the room was made as.
    pub const fn foundation(&self) -> &Foundation {
        &self.foundation
    }

    /// Who is a member.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Whether it is closed for ever.
    pub const fn is_closed(&self) -> bool {
        self.standings.is_closed()
    }

    pub(super) const fn standings(&self) -> &Standings {
        &self.standings
    }

    /// Whose the room is; nobody's where two people share it.
    pub fn owner(&self) -> Option<&UserId> {
        let is_owned = self.foundation.visibility != Visibility::Direct;
        is_owned.then(|| self.standings.heir().unwrap_or(&self.foundation.creator))
    }

    /// What somebody is in the room; nothing where they are neither its owner nor a member.
    pub fn role_of(&self, user: &UserId) -> Option<Role> {
        match self.members.contains(user) {
            _ if self.owner() == Some(user) => Some(Role::Owner),
            true if self.standings.is_moderator(user) => Some(Role::Moderator),
            true => Some(Role::Member),
            false => None,
        }
    }

    /// How somebody belongs to the room; an owner who is no member does not.
    pub fn belonging(&self, user: &UserId) -> Option<Belonging> {
        match self.role_of(user) {
            Some(role) if self.members.contains(user) => Some(Belonging::Member(role)),
            _ => self.is_invited(user).then_some(Belonging::Invited),
        }
    }

    /// Everybody who belongs to the room, each with how.
    pub fn belongings(&self) -> impl Iterator<Item = (&UserId, Belonging)> {
        let pair = [Some(&self.foundation.creator), self.foundation.peer.as_ref()];
        let is_direct = self.foundation.visibility == Visibility::Direct;
        let pair = pair.into_iter().flatten().filter(move |_| is_direct);
        let members = self.members.joined_after(0).map(|(_, user)| &user.id);
        let all = members.chain(self.standings.invited()).chain(pair.filter(|user| self.is_invited(user)));
        all.filter_map(|user| Some((user, self.belonging(user)?)))
    }

    /// How those belong to the room now of whom a record may have changed that; `former` was its owner before.
    pub fn belongings_after(
        &self,
        record: &Record,
        former: Option<&UserId>,
    ) -> Vec<(UserId, Option<Belonging>)> {
        let about = match &record.kind {
            RecordKind::Message(_) | RecordKind::Renamed(_) => return Vec::new(),
            RecordKind::Joined | RecordKind::Left => Some(&record.sender.id),
            RecordKind::Act(act) => act.deed.user().map(|user| &user.id),
        };
        let former = former.filter(|former| self.owner() != Some(former) && about != Some(former));
        let changed = about.into_iter().chain(former);
        changed.map(|user| (user.clone(), self.belonging(user))).collect()
    }

    /// Whether somebody who is no member may become one because somebody wants them to.
    pub fn is_invited(&self, user: &UserId) -> bool {
        let is_expected = self.foundation.is_of_the_pair(user) || self.standings.is_invited(user);
        is_expected && !self.members.contains(user)
    }

    /// What keeps somebody from speaking now.
    pub fn mute_of(&self, user: &UserId, now: Timestamp) -> Option<&Penalty> {
        self.standings.mute_of(user, self.monotone(now))
    }

    /// What keeps somebody out now.
    pub fn ban_of(&self, user: &UserId, now: Timestamp) -> Option<&Penalty> {
        self.standings.ban_of(user, self.monotone(now))
    }

    /// Everybody who may not speak now, in the order of their ids.
    pub fn mutes(&self, now: Timestamp) -> impl Iterator<Item = &Penalty> {
        self.standings.mutes(self.monotone(now))
    }

    /// Everybody who is kept out now, in the order of their ids.
    pub fn bans(&self, now: Timestamp) -> impl Iterator<Item = &Penalty> {
        self.standings.bans(self.monotone(now))
    }

    /// Whether somebody may know that there is such a room.
    pub fn sees(&self, user: &UserId, now: Timestamp) -> bool {
        self.foundation.visibility == Visibility::Public
            || self.role_of(user).is_some()
            || self.is_invited(user)
            || self.ban_of(user, now).is_some()
    }

    /// Judges whether somebody, or nobody in particular, may read the room's records and members.
    ///
    /// # Errors
    /// `room_not_found` for who may not even know of it; else `banned` or `not_a_member`.
    pub fn may_read(&self, user: Option<&UserId>, now: Timestamp) -> Result<(), Refusal> {
        if self.foundation.visibility == Visibility::Public {
            return Ok(());
        }
        match user {
            Some(user) if self.members.contains(user) => Ok(()),
            Some(user) => Err(self.as_stranger(user, now)),
            None => Err(Code::RoomNotFound.into()),
        }
    }

    /// Judges a command by the room as it stands. Changes nothing: what was decided may still be overtaken
    /// by other records, so `apply` has the last word. `now` is the clock of whoever asks.
    ///
    /// # Errors
    /// What `apply` would say of it now.
    pub fn decide(&self, sender: &User, command: Command, now: Timestamp) -> Result<Decision, Refusal> {
        let kind = match command {
            Command::Send(message) => RecordKind::Message(message),
            Command::Join => RecordKind::Joined,
            Command::Leave => RecordKind::Left,
            Command::Rename(nickname) => RecordKind::Renamed(nickname),
            Command::Act(act) => RecordKind::Act(act),
        };
        match self.verdict(sender, &kind, self.monotone(now)) {
            Verdict::Effective => Ok(Decision::Append(Proposal { sender: sender.clone(), kind })),
            Verdict::Repeated(first) => Ok(Decision::Repeated(first)),
            Verdict::Unchanged => Ok(Decision::Unchanged),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    /// Folds the log's next proposal into the room. `appended_at` is the log's clock; a clock that went
    /// back does not take the room's time back.
    pub fn apply(&mut self, proposal: Proposal, appended_at: Timestamp) -> Outcome {
        let now = self.monotone(appended_at);
        match self.verdict(&proposal.sender, &proposal.kind, now) {
            Verdict::Effective => Outcome::Recorded(self.record(proposal, now)),
            Verdict::Repeated(first) => Outcome::Repeated(first),
            Verdict::Unchanged => Outcome::Unchanged,
            Verdict::Refused(refusal) => Outcome::Refused(refusal),
        }
    }

    /// The one set of rules behind `decide` and `apply`, so that the two cannot contradict each other.
    fn verdict(&self, sender: &User, kind: &RecordKind, now: Timestamp) -> Verdict {
        let member = self.members.get(&sender.id);
        match kind {
            RecordKind::Message(message) => self.judge_message(&sender.id, message, now),
            RecordKind::Joined if member.is_some() => Verdict::Unchanged,
            RecordKind::Joined => self.judge_joining(&sender.id, now),
            RecordKind::Left if member.is_none() => Verdict::Unchanged,
            RecordKind::Left => Verdict::Effective,
            RecordKind::Renamed(nickname) => match member {
                Some(member) if member.nickname != *nickname && !self.is_closed() => Verdict::Effective,
                _ => Verdict::Unchanged,
            },
            RecordKind::Act(act) => self.judge_act(&sender.id, act, now),
        }
    }

    fn judge_message(&self, sender: &UserId, message: &Message, now: Timestamp) -> Verdict {
        let first = message.client_id.as_ref().and_then(|id| self.sends.find(sender, id));
        match first {
            Some(first) => Verdict::Repeated(first),
            None if !self.members.contains(sender) => Verdict::Refused(self.as_stranger(sender, now)),
            None if self.is_closed() => Verdict::Refused(Code::RoomClosed.into()),
            None => match self.standings.mute_of(sender, now) {
                Some(mute) => Verdict::Refused(held_against(Code::Muted, mute)),
                None => Verdict::Effective,
            },
        }
    }

    fn judge_joining(&self, user: &UserId, now: Timestamp) -> Verdict {
        let is_welcome = match self.foundation.visibility {
            Visibility::Public => true,
            Visibility::Private => self.role_of(user).is_some() || self.is_invited(user),
            Visibility::Direct => self.foundation.is_of_the_pair(user),
        };
        match self.standings.ban_of(user, now) {
            Some(ban) => Verdict::Refused(held_against(Code::Banned, ban)),
            None if !is_welcome => Verdict::Refused(Code::RoomNotFound.into()),
            None if self.is_closed() => Verdict::Refused(Code::RoomClosed.into()),
            None => Verdict::Effective,
        }
    }

    /// Why somebody who is no member is refused.
    fn as_stranger(&self, user: &UserId, now: Timestamp) -> Refusal {
        match self.standings.ban_of(user, self.monotone(now)) {
            Some(ban) => held_against(Code::Banned, ban),
            None if !self.sees(user, now) => Code::RoomNotFound.into(),
            None if self.is_closed() => Code::RoomClosed.into(),
            None => Code::NotAMember.into(),
        }
    }

    fn record(&mut self, proposal: Proposal, now: Timestamp) -> Record {
        self.head += 1;
        self.last_at = now;
        let Proposal { sender, kind } = proposal;
        match &kind {
            RecordKind::Message(message) => {
                let first = FirstSend { seq: self.head, at: self.last_at };
                self.sends.remember(&sender.id, message.client_id.as_ref(), first);
            }
            RecordKind::Joined => {
                self.members.add(self.head, sender.clone());
                self.standings.uninvite(&sender.id);
            }
            RecordKind::Left => self.part(&sender.id),
            RecordKind::Renamed(nickname) => self.members.rename(&sender.id, nickname),
            RecordKind::Act(act) => self.follow(&act.deed, now),
        }
        Record { seq: self.head, at: self.last_at, sender, kind }
    }

    fn follow(&mut self, deed: &Deed, now: Timestamp) {
        self.standings.forget_before(now);
        match deed {
            Deed::SetRole(user, Role::Owner) => {
                let former = self.owner().cloned();
                self.standings.hand_over_to(&user.id);
                // Who hands a room over goes on as one of those who look after it.
                if let Some(former) = former.filter(|former| self.members.contains(former)) {
                    self.standings.name_moderator(&former);
                }
            }
            Deed::SetRole(user, Role::Moderator) => self.standings.name_moderator(&user.id),
            Deed::SetRole(user, Role::Member) => self.standings.dismiss(&user.id),
            Deed::Kick(user, _) => {
                self.part(&user.id);
                self.standings.uninvite(&user.id);
            }
            Deed::Mute(mute) => self.standings.mute(mute),
            Deed::Unmute(user) => self.standings.unmute(&user.id),
            Deed::Ban(ban) => {
                self.part(&ban.user.id);
                self.standings.uninvite(&ban.user.id);
                self.standings.ban(ban);
            }
            Deed::Unban(user) => self.standings.unban(&user.id),
            Deed::Invite(user) => self.standings.invite(user),
            Deed::Uninvite(user) => self.standings.uninvite(&user.id),
            Deed::Close(_) => self.standings.close(),
        }
    }

    fn part(&mut self, user: &UserId) {
        self.members.remove(user);
        self.standings.dismiss(user);
    }

    /// The room's time never goes back.
    fn monotone(&self, now: Timestamp) -> Timestamp {
        self.last_at.max(now)
    }
}

/// What the rules say of a proposal.
pub(super) enum Verdict {
    Effective,
    Repeated(FirstSend),
    Unchanged,
    Refused(Refusal),
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{
        ClientId, MessageBody,
        testbed::{PEOPLE, command, foundation, kind, log, user},
    };

    fn fold(state: &mut RoomState, log: &[(Proposal, i64)]) -> Vec<Outcome> {
        log.iter().map(|(proposal, at)| state.apply(proposal.clone(), Timestamp::from_millis(*at))).collect()
    }

    fn records(outcomes: &[Outcome]) -> Vec<&Record> {
        outcomes
            .iter()
            .filter_map(|outcome| match outcome {
                Outcome::Recorded(record) => Some(record),
                _ => None,
            })
            .collect()
    }

    proptest! {
        #[test]
        fn d2_the_same_log_makes_the_same_room(made in foundation(), log in log()) {
            let (mut one, mut other) = (RoomState::new(made.clone()), RoomState::new(made));
            prop_assert_eq!(fold(&mut one, &log), fold(&mut other, &log));
            prop_assert_eq!(one, other);
        }

        #[test]
        fn d3_seq_is_dense_and_time_never_goes_back(made in foundation(), log in log()) {
            let mut state = RoomState::new(made);
            let outcomes = fold(&mut state, &log);
            let records = records(&outcomes);
            for (index, record) in records.iter().enumerate() {
                prop_assert_eq!(record.seq, index as u64 + 1);
            }
            prop_assert!(records.is_sorted_by_key(|record| record.at));
            prop_assert_eq!(state.head(), records.len() as u64);
        }

        #[test]
        fn decide_then_apply_never_contradict(
            made in foundation(), log in log(), sender in 0..PEOPLE, command in command(), now in 0_i64..80
        ) {
            let mut state = RoomState::new(made);
            fold(&mut state, &log);
            let now = Timestamp::from_millis(now);
            let proposal = Proposal { sender: user(sender), kind: kind(command.clone()) };
            match state.decide(&user(sender), command, now) {
                Ok(Decision::Append(proposal)) => {
                    let recorded = matches!(state.apply(proposal, now), Outcome::Recorded(_));
                    prop_assert!(recorded);
                }
                Ok(Decision::Repeated(first)) => {
                    prop_assert_eq!(state.apply(proposal, now), Outcome::Repeated(first));
                }
                Ok(Decision::Unchanged) => prop_assert_eq!(state.apply(proposal, now), Outcome::Unchanged),
                Err(refusal) => prop_assert_eq!(state.apply(proposal, now), Outcome::Refused(refusal)),
            }
        }

        #[test]
        fn d7_a_snapshot_and_the_rest_are_the_whole(
            made in foundation(), log in log(), cut in any::<prop::sample::Index>()
        ) {
            let cut = cut.index(log.len() + 1);
            let mut whole = RoomState::new(made.clone());
            fold(&mut whole, &log);
            let mut half = RoomState::new(made.clone());
            fold(&mut half, &log[..cut]);
            let json = serde_json::to_string(&half).unwrap();
            let mut resumed = serde_json::from_str::<RoomState>(&json).unwrap().founded(made);
            fold(&mut resumed, &log[cut..]);
            prop_assert_eq!(resumed, whole);
        }

        #[test]
        fn d7_folding_the_records_again_gives_the_same_room(made in foundation(), log in log()) {
            let mut state = RoomState::new(made.clone());
            let outcomes = fold(&mut state, &log);
            let mut replayed = RoomState::new(made);
            for record in records(&outcomes) {
                prop_assert_eq!(replayed.apply(record.proposal(), record.at), Outcome::Recorded(record.clone()));
            }
            prop_assert_eq!(replayed, state);
        }

        #[test]
        fn d4_any_interleaving_of_retries_makes_one_record(retries in proptest::collection::vec((0_u8..3, 0_u8..5), 1..200)) {
            let mut state = RoomState::default();
            for sender in 0..3 {
                state.apply(Proposal { sender: user(sender), kind: RecordKind::Joined }, Timestamp::default());
            }
            let mut answers = HashMap::new();
            for (sender, id) in retries {
                let client_id = Some(ClientId::new(format!("c{id}")));
                let kind = RecordKind::Message(Message::new(MessageBody::stored("x"), client_id));
                let answer = match state.apply(Proposal { sender: user(sender), kind }, Timestamp::default()) {
                    Outcome::Recorded(record) => {
                        prop_assert!(!answers.contains_key(&(sender, id)));
                        record.seq
                    }
                    Outcome::Repeated(first) => first.seq,
                    other => panic!("a member's send was {other:?}"),
                };
                prop_assert_eq!(*answers.entry((sender, id)).or_insert(answer), answer);
            }
        }
    }

    #[test]
    fn a_snapshot_from_before_there_were_roles_is_one_in_which_nothing_was_done() {
        let old = r#"{"head":1,"last_at":7,"members":[[1,{"id":"u1","nickname":"user 1"}]],"sends":{"messages":0,"sends":[]}}"#;
        let mut state = RoomState::new(Foundation::public(user(0).id));
        state.apply(Proposal { sender: user(1), kind: RecordKind::Joined }, Timestamp::from_millis(7));
        let read: RoomState = serde_json::from_str(old).unwrap();
        assert_eq!(read.founded(Foundation::public(user(0).id)), state);
        assert_eq!(serde_json::to_string(&state).unwrap(), old, "an older node reads it");
    }
}
