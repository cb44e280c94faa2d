//! A room's desk: commands come in, what the log made of them comes back, and whoever asked gets one answer.
//! It says what is to be appended and answered; carrying that to a log and to people is not its business.

use std::collections::{HashMap, VecDeque};

use super::{
    Command, Decision, Outcome, Proposal, RecordKind, Refusal, RoomState, Seq, Timestamp, User, UserId,
};

/// Names one append of one opened room, so that the room recognises what comes back.
pub type Token = u64;

/// The fold of a room, and who waits for what it makes of their commands. A `Waiter` is whatever an answer can
/// be given to; the desk only keeps it.
#[derive(Debug)]
pub struct Desk<Waiter> {
    state: RoomState,
    writers: Writers,
    appending: HashMap<Token, Appending<Waiter>>,
    /// Commands of users whose membership is under way, or for whom the log is being asked what it has; to be judged
    /// after that, in order.
    deferred: HashMap<UserId, VecDeque<Deferred<Waiter>>>,
    next_token: Token,
}

/// Who appends to a room's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Writers {
    /// This desk alone: nothing is in the log that it does not know or has under way.
    One,
    /// Others, too: its state may be behind what they answered already.
    Many,
}

/// What somebody asks of a room.
#[derive(Debug)]
pub struct Asked<Waiter> {
    /// Who.
    pub sender: User,
    /// For what.
    pub command: Command,
    /// A record that is known to be there, so that nothing can be said before the state has it; 0 if none is.
    pub floor: Seq,
    /// When, by the clock of the desk's node: what holds for a time is judged by it, until the log's own clock does.
    pub now: Timestamp,
    /// Who waits for the answer.
    pub waiter: Waiter,
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
    /// Have everything applied that is in the log by now; then [`Desk::settled`], or [`Desk::unsettled`], says what
    /// follows for this user.
    Settle(UserId),
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

/// Commands of one sender that are judged together: all of them are done, or none.
#[derive(Debug)]
struct Deferred<Waiter> {
    group: Vec<Asked<Waiter>>,
    purpose: Purpose,
    settling: Settling,
}

/// What a group of commands is judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be done.
    Do,
    /// To know whether it could be done now.
    Weigh,
}

/// Whether the state has what was in the log when a command was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settling {
    Unknown,
    /// It has, once the command is judged.
    Sure,
}

impl<Waiter> Desk<Waiter> {
    /// A desk for a room that stands like this; everything later comes through [`Self::apply`].
    pub fn new(state: RoomState, writers: Writers) -> Self {
        Self { state, writers, appending: HashMap::new(), deferred: HashMap::new(), next_token: 0 }
    }

    /// The room as it stands.
    pub fn state(&self) -> &RoomState {
        &self.state
    }

    /// Appends whose fate is not known yet.
    pub fn appending(&self) -> usize {
        self.appending.len()
    }

    /// Whether nobody waits.
    pub fn is_at_rest(&self) -> bool {
        self.appending.is_empty() && self.deferred.is_empty()
    }

    /// Takes a command. There is nothing to do now where it waits for others of the same sender.
    pub fn ask(&mut self, asked: Asked<Waiter>) -> Vec<Step<Waiter>> {
        self.ask_together(vec![asked], Purpose::Do)
    }

    /// Takes commands of one sender of which all are done or none: where one is refused, everybody who waits for the
    /// others gets the same refusal. What is weighed changes nothing, and its answer is [`Outcome::Unchanged`].
    pub fn ask_together(&mut self, group: Vec<Asked<Waiter>>, purpose: Purpose) -> Vec<Step<Waiter>> {
        let Some(sender) = group.first().map(|asked| asked.sender.id.clone()) else { return Vec::new() };
        let deferred = Deferred { group, purpose, settling: Settling::Unknown };
        match self.deferred.get_mut(&sender) {
            Some(waiting) => {
                waiting.push_back(deferred);
                Vec::new()
            }
            None => self.judge(deferred),
        }
    }

    /// Everything that was in the log when [`Step::Settle`] was given has been applied.
    pub fn settled(&mut self, user: &UserId) -> Vec<Step<Waiter>> {
        self.release(user)
    }

    /// Nobody knows what is in the log, so that nobody can be told that something is not so.
    pub fn unsettled(&mut self, user: &UserId, refusal: &Refusal) -> Vec<Step<Waiter>> {
        let waiting = self.deferred.remove(user).unwrap_or_default();
        waiting.into_iter().flat_map(|Deferred { group, .. }| refuse_all(group, refusal)).collect()
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

    /// Decides by the state, unless what others have in the log might make that wrong.
    fn judge(&mut self, deferred: Deferred<Waiter>) -> Vec<Step<Waiter>> {
        let Deferred { group, purpose, settling } = deferred;
        let decide =
            |asked: &Asked<Waiter>| self.state.decide(&asked.sender, asked.command.clone(), asked.now);
        let decisions: Vec<_> = group.iter().map(decide).collect();
        let is_doubtful = group.iter().zip(&decisions).any(|(asked, decision)| match decision {
            _ if asked.floor > self.state.head() => true,
            Ok(Decision::Append(_) | Decision::Repeated(_)) => false,
            Ok(Decision::Unchanged) | Err(_) => self.writers == Writers::Many,
        });
        if is_doubtful && settling == Settling::Unknown {
            return self.settle(group, purpose);
        }
        match decisions.into_iter().collect::<Result<Vec<_>, _>>() {
            Err(refusal) => refuse_all(group, &refusal).collect(),
            Ok(decisions) => group
                .into_iter()
                .zip(decisions)
                .map(|(Asked { waiter, .. }, decision)| match (purpose, decision) {
                    (Purpose::Do, Decision::Append(proposal)) => self.append(proposal, waiter),
                    (Purpose::Do, Decision::Repeated(first)) => {
                        Step::Answer { waiter, outcome: Outcome::Repeated(first) }
                    }
                    (Purpose::Do, Decision::Unchanged) | (Purpose::Weigh, _) => {
                        Step::Answer { waiter, outcome: Outcome::Unchanged }
                    }
                })
                .collect(),
        }
    }

    /// Keeps a group until the log was asked; the sender is that of all of its commands.
    fn settle(&mut self, group: Vec<Asked<Waiter>>, purpose: Purpose) -> Vec<Step<Waiter>> {
        let Some(user) = group.first().map(|asked| asked.sender.id.clone()) else { return Vec::new() };
        let first = Deferred { group, purpose, settling: Settling::Sure };
        self.deferred.entry(user.clone()).or_default().push_back(first);
        vec![Step::Settle(user)]
    }

    fn append(&mut self, proposal: Proposal, waiter: Waiter) -> Step<Waiter> {
        let token = self.next_token;
        self.next_token += 1;
        let membership = match proposal.kind {
            RecordKind::Joined | RecordKind::Left => Some(proposal.sender.id.clone()),
            RecordKind::Message(_) | RecordKind::Renamed(_) | RecordKind::Act(_) => None,
        };
        if let Some(user) = &membership {
            self.deferred.entry(user.clone()).or_default();
        }
        self.appending.insert(token, Appending { waiter, membership });
        Step::Append { token, proposal }
    }

    /// Judges a user's commands that waited, up to one that has the rest wait again. What is in the log by then is
    /// as good for them as for that one.
    fn release(&mut self, user: &UserId) -> Vec<Step<Waiter>> {
        let mut waiting = self.deferred.remove(user).unwrap_or_default();
        let mut steps = Vec::new();
        while let Some(deferred) = waiting.pop_front() {
            let judged = self.judge(deferred);
            if matches!(judged[..], [Step::Settle(_)]) {
                waiting.iter_mut().for_each(|deferred| deferred.settling = Settling::Sure);
            }
            steps.extend(judged);
            if let Some(again) = self.deferred.get_mut(user) {
                again.append(&mut waiting);
            }
        }
        steps
    }
}

fn refuse_all<Waiter>(group: Vec<Asked<Waiter>>, refusal: &Refusal) -> impl Iterator<Item = Step<Waiter>> {
    group.into_iter().map(|Asked { waiter, .. }| Step::Refuse { waiter, refusal: refusal.clone() })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::{prelude::*, sample::Index};

    use super::*;
    use crate::domain::{
        ClientId, Code, Foundation, Message, MessageBody, Seq,
        testbed::{command, proposal, user},
    };

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
        /// What was in the log for somebody is applied.
        Settled,
        /// Nobody knows what was.
        Unsettled,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            8 => (0_u8..3, command()).prop_map(|(user, command)| Event::Ask(user, command)),
            6 => Just(Event::Append),
            2 => (any::<Index>(), any::<bool>()).prop_map(|(index, stored)| Event::Fail(index, stored)),
            1 => (0_u8..3, command()).prop_map(|(user, command)| Event::Foreign(user, command)),
            1 => Just(Event::Break),
            3 => Just(Event::Settled),
            1 => Just(Event::Unsettled),
        ]
    }

    fn events() -> impl Strategy<Value = (Writers, Vec<Event>)> {
        let writers = prop_oneof![Just(Writers::One), Just(Writers::Many)];
        (writers, proptest::collection::vec(event(), 0..120))
    }

    fn room() -> RoomState {
        RoomState::new(Foundation::public(user(0).id))
    }

    fn says(id: &str) -> Command {
        Command::Send(Message::new(MessageBody::stored(id), Some(ClientId::new(id))))
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
        /// Users for whom the log is being asked what it has.
        settling: VecDeque<UserId>,
    }

    impl World {
        fn new(writers: Writers) -> Self {
            Self {
                desk: Desk::new(room(), writers),
                handed: VecDeque::new(),
                appended: Vec::new(),
                answers: Vec::new(),
                asked: Vec::new(),
                broken: false,
                settling: VecDeque::new(),
            }
        }

        fn ask(&mut self, number: u8, command: Command) {
            let sender = user(number);
            self.asked.push(sender.id.clone());
            let asked =
                Asked { sender, command, floor: 0, now: Timestamp::default(), waiter: self.asked.len() - 1 };
            let steps = self.desk.ask(asked);
            self.follow(steps);
        }

        fn follow(&mut self, steps: Vec<Step<Question>>) {
            let mut steps = VecDeque::from(steps);
            while let Some(step) = steps.pop_front() {
                match step {
                    Step::Append { token, .. } if self.broken => {
                        steps.extend(self.desk.fail(token, Code::Overloaded.into()))
                    }
                    Step::Append { token, proposal } => self.handed.push_back((token, proposal)),
                    Step::Settle(user) => self.settling.push_back(user),
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

        fn settled(&mut self) {
            if let Some(user) = self.settling.pop_front() {
                let steps = self.desk.settled(&user);
                self.follow(steps);
            }
        }

        fn unsettled(&mut self) {
            if let Some(user) = self.settling.pop_front() {
                let steps = self.desk.unsettled(&user, &Code::LogUnavailable.into());
                self.follow(steps);
            }
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
                Event::Settled => self.settled(),
                Event::Unsettled => self.unsettled(),
            }
        }

        fn after(writers: Writers, events: Vec<Event>) -> Self {
            let mut world = Self::new(writers);
            events.into_iter().for_each(|event| world.happen(event));
            while !world.handed.is_empty() || !world.settling.is_empty() {
                world.append_first();
                world.settled();
            }
            world
        }
    }

    proptest! {
        #[test]
        fn everybody_gets_one_answer_and_nothing_is_left((writers, events) in events()) {
            let world = World::after(writers, events);
            let answered: HashSet<Question> = world.answers.iter().map(|(question, _)| *question).collect();
            prop_assert_eq!(answered.len(), world.answers.len());
            prop_assert_eq!(answered.len(), world.asked.len());
            prop_assert!(world.desk.is_at_rest());
        }

        #[test]
        fn d1_what_is_answered_as_recorded_is_in_the_log((writers, events) in events()) {
            let world = World::after(writers, events);
            let mut replayed = room();
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
        fn d4_answers_to_one_client_id_agree((writers, events) in events()) {
            let world = World::after(writers, events);
            let mut recorded = HashMap::<(UserId, ClientId), Seq>::new();
            for (_, outcome) in &world.answers {
                if let Some(Outcome::Recorded(record)) = outcome
                    && let RecordKind::Message(Message { client_id: Some(id), .. }) = &record.kind
                {
                    let key = (record.sender.id.clone(), id.clone());
                    prop_assert_eq!(recorded.insert(key, record.seq), None);
                }
            }
        }
    }

    #[test]
    fn a_send_waits_for_its_senders_own_joining() {
        let mut world = World::new(Writers::One);
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
        let mut world = World::new(Writers::One);
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
        let mut world = World::new(Writers::One);
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
        let mut world = World::new(Writers::One);
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
        let mut world = World::new(Writers::Many);
        world.ask(0, says("one"));
        world.ask(0, says("two"));
        assert_eq!((world.settling.len(), world.handed.len(), world.answers.len()), (1, 0, 0));
        world.happen(Event::Foreign(0, Command::Join));
        world.settled();
        assert_eq!((world.handed.len(), world.answers.len()), (2, 0));

        world.ask(0, Command::Join);
        assert_eq!(world.settling.len(), 1, "they may have left elsewhere");
        world.unsettled();
        assert_eq!(world.answers, [(2, None)]);
    }

    #[test]
    fn what_is_asked_while_the_log_is_asked_is_not_refused_by_what_it_had_before() {
        let mut world = World::new(Writers::Many);
        world.ask(0, says("early"));
        world.ask(0, says("late"));
        world.settled();
        assert_eq!(world.answers, [(0, None)], "nothing had been in the log");
        world.happen(Event::Foreign(0, Command::Join));
        world.settled();
        assert_eq!((world.handed.len(), world.answers.len()), (1, 1));
    }

    #[test]
    fn what_waits_behind_a_leaving_is_not_refused_by_a_state_that_is_behind() {
        let mut world = World::new(Writers::Many);
        world.happen(Event::Foreign(0, Command::Join));
        world.ask(0, Command::Leave);
        world.ask(0, says("c"));
        world.append_first();
        assert_eq!(
            (world.settling.len(), world.answers.len()),
            (1, 1),
            "they may have joined again elsewhere"
        );
        world.happen(Event::Foreign(0, Command::Join));
        world.settled();
        assert_eq!(world.handed.len(), 1);
    }

    fn together(texts: &[&str]) -> Vec<Asked<Question>> {
        let asked = |(waiter, text): (Question, &&str)| Asked {
            sender: user(0),
            command: says(text),
            floor: 0,
            now: Timestamp::default(),
            waiter,
        };
        texts.iter().enumerate().map(asked).collect()
    }

    #[test]
    fn of_commands_that_are_asked_together_all_are_done_or_none() {
        let mut world = World::new(Writers::One);
        let refused = world.desk.ask_together(together(&["a", "b"]), Purpose::Do);
        let refusal = Refusal::from(Code::NotAMember);
        let refuse = |waiter| Step::Refuse { waiter, refusal: refusal.clone() };
        assert_eq!(refused, [refuse(0), refuse(1)]);

        world.happen(Event::Foreign(0, Command::Join));
        let weighed = world.desk.ask_together(together(&["a", "b"]), Purpose::Weigh);
        let could = |waiter| Step::Answer { waiter, outcome: Outcome::Unchanged };
        assert_eq!(weighed, [could(0), could(1)]);
        assert!(world.desk.is_at_rest());

        let done = world.desk.ask_together(together(&["a", "b"]), Purpose::Do);
        assert!(
            matches!(done[..], [Step::Append { token: 0, .. }, Step::Append { token: 1, .. }]),
            "{done:?}"
        );
    }

    #[test]
    fn commands_that_are_asked_together_wait_together_for_what_others_have_in_the_log() {
        let mut world = World::new(Writers::Many);
        let asked = world.desk.ask_together(together(&["a", "b"]), Purpose::Do);
        assert_eq!(asked, [Step::Settle(user(0).id)]);
        world.happen(Event::Foreign(0, Command::Join));
        let done = world.desk.settled(&user(0).id);
        assert!(
            matches!(done[..], [Step::Append { token: 0, .. }, Step::Append { token: 1, .. }]),
            "{done:?}"
        );
    }

    #[test]
    fn nothing_is_said_before_the_state_has_what_is_known_to_be_there() {
        let mut world = World::new(Writers::One);
        world.happen(Event::Foreign(0, Command::Join));
        let asked =
            Asked { sender: user(0), command: Command::Join, floor: 2, now: Timestamp::default(), waiter: 0 };
        assert_eq!(world.desk.ask(asked), [Step::Settle(user(0).id)]);
        world.happen(Event::Foreign(1, Command::Join));
        let unchanged = Step::Answer { waiter: 0, outcome: Outcome::Unchanged };
        assert_eq!(world.desk.settled(&user(0).id), [unchanged]);
    }
}
