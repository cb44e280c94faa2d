//! How a room carries what its desk says to the log, and what comes back from there to people.
//! What is to be appended and answered is the desk's to say.

use std::{collections::VecDeque, sync::Arc};

use super::{
    super::{
        lobby::{RoomChanged, Whose},
        to_room::Sent,
        waiter::Waiter,
    },
    Room,
};
use crate::{
    domain::{
        Applied, Code, Command, FirstSend, Outcome, Proposal, Record, RecordKind, Refusal, Step, Token, User,
    },
    log::Committed,
    telemetry::Stopwatch,
    wire::{Broadcast, native::Change},
};

impl Room {
    pub(super) fn command(&mut self, sender: User, command: Command, waiter: Waiter) {
        let step = self.desk.ask(sender, command, waiter);
        self.follow(step.into_iter().collect());
    }

    pub(super) fn follow(&mut self, steps: Vec<Step<Waiter>>) {
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            match step {
                Step::Append { token, proposal } => {
                    if let Err(refusal) = self.append(token, proposal) {
                        steps.extend(self.desk.fail(token, refusal));
                    }
                }
                Step::Answer { waiter, outcome } => self.settle(waiter, outcome),
                Step::Refuse { waiter, refusal } => waiter.refuse(refusal),
            }
        }
    }

    fn append(&mut self, token: Token, proposal: Proposal) -> Result<(), Refusal> {
        let is_message = matches!(proposal.kind, RecordKind::Message { .. });
        if is_message && self.readers.is_behind() {
            return Err(Code::Overloaded.into());
        }
        self.context.log.append(&self.made.id, token, proposal)?;
        self.began.insert(token, Stopwatch::start());
        Ok(())
    }

    pub(super) fn committed(&mut self, Committed { token, proposal, appended_at }: Committed) {
        let since = token.and_then(|token| self.began.remove(&token));
        let Applied { outcome, waiter, next } = self.desk.apply(token, proposal, appended_at);
        if let Outcome::Recorded(record) = &outcome {
            self.recorded(record, waiter.as_ref());
        }
        if let Some(since) = since {
            self.context.metrics.append_seconds.observe(since.seconds());
        }
        if let Some(waiter) = waiter {
            self.settle(waiter, outcome);
        }
        self.follow(next);
    }

    fn recorded(&mut self, record: &Record, waiter: Option<&Waiter>) {
        let whose = match waiter {
            Some(_) => Whose::Own,
            None => Whose::Others,
        };
        if whose == Whose::Own {
            let kind = record.kind.name();
            self.context.metrics.records_appended.with_label_values(&[kind]).inc();
        }
        if record.kind == RecordKind::Left {
            self.readers.expel(&record.sender.id, waiter.and_then(Waiter::through));
        }
        let broadcast = Arc::new(Broadcast::new(self.made.id.clone(), self.epoch().clone(), record.clone()));
        self.ring.push(Arc::clone(&broadcast));
        self.readers.hold(broadcast);
        if matches!(record.kind, RecordKind::Joined | RecordKind::Left) {
            self.context.lobby.do_send(RoomChanged { change: Change::Changed, room: self.info(), whose });
        }
    }

    fn settle(&mut self, waiter: Waiter, outcome: Outcome) {
        match (waiter, outcome) {
            (waiter, Outcome::Refused(code)) => waiter.refuse(code.into()),
            (Waiter::Send(reply), Outcome::Recorded(record)) => {
                let first = FirstSend { seq: record.seq, at: record.at };
                reply.give(Ok(Sent { first, repeated: false }));
            }
            (Waiter::Send(reply), Outcome::Repeated(first)) => reply.give(Ok(Sent { first, repeated: true })),
            // The fold leaves nothing unchanged for a message; the reply says so if it ever does.
            (Waiter::Send(reply), Outcome::Unchanged) => reply.give(Err(Code::Internal.into())),
            (Waiter::Join(reply), _) => reply.give(Ok(self.info())),
            (Waiter::Leave(_, reply), _) => reply.give(Ok(())),
            (Waiter::Subscribe(subscribe), Outcome::Recorded(record)) => {
                self.subscribe(*subscribe, record.seq - 1)
            }
            (Waiter::Subscribe(subscribe), _) => self.subscribe(*subscribe, self.desk.state().head()),
        }
    }
}
