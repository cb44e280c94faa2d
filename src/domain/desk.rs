//! A room's desk: commands come in, what the log made of them comes back, and whoever asked gets one answer.
//! It says what is to be appended and answered; carrying that to a log and to people is not its business.

use std::collections::{HashMap, VecDeque};

use super::{Command, Decision, Outcome, Proposal, RecordKind, Refusal, RoomState, Timestamp, User, UserId};

/// Names one append of one opened room, so that the room recognises what comes back.
pub type Token = u64;

/// The fold of a room, and who waits for what it makes of their commands. A `Waiter` is whatever an answer can
/// be given to; the desk only keeps it.
#[derive(Debug)]
pub struct Desk<Waiter> {
    state: RoomState,
    appending: HashMap<Token, Appending<Waiter>>,
    /// Commands of users whose membership is under way, to be judged after it.
    deferred: HashMap<UserId, VecDeque<Deferred<Waiter>>>,
    next_token: Token,
}

/// What is to be done next, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<Waiter> {
    /// Hand this to the log; where that does not take it, [`Desk::fail`] says what follows.
    Append {
        /// Comes back with what becomes of it.
        token: Token,
        /// What to append.
        proposal: Proposal,
    },
    /// Nothing needs to be appended: this is the answer.
    Answer {
        /// Who waits for it.
        waiter: Waiter,
        /// What the fold has of it already.
        outcome: Outcome,
    },
    /// It is not done.
    Refuse {
        /// Who waits for it.
        waiter: Waiter,
        /// Why.
        refusal: Refusal,
    },
}

/// What became of the log's next proposal.
#[derive(Debug)]
pub struct Applied<Waiter> {
    /// What the fold made of it: a record is to be shown to everybody before anything else is done.
    pub outcome: Outcome,
    /// Who waits for the outcome, where it was an append of this desk that had not failed.
    pub waiter: Option<Waiter>,
    /// What follows after the answer.
    pub next: Vec<Step<Waiter>>,
}

#[derive(Debug)]
struct Appending<Waiter> {
    waiter: Waiter,
    /// Whose membership this append changes.
    membership: Option<UserId>,
}

#[derive(Debug)]
struct Deferred<Waiter> {
    sender: User,
    command: Command,
    waiter: Waiter,
}

impl<Waiter> Desk<Waiter> {
    /// A desk for a room that stands like this; everything later comes through [`Self::apply`].
    pub fn new(state: RoomState) -> Self {
        Self { state, appending: HashMap::new(), deferred: HashMap::new(), next_token: 0 }
    }

    /// The room as it stands.
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// Appends whose fate is not known yet. While there are none, nobody waits.
    pub fn appending(&self) -> usize {
        self.appending.len()
    }

    /// Takes a command. There is nothing to do now where it waits for the sender's own membership.
    pub fn ask(&mut self, sender: User, command: Command, waiter: Waiter) -> Option<Step<Waiter>> {
        match self.deferred.get_mut(&sender.id) {
            Some(deferred) => {
                deferred.push_back(Deferred { sender, command, waiter });
                None
            }
            None => Some(self.judge(&sender, command, waiter)),
        }
    }

    /// Whether a command would be answered from the state alone by a refusal or by nothing being to do. Where
    /// others append to the log too the state may be behind it, and such an answer wrong.
    pub fn doubts(&self, sender: &User, command: &Command) -> bool {
        let is_deferred = self.deferred.contains_key(&sender.id);
        !is_deferred && matches!(self.state.decide(sender, command.clone()), Err(_) | Ok(Decision::Unchanged))
    }

    /// Has a user's commands wait until [`Self::resume`] or [`Self::refuse_held`]. `false` where they wait already.
    pub fn hold(&mut self, user: &UserId) -> bool {
        let is_free = !self.deferred.contains_key(user);
        self.deferred.entry(user.clone()).or_default();
        is_free
    }

    /// Judges the commands that were held, by the state as it is now.
    pub fn resume(&mut self, user: &UserId) -> Vec<Step<Waiter>> {
        self.release(user)
    }

    /// Refuses the commands that were held.
    pub fn refuse_held(&mut self, user: &UserId, refusal: &Refusal) -> Vec<Step<Waiter>> {
        let held = self.deferred.remove(user).unwrap_or_default();
        held.into_iter().map(|held| Step::Refuse { waiter: held.waiter, refusal: refusal.clone() }).collect()
    }

    /// Folds the log's next proposal. The token is that of the append it came from, where that was one of this
    /// desk; whoever waited for one that was reported as failed has their answer already.
    pub fn apply(
        &mut self,
        token: Option<Token>,
        proposal: Proposal,
        appended_at: Timestamp,
    ) -> Applied<Waiter> {
        let appending = token.and_then(|token| self.appending.remove(&token));
        let outcome = self.state.apply(proposal, appended_at);
        let Some(Appending { waiter, membership }) = appending else {
            return Applied { outcome, waiter: None, next: Vec::new() };
        };
        let next = membership.map(|user| self.release(&user)).unwrap_or_default();
        Applied { outcome, waiter: Some(waiter), next }
    }

    /// The log did not take an append, or does not know its fate: then it may still come.
    pub fn fail(&mut self, token: Token, refusal: Refusal) -> Vec<Step<Waiter>> {
        let Some(Appending { waiter, membership }) = self.appending.remove(&token) else { return Vec::new() };
        let mut next = vec![Step::Refuse { waiter, refusal }];
        next.extend(membership.into_iter().flat_map(|user| self.release(&user)));
        next
    }

    fn judge(&mut self, sender: &User, command: Command, waiter: Waiter) -> Step<Waiter> {
        match self.state.decide(sender, command) {
            Ok(Decision::Append(proposal)) => self.append(proposal, waiter),
            Ok(Decision::Repeated(first)) => Step::Answer { waiter, outcome: Outcome::Repeated(first) },
            Ok(Decision::Unchanged) => Step::Answer { waiter, outcome: Outcome::Unchanged },
            Err(refusal) => Step::Refuse { waiter, refusal },
        }
    }

    fn append(&mut self, proposal: Proposal, waiter: Waiter) -> Step<Waiter> {
        let token = self.next_token;
        self.next_token += 1;
        let membership = match proposal.kind {
            RecordKind::Joined | RecordKind::Left => Some(proposal.sender.id.clone()),
            RecordKind::Message { .. } => None,
        };
        if let Some(user) = &membership {
            self.deferred.entry(user.clone()).or_default();
        }
        self.appending.insert(token, Appending { waiter, membership });
        Step::Append { token, proposal }
    }

    /// Judges the commands that waited for a user's membership, up to one that changes it again.
    fn release(&mut self, user: &UserId) -> Vec<Step<Waiter>> {
        let mut waiting = self.deferred.remove(user).unwrap_or_default();
        let mut steps = Vec::new();
        while let Some(Deferred { sender, command, waiter }) = waiting.pop_front() {
            steps.push(self.judge(&sender, command, waiter));
            if let Some(deferred) = self.deferred.get_mut(user) {
                *deferred = waiting;
                break;
            }
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::domain::{ClientId, Code, MessageBody, Seq};

    /// A waiter is the number of its question.
    type Question = usize;

    #[derive(Debug, Clone)]
    enum Event {
        /// A user asks.
        Ask(u8, Command),
        /// The log appends the first one of what it was handed.
        Append,
        /// The log reports one as failed: it never comes, or it comes later all the same.
        Fail(Index, bool),
        /// Another node's proposal comes.
        Foreign(u8, Command),
        /// The log takes nothing until the next of these.
        Break,
    }

    fn user(number: u8) -> User {
        User { id: UserId::new(format!("u{number}")), nickname: format!("user {number}").into() }
    }

    fn command() -> impl Strategy<Value = Command> {
        prop_oneof![
            2 => Just(Command::Join),
            1 => Just(Command::Leave),
            4 => (0_u8..6).prop_map(|id| says(&format!("c{id}"))),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => (0_u8..3, command()).prop_map(|(user, command)| Event::Ask(user, command)),
            6 => Just(Event::Append),
            2 => (any::<Index>(), any::<bool>()).prop_map(|(index, stored)| Event::Fail(index, stored)),
            1 => (0_u8..3, command()).prop_map(|(user, command)| Event::Foreign(user, command)),
            1 => Just(Event::Break),
        ]
    }

    fn says(id: &str) -> Command {
        Command::Send { body: MessageBody::stored(id), client_id: Some(ClientId::new(id)) }
    }

    fn proposal(sender: User, command: Command) -> Proposal {
        let kind = match command {
            Command::Send { body, client_id } => RecordKind::Message { body, client_id },
            Command::Join => RecordKind::Joined,
            Command::Leave => RecordKind::Left,
        };
        Proposal { sender, kind }
    }

    /// A desk beside a log, and every answer that was given.
    struct World {
        desk: Desk<Question>,
        /// What the log was handed and has not appended.
        handed: VecDeque<(Token, Proposal)>,
        appended: Vec<Proposal>,
        answers: Vec<(Question, Option<Outcome>)>,
        asked: Vec<UserId>,
        broken: bool,
    }

    impl World {
        fn new() -> Self {
            Self {
                desk: Desk::new(RoomState::default()),
                handed: VecDeque::new(),
                appended: Vec::new(),
                answers: Vec::new(),
                asked: Vec::new(),
                broken: false,
            }
        }

        fn ask(&mut self, number: u8, command: Command) {
            let sender = user(number);
            self.asked.push(sender.id.clone());
            let step = self.desk.ask(sender, command, self.asked.len() - 1);
            self.follow(step.into_iter().collect());
        }

        fn follow(&mut self, steps: Vec<Step<Question>>) {
            let mut steps = VecDeque::from(steps);
            while let Some(step) = steps.pop_front() {
                match step {
                    Step::Append { token, .. } if self.broken => {
                        steps.extend(self.desk.fail(token, Code::Overloaded.into()))
                    }
                    Step::Append { token, proposal } => self.handed.push_back((token, proposal)),
                    Step::Answer { waiter, outcome } => self.answers.push((waiter, Some(outcome))),
                    Step::Refuse { waiter, .. } => self.answers.push((waiter, None)),
                }
            }
        }

        fn come(&mut self, token: Option<Token>, proposal: Proposal) {
            self.appended.push(proposal.clone());
            let Applied { outcome, waiter, next } = self.desk.apply(token, proposal, Timestamp::default());
            self.answers.extend(waiter.map(|waiter| (waiter, Some(outcome))));
            self.follow(next);
        }

        fn append_first(&mut self) {
            if let Some((token, proposal)) = self.handed.pop_front() {
                self.come(Some(token), proposal);
            }
        }

        fn fail(&mut self, token: Token) {
            let steps = self.desk.fail(token, Code::LogUnavailable.into());
            self.follow(steps);
        }

        fn happen(&mut self, event: Event) {
            match event {
                Event::Ask(number, command) => self.ask(number, command),
                Event::Append => self.append_first(),
                Event::Fail(index, stored) if !self.handed.is_empty() => {
                    let index = index.index(self.handed.len());
                    self.fail(self.handed[index].0);
                    if !stored {
                        self.handed.remove(index);
                    }
                }
                Event::Fail(..) => {}
                Event::Foreign(number, command) => self.come(None, proposal(user(number), command)),
                Event::Break => self.broken = !self.broken,
            }
        }

        fn after(events: Vec<Event>) -> Self {
            let mut world = Self::new();
            events.into_iter().for_each(|event| world.happen(event));
            while !world.handed.is_empty() {
                world.append_first();
            }
            world
        }
    }

    proptest! {
        #[test]
        fn everybody_gets_one_answer_and_nothing_is_left(events in proptest::collection::vec(event(), 0..120)) {
            let world = World::after(events);
            let answered: HashSet<Question> = world.answers.iter().map(|(question, _)| *question).collect();
            prop_assert_eq!(answered.len(), world.answers.len());
            prop_assert_eq!(answered.len(), world.asked.len());
            prop_assert_eq!((world.desk.appending(), world.desk.deferred.len()), (0, 0));
        }

        #[test]
        fn d1_what_is_answered_as_recorded_is_in_the_log(events in proptest::collection::vec(event(), 0..120)) {
            let world = World::after(events);
            let mut replayed = RoomState::default();
            let fold = world.appended.iter().map(|proposal| replayed.apply(proposal.clone(), Timestamp::default()));
            let outcomes: Vec<Outcome> = fold.collect();
            prop_assert_eq!(world.desk.state(), &replayed);
            for (question, outcome) in &world.answers {
                if let Some(Outcome::Recorded(record)) = outcome {
                    prop_assert!(outcomes.contains(&Outcome::Recorded(record.clone())));
                    prop_assert_eq!(&record.sender.id, &world.asked[*question]);
                }
            }
        }

        #[test]
        fn d4_answers_to_one_client_id_agree(events in proptest::collection::vec(event(), 0..120)) {
            let world = World::after(events);
            let mut recorded = HashMap::<(UserId, ClientId), Seq>::new();
            for (_, outcome) in &world.answers {
                if let Some(Outcome::Recorded(record)) = outcome
                    && let RecordKind::Message { client_id: Some(id), .. } = &record.kind
                {
                    let key = (record.sender.id.clone(), id.clone());
                    prop_assert_eq!(recorded.insert(key, record.seq), None);
                }
            }
        }
    }

    #[test]
    fn a_send_waits_for_its_senders_own_joining() {
        let mut world = World::new();
        world.ask(0, Command::Join);
        world.ask(0, says("c"));
        assert_eq!((world.handed.len(), world.answers.len()), (1, 0));
        world.append_first();
        world.append_first();
        assert!(matches!(
            world.answers[..],
            [(0, Some(Outcome::Recorded(_))), (1, Some(Outcome::Recorded(_)))]
        ));
    }

    #[test]
    fn what_waits_is_judged_in_the_order_in_which_it_was_asked() {
        let mut world = World::new();
        for command in [Command::Join, Command::Leave, says("too late"), Command::Join, says("in time")] {
            world.ask(0, command);
        }
        while !world.handed.is_empty() {
            assert_eq!(world.handed.len(), 1);
            world.append_first();
        }
        let recorded: Vec<bool> =
            world.answers.iter().map(|(_, outcome)| matches!(outcome, Some(Outcome::Recorded(_)))).collect();
        assert_eq!(recorded, [true, true, false, true, true]);
        let questions: Vec<Question> = world.answers.iter().map(|(question, _)| *question).collect();
        assert_eq!(questions, [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_joining_that_failed_lets_those_behind_it_be_judged_without_it() {
        let mut world = World::new();
        world.ask(0, Command::Join);
        world.ask(0, says("c"));
        world.fail(world.handed[0].0);
        assert_eq!(world.answers, [(0, None), (1, None)]);
        world.append_first();
        assert!(world.desk.state().members().contains(&user(0).id), "it was stored after all");
        world.ask(0, says("c"));
        world.append_first();
        assert!(matches!(world.answers[2], (2, Some(Outcome::Recorded(_)))));
    }

    #[test]
    fn a_log_that_takes_nothing_refuses_each_in_its_turn() {
        let mut world = World::new();
        world.ask(0, Command::Join);
        for _ in 0..1000 {
            world.ask(0, Command::Leave);
            world.ask(0, Command::Join);
        }
        world.broken = true;
        world.append_first();
        assert_eq!((world.answers.len(), world.desk.deferred.len()), (2001, 0));
    }

    #[test]
    fn a_member_of_another_node_is_not_refused_by_a_state_that_is_behind() {
        let mut desk = Desk::<Question>::new(RoomState::default());
        let (ada, bob) = (user(1), user(2));
        assert!(desk.doubts(&ada, &says("one")), "she may be a member by now");
        assert!(desk.hold(&ada.id));
        assert!(desk.ask(ada.clone(), says("one"), 1).is_none());
        assert!(!desk.doubts(&ada, &says("two")), "what comes behind waits, too");
        assert!(desk.ask(ada.clone(), says("two"), 2).is_none());
        desk.apply(None, proposal(ada.clone(), Command::Join), Timestamp::default());
        let steps = desk.resume(&ada.id);
        assert!(
            matches!(&steps[..], [Step::Append { token: 0, .. }, Step::Append { token: 1, .. }]),
            "{steps:?}"
        );
        assert!(desk.doubts(&ada, &Command::Join), "she may have left elsewhere");

        assert!(desk.hold(&bob.id) && !desk.hold(&bob.id));
        assert!(desk.ask(bob.clone(), says("three"), 3).is_none());
        let steps = desk.refuse_held(&bob.id, &Code::LogUnavailable.into());
        assert!(matches!(&steps[..], [Step::Refuse { waiter: 3, .. }]), "{steps:?}");
        assert!(desk.hold(&bob.id), "nothing waits any more");
    }
}
