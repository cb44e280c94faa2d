//! A room as a fold over its log: `decide` before a record is appended, `apply` after it came back.
//! `apply` depends on the log alone, so every replay of it on every machine computes the same room.

use serde::{Deserialize, Serialize};

use super::{
    Code, DedupWindow, FirstSend, Members, Message, Proposal, Record, RecordKind, Refusal, Seq, Timestamp,
    User,
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
    Refused(Code),
}

/// What a room is after a prefix of its log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    head: Seq,
    last_at: Timestamp,
    members: Members,
    sends: DedupWindow,
}

impl RoomState {
    /// About how much memory it takes, counted in members and remembered sends.
    pub fn weight(&self) -> usize {
        1 + self.members.len() + self.sends.len()
    }

    /// The number of the newest record; 0 when there is none.
    pub fn head(&self) -> Seq {
        self.head
    }

    /// Who is a member.
    pub fn members(&self) -> &Members {
        &self.members
    }

    /// Judges a command by the room as it stands. Changes nothing: what was decided may still be overtaken
    /// by other records, so `apply` has the last word.
    ///
    /// # Errors
    /// `not_a_member` for a send by somebody who is none.
    pub fn decide(&self, sender: &User, command: Command) -> Result<Decision, Refusal> {
        let kind = match command {
            Command::Send(message) => RecordKind::Message(message),
            Command::Join => RecordKind::Joined,
            Command::Leave => RecordKind::Left,
        };
        match self.verdict(sender, &kind) {
            Verdict::Effective => Ok(Decision::Append(Proposal { sender: sender.clone(), kind })),
            Verdict::Repeated(first) => Ok(Decision::Repeated(first)),
            Verdict::Unchanged => Ok(Decision::Unchanged),
            Verdict::Refused(code) => Err(code.into()),
        }
    }

    /// Folds the log's next proposal into the room. `appended_at` is the log's clock; a clock that went
    /// back does not take the room's time back.
    pub fn apply(&mut self, proposal: Proposal, appended_at: Timestamp) -> Outcome {
        match self.verdict(&proposal.sender, &proposal.kind) {
            Verdict::Effective => Outcome::Recorded(self.record(proposal, appended_at)),
            Verdict::Repeated(first) => Outcome::Repeated(first),
            Verdict::Unchanged => Outcome::Unchanged,
            Verdict::Refused(code) => Outcome::Refused(code),
        }
    }

    /// The one set of rules behind `decide` and `apply`, so that the two cannot contradict each other.
    fn verdict(&self, sender: &User, kind: &RecordKind) -> Verdict {
        let member = self.members.contains(&sender.id);
        match kind {
            RecordKind::Message(message) => {
                let first = message.client_id.as_ref().and_then(|id| self.sends.find(&sender.id, id));
                match first {
                    Some(first) => Verdict::Repeated(first),
                    None if member => Verdict::Effective,
                    None => Verdict::Refused(Code::NotAMember),
                }
            }
            RecordKind::Joined if member => Verdict::Unchanged,
            RecordKind::Left if !member => Verdict::Unchanged,
            RecordKind::Joined | RecordKind::Left => Verdict::Effective,
        }
    }

    fn record(&mut self, proposal: Proposal, appended_at: Timestamp) -> Record {
        self.head += 1;
        self.last_at = self.last_at.max(appended_at);
        let Proposal { sender, kind } = proposal;
        match &kind {
            RecordKind::Message(message) => {
                let first = FirstSend { seq: self.head, at: self.last_at };
                self.sends.remember(&sender.id, message.client_id.as_ref(), first);
            }
            RecordKind::Joined => self.members.add(self.head, sender.clone()),
            RecordKind::Left => self.members.remove(&sender.id),
        }
        Record { seq: self.head, at: self.last_at, sender, kind }
    }
}

enum Verdict {
    Effective,
    Repeated(FirstSend),
    Unchanged,
    Refused(Code),
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ClientId, MessageBody, UserId};

    fn user(number: u8) -> User {
        User { id: UserId::new(format!("u{number}")), nickname: format!("user {number}").into() }
    }

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![
            1 => Just(Command::Join),
            1 => Just(Command::Leave),
            4 => (0_u8..4, any::<bool>()).prop_map(|(id, named)| Command::Send(Message::new(
                MessageBody::stored(format!("body {id}")),
                named.then(|| ClientId::new(format!("c{id}"))),
            ))),
        ]
    }

    fn proposal() -> impl Strategy<Value = (Proposal, i64)> {
        (0_u8..4, command(), -5_i64..50).prop_map(|(sender, command, millis)| {
            let kind = match command {
                Command::Send(message) => RecordKind::Message(message),
                Command::Join => RecordKind::Joined,
                Command::Leave => RecordKind::Left,
            };
            (Proposal { sender: user(sender), kind }, millis)
        })
    }

    fn log() -> impl Strategy<Value = Vec<(Proposal, i64)>> {
        proptest::collection::vec(proposal(), 0..120)
    }

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
        fn d2_the_same_log_makes_the_same_room(log in log()) {
            let (mut one, mut other) = (RoomState::default(), RoomState::default());
            prop_assert_eq!(fold(&mut one, &log), fold(&mut other, &log));
            prop_assert_eq!(one, other);
        }

        #[test]
        fn d3_seq_is_dense_and_time_never_goes_back(log in log()) {
            let mut state = RoomState::default();
            let outcomes = fold(&mut state, &log);
            let records = records(&outcomes);
            for (index, record) in records.iter().enumerate() {
                prop_assert_eq!(record.seq, index as u64 + 1);
            }
            prop_assert!(records.is_sorted_by_key(|record| record.at));
            prop_assert_eq!(state.head(), records.len() as u64);
        }

        #[test]
        fn decide_then_apply_never_contradict(log in log(), sender in 0_u8..4, command in command()) {
            let mut state = RoomState::default();
            fold(&mut state, &log);
            match state.decide(&user(sender), command.clone()) {
                Ok(Decision::Append(proposal)) => {
                    let recorded = matches!(state.apply(proposal, Timestamp::default()), Outcome::Recorded(_));
                    prop_assert!(recorded);
                }
                Ok(Decision::Repeated(first)) => {
                    let Command::Send(message) = command else { panic!("only sends repeat") };
                    let proposal = Proposal { sender: user(sender), kind: RecordKind::Message(message) };
                    prop_assert_eq!(state.apply(proposal, Timestamp::default()), Outcome::Repeated(first));
                }
                Ok(Decision::Unchanged) => {
                    let is_send = matches!(command, Command::Send(_));
                    prop_assert!(!is_send);
                }
                Err(refusal) => prop_assert_eq!(refusal.code, Code::NotAMember),
            }
        }

        #[test]
        fn d7_a_snapshot_and_the_rest_are_the_whole(log in log(), cut in any::<prop::sample::Index>()) {
            let cut = cut.index(log.len() + 1);
            let mut whole = RoomState::default();
            fold(&mut whole, &log);
            let mut half = RoomState::default();
            fold(&mut half, &log[..cut]);
            let json = serde_json::to_string(&half).unwrap();
            let mut resumed: RoomState = serde_json::from_str(&json).unwrap();
            fold(&mut resumed, &log[cut..]);
            prop_assert_eq!(resumed, whole);
        }

        #[test]
        fn d7_folding_the_records_again_gives_the_same_room(log in log()) {
            let mut state = RoomState::default();
            let outcomes = fold(&mut state, &log);
            let mut replayed = RoomState::default();
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
}
