//! How a room carries what its desk says to the log, and what comes back from there to people.
//! What is to be appended and answered is the desk's to say.

use std::{collections::VecDeque, sync::Arc};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::{
    super::{
        lobby::{RoomChanged, Whose},
        room_readers::Parting,
        to_room::{SendAll, Sent},
        waiter::Waiter,
    },
    Room,
};
use crate::{
    domain::{
        Applied, Asked, Code, Command, Deed, FirstSend, Outcome, Proposal, Record, RecordKind, Refusal, Step,
        Token, User, Visibility,
    },
    log::{Committed, LogError},
    telemetry::Stopwatch,
    wire::{Broadcast, native::Change},
};

impl Room {
    pub(super) fn command(
        &mut self,
        sender: User,
        command: Command,
        waiter: Waiter,
        ctx: &mut Context<Self>,
    ) {
        let floor = waiter.floor(self.epoch());
        let now = self.context.clock.now();
        let steps = self.desk.ask(Asked { sender, command, floor, now, waiter });
        self.follow(steps, ctx);
    }

    /// Says all of it in order, or nothing; or only tells whether that could be done now.
    pub(super) fn commands(&mut self, all: SendAll, ctx: &mut Context<Self>) {
        let SendAll { sender, messages, purpose } = all;
        if self.readers.is_behind() {
            // All of them now rather than the later ones in a moment.
            return messages.into_iter().for_each(|(_, reply)| reply.give(Err(Code::Overloaded.into())));
        }
        let now = self.context.clock.now();
        let asked = |(message, reply)| Asked {
            sender: sender.clone(),
            command: Command::Send(message),
            floor: 0,
            now,
            waiter: Waiter::Said(reply),
        };
        let steps = self.desk.ask_together(messages.into_iter().map(asked).collect(), purpose);
        self.follow(steps, ctx);
    }

    pub(super) fn follow(&mut self, steps: Vec<Step<Waiter>>, ctx: &mut Context<Self>) {
        let mut steps = VecDeque::from(steps);
        while let Some(step) = steps.pop_front() {
            match step {
                Step::Append { token, proposal } => {
                    if let Err(refusal) = self.append(token, proposal) {
                        steps.extend(self.desk.fail(token, refusal));
                    }
                }
                Step::Settle(user) => self.settle(ctx, move |room, settled, ctx| {
                    let steps = match settled {
                        Ok(()) => room.desk.settled(&user),
                        // What cannot be judged is neither refused for good nor called lost.
                        Err(error) => room.desk.unsettled(&user, &error.into()),
                    };
                    room.follow(steps, ctx);
                }),
                Step::Answer { waiter, outcome } => self.answer(waiter, outcome),
                Step::Refuse { waiter, refusal } => waiter.refuse(refusal),
            }
        }
    }

    /// Goes on once everything that is in the log now has been applied.
    pub(super) fn settle(
        &self,
        ctx: &mut Context<Self>,
        go_on: impl FnOnce(&mut Self, Result<(), LogError>, &mut Context<Self>) + 'static,
    ) {
        let (log, id) = (Arc::clone(&self.context.log), self.made.id.clone());
        let settled = async move { log.settle(&id).await }.into_actor(self);
        ctx.spawn(settled.map(|settled, room, ctx| {
            while let Ok(batch) = room.deliveries.try_recv() {
                room.take(batch, ctx);
            }
            go_on(room, settled, ctx);
        }));
    }

    fn append(&mut self, token: Token, proposal: Proposal) -> Result<(), Refusal> {
        let is_message = matches!(proposal.kind, RecordKind::Message(_));
        if is_message && self.readers.is_behind() {
            return Err(Code::Overloaded.into());
        }
        self.context.log.append(&self.made.id, token, proposal)?;
        self.began.insert(token, Stopwatch::start());
        Ok(())
    }

    pub(super) fn committed(&mut self, committed: Committed, ctx: &mut Context<Self>) {
        let Committed { token, proposal, appended_at } = committed;
        let since = token.and_then(|token| self.began.remove(&token));
        let Applied { outcome, waiter, next } = self.desk.apply(token, proposal, appended_at);
        if let Outcome::Recorded(record) = &outcome {
            self.recorded(record, waiter.as_ref());
        }
        if let Some(since) = since {
            self.context.metrics.append_seconds.observe(since.seconds());
        }
        if let Some(waiter) = waiter {
            self.answer(waiter, outcome);
        }
        self.follow(next, ctx);
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
            let through = waiter.and_then(Waiter::through);
            self.readers.expel(&record.sender.id, self.parting(), through, Code::NotAMember);
        }
        let broadcast = Arc::new(Broadcast::new(self.made.id.clone(), self.epoch().clone(), record.clone()));
        self.ring.push(Arc::clone(&broadcast));
        self.readers.hold(broadcast);
        match record.kind.deed() {
            Some(Deed::Kick(user, _)) => {
                self.readers.expel(&user.id, self.parting(), None, Code::NotAMember);
            }
            Some(Deed::Ban(ban)) => self.readers.expel(&ban.user.id, Parting::All, None, Code::Banned),
            Some(Deed::Close(_)) => self.readers.dismiss(Code::RoomClosed),
            _ => {}
        }
        self.tell_lobby(record, whose);
    }

    /// Which subscriptions end with a membership: what anybody may read goes on being read.
    fn parting(&self) -> Parting {
        match self.made.visibility {
            Visibility::Public => Parting::Members,
            Visibility::Private | Visibility::Direct => Parting::All,
        }
    }

    /// Only what anybody may find is in the list.
    fn tell_lobby(&self, record: &Record, whose: Whose) {
        let change = match record.kind.deed() {
            _ if self.made.visibility != Visibility::Public => return,
            Some(Deed::Close(_)) => Change::Closed,
            None if record.kind == RecordKind::Joined => Change::Changed,
            _ if record.parted().is_some() => Change::Changed,
            _ => return,
        };
        self.context.lobby.do_send(RoomChanged { change, room: self.info(), whose });
    }

    fn answer(&mut self, waiter: Waiter, outcome: Outcome) {
        match (waiter, outcome) {
            (waiter, Outcome::Refused(refusal)) => waiter.refuse(refusal),
            (Waiter::Send(reply), Outcome::Recorded(record)) => {
                let first = FirstSend { seq: record.seq, at: record.at };
                reply.give(Ok(Sent { first, repeated: false }));
            }
            (Waiter::Send(reply), Outcome::Repeated(first)) => reply.give(Ok(Sent { first, repeated: true })),
            // The fold leaves nothing unchanged for a message; the reply says so if it ever does.
            (Waiter::Send(reply), Outcome::Unchanged) => reply.give(Err(Code::Internal.into())),
            (Waiter::Said(reply), _) => reply.give(Ok(())),
            (Waiter::Join(reply), _) => reply.give(Ok(self.info())),
            (Waiter::Leave(_, reply), _) => reply.give(Ok(())),
            (Waiter::Subscribe(subscribe), Outcome::Recorded(record)) => {
                self.subscribe(*subscribe, record.seq - 1)
            }
            (Waiter::Subscribe(subscribe), _) => self.subscribe(*subscribe, self.desk.state().head()),
        }
    }
}
