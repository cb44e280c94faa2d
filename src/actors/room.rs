//! The actor of one awake room: lets the fold decide, appends, applies what comes back, and tells the relays.
//! It has no rule of its own, and it waits for nobody: answers and records go out as messages.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use actix::{
    Actor, ActorContext, ActorFuture, ActorFutureExt, Addr, AsyncContext, Context, Handler, MessageResult,
    WrapFuture,
};
use tokio::sync::mpsc;

use super::{
    Observe,
    directory::{Died, Directory, Doze},
    lobby::{Lobby, RoomChanged},
    reply::Reply,
    ring::Ring,
    room_readers::RoomReaders,
    subscriber::SubscriberId,
    to_room::{RoomView, Sent, Sleep, Start, Subscribe, Subscribed, ToRoom},
};
use crate::{
    domain::{
        Code, Command, Decision, Epoch, FirstSend, Missing, Outcome, Position, Proposal, Record, RecordKind,
        Refusal, Resume, RoomInfo, RoomState, Seq, User, UserId,
    },
    log::{Committed, Delivery, RoomLog, Token},
    telemetry::{Metrics, Stopwatch},
    wire::{Broadcast, Greeting, native::Change},
};

/// What every room of a node is given.
#[derive(Clone)]
pub(super) struct RoomContext {
    pub log: Arc<dyn RoomLog>,
    pub directory: Addr<Directory>,
    pub lobby: Addr<Lobby>,
    pub metrics: Metrics,
    pub ring_records: usize,
    pub ring_bytes: usize,
    pub idle: Duration,
    pub pace: Duration,
}

/// The actor of one awake room.
pub(super) struct Room {
    /// As it was made; members and head are those of `state`.
    made: RoomInfo,
    state: RoomState,
    ring: Ring,
    readers: RoomReaders,
    appending: HashMap<Token, Appending>,
    /// Commands of users whose membership is under way, to be judged after it.
    deferred: HashMap<UserId, VecDeque<Deferred>>,
    next_token: Token,
    deliveries: mpsc::UnboundedReceiver<Vec<Delivery>>,
    idle_since_last_look: bool,
    asleep: bool,
    /// What the readers' pace holds is handed over soon.
    flush_is_due: bool,
    context: RoomContext,
}

struct Appending {
    waiter: Waiter,
    since: Stopwatch,
    /// Whose membership this append changes.
    membership: Option<UserId>,
}

struct Deferred {
    sender: User,
    command: Command,
    waiter: Waiter,
}

/// Who waits for a command's outcome, and what they get then.
enum Waiter {
    Send(Reply<Sent>),
    Join(Reply<RoomInfo>),
    Leave(Option<SubscriberId>, Reply<()>),
    Subscribe(Box<Subscribe>),
}

impl Waiter {
    fn refuse(self, refusal: Refusal) {
        match self {
            Self::Send(reply) => reply.give(Err(refusal)),
            Self::Join(reply) => reply.give(Err(refusal)),
            Self::Leave(_, reply) => reply.give(Err(refusal)),
            Self::Subscribe(subscribe) => subscribe.reply.give(Err(refusal)),
        }
    }
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.context.metrics.rooms_awake.inc();
        ctx.spawn(Deliveries);
        ctx.run_interval(self.context.idle, |room, _| room.look_whether_idle());
    }
}

impl Drop for Room {
    /// A handler that panicked ends the actor: the directory then has the room rebuilt from the log.
    fn drop(&mut self) {
        self.context.metrics.rooms_awake.dec();
        if !self.asleep {
            self.context.directory.do_send(Died { room: self.made.id.clone() });
        }
    }
}

impl Handler<ToRoom> for Room {
    type Result = ();

    fn handle(&mut self, message: ToRoom, ctx: &mut Self::Context) {
        self.idle_since_last_look = false;
        match message {
            ToRoom::Send { sender, body, client_id, reply } => {
                self.command(sender, Command::Send { body, client_id }, Waiter::Send(reply));
            }
            ToRoom::Join { sender, reply } => self.command(sender, Command::Join, Waiter::Join(reply)),
            ToRoom::Leave { sender, through, reply } => {
                self.command(sender, Command::Leave, Waiter::Leave(through, reply));
            }
            ToRoom::Subscribe(subscribe) if self.may_be_behind(&subscribe.start) => {
                self.begin_later(subscribe, ctx)
            }
            ToRoom::Subscribe(subscribe) => self.begin(subscribe),
            ToRoom::Continue { id, after, reply } => reply.give(Ok(self.go_on(id, after))),
            ToRoom::Unsubscribe { id, reply } => {
                self.readers.remove(id);
                reply.give(Ok(()));
            }
            ToRoom::Members { after, limit, reply } => {
                let members = self.state.members().joined_after(after).take(limit);
                reply.give(Ok(members.map(|(seq, user)| (seq, user.clone())).collect()));
            }
        }
    }
}

/// Gives the room what its log delivers, as long as the room lives.
struct Deliveries;

impl ActorFuture<Room> for Deliveries {
    type Output = ();

    fn poll(
        self: Pin<&mut Self>,
        room: &mut Room,
        ctx: &mut Context<Room>,
        task: &mut task::Context<'_>,
    ) -> Poll<()> {
        while let Poll::Ready(Some(batch)) = room.deliveries.poll_recv(task) {
            room.take(batch, ctx);
        }
        Poll::Pending
    }
}

impl Handler<Sleep> for Room {
    type Result = bool;

    fn handle(&mut self, _: Sleep, ctx: &mut Self::Context) -> bool {
        self.asleep = self.is_idle();
        if self.asleep {
            self.context.log.close(&self.made.id);
            ctx.stop();
        }
        self.asleep
    }
}

impl Handler<Observe<RoomView>> for Room {
    type Result = MessageResult<Observe<RoomView>>;

    fn handle(&mut self, _: Observe<RoomView>, _: &mut Self::Context) -> Self::Result {
        MessageResult(RoomView {
            head: self.state.head(),
            members: self.state.members().len(),
            readers: self.readers.len(),
            appending: self.appending.len(),
            recent: self.ring.len(),
        })
    }
}

impl Room {
    /// A room as the log has it.
    pub(super) fn new(
        made: RoomInfo,
        state: RoomState,
        deliveries: mpsc::UnboundedReceiver<Vec<Delivery>>,
        context: RoomContext,
    ) -> Self {
        Self {
            readers: RoomReaders::new(made.id.clone(), context.metrics.clone(), context.pace),
            made,
            state,
            ring: Ring::new(context.ring_records, context.ring_bytes),
            appending: HashMap::new(),
            deferred: HashMap::new(),
            next_token: 0,
            deliveries,
            idle_since_last_look: false,
            asleep: false,
            flush_is_due: false,
            context,
        }
    }

    fn take(&mut self, deliveries: Vec<Delivery>, ctx: &mut Context<Self>) {
        self.idle_since_last_look = false;
        for delivery in deliveries {
            match delivery {
                Delivery::Committed(committed) => self.committed(committed),
                Delivery::Failed { token, error } => self.failed(token, error.into()),
            }
        }
        if !self.readers.deliver() && !self.flush_is_due {
            self.flush_is_due = true;
            ctx.run_later(self.context.pace, |room, _| {
                room.flush_is_due = false;
                room.readers.flush();
            });
        }
    }

    /// Whether a position may come from what is durable and not applied here yet, as history may be.
    fn may_be_behind(&self, start: &Start) -> bool {
        match start {
            Start::After(asked) => {
                asked.epoch.as_ref().is_none_or(|epoch| epoch == self.epoch())
                    && asked.seq > self.state.head()
            }
            Start::Live | Start::Last(_) => false,
        }
    }

    /// Begins a subscription after everything that is in the log now has been applied.
    fn begin_later(&self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        let (log, id) = (Arc::clone(&self.context.log), self.made.id.clone());
        let settled = async move { log.settle(&id).await }.into_actor(self);
        ctx.spawn(settled.map(|_, room, ctx| {
            while let Ok(batch) = room.deliveries.try_recv() {
                room.take(batch, ctx);
            }
            room.begin(subscribe);
        }));
    }

    fn begin(&mut self, subscribe: Subscribe) {
        match subscribe.sender.clone() {
            Some(sender) => self.command(sender, Command::Join, Waiter::Subscribe(Box::new(subscribe))),
            None => self.subscribe(subscribe, self.state.head()),
        }
    }

    fn epoch(&self) -> &Epoch {
        &self.made.head.epoch
    }

    fn info(&self) -> RoomInfo {
        let head = Position { epoch: self.epoch().clone(), seq: self.state.head() };
        RoomInfo { members: self.state.members().len() as u64, head, ..self.made.clone() }
    }

    fn command(&mut self, sender: User, command: Command, waiter: Waiter) {
        if let Some(deferred) = self.deferred.get_mut(&sender.id) {
            return deferred.push_back(Deferred { sender, command, waiter });
        }
        match self.state.decide(&sender, command) {
            Ok(Decision::Append(proposal)) => self.append(proposal, waiter),
            Ok(Decision::Repeated(first)) => self.settle(waiter, Outcome::Repeated(first)),
            Ok(Decision::Unchanged) => self.settle(waiter, Outcome::Unchanged),
            Err(refusal) => waiter.refuse(refusal),
        }
    }

    fn append(&mut self, proposal: Proposal, waiter: Waiter) {
        let membership = match proposal.kind {
            RecordKind::Joined | RecordKind::Left => Some(proposal.sender.id.clone()),
            RecordKind::Message { .. } if self.readers.is_behind() => {
                return waiter.refuse(Code::Overloaded.into());
            }
            RecordKind::Message { .. } => None,
        };
        let token = self.next_token;
        if let Err(error) = self.context.log.append(&self.made.id, token, proposal) {
            return waiter.refuse(error.into());
        }
        self.next_token += 1;
        if let Some(user) = &membership {
            self.deferred.entry(user.clone()).or_default();
        }
        self.appending.insert(token, Appending { waiter, since: Stopwatch::start(), membership });
    }

    fn committed(&mut self, committed: Committed) {
        let appending = committed.token.and_then(|token| self.appending.remove(&token));
        let outcome = self.state.apply(committed.proposal, committed.appended_at);
        if let Outcome::Recorded(record) = &outcome {
            self.recorded(record, appending.as_ref());
        }
        let Some(Appending { waiter, since, membership }) = appending else { return };
        self.context.metrics.append_seconds.observe(since.seconds());
        self.settle(waiter, outcome);
        self.release(membership);
    }

    fn recorded(&mut self, record: &Record, appending: Option<&Appending>) {
        let kind = record.kind.name();
        self.context.metrics.records_appended.with_label_values(&[kind]).inc();
        if record.kind == RecordKind::Left {
            let through = match appending.map(|appending| &appending.waiter) {
                Some(Waiter::Leave(through, _)) => *through,
                _ => None,
            };
            self.readers.expel(&record.sender.id, through);
        }
        let broadcast = Broadcast::new(self.made.id.clone(), self.epoch().clone(), record.clone());
        let broadcast = Arc::new(broadcast);
        self.ring.push(Arc::clone(&broadcast));
        self.readers.hold(broadcast);
        if matches!(record.kind, RecordKind::Joined | RecordKind::Left) {
            self.context.lobby.do_send(RoomChanged { change: Change::Changed, room: self.info() });
        }
    }

    fn failed(&mut self, token: Token, refusal: Refusal) {
        if let Some(Appending { waiter, membership, .. }) = self.appending.remove(&token) {
            waiter.refuse(refusal);
            self.release(membership);
        }
    }

    /// Judges the commands that waited for a user's membership, up to one that changes it again.
    fn release(&mut self, membership: Option<UserId>) {
        let Some(user) = membership else { return };
        let mut waiting = self.deferred.remove(&user).unwrap_or_default();
        while let Some(Deferred { sender, command, waiter }) = waiting.pop_front() {
            self.command(sender, command, waiter);
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
            (Waiter::Subscribe(subscribe), _) => self.subscribe(*subscribe, self.state.head()),
        }
    }

    /// Begins a subscription. `known` is the head before its own joining, by which a position is judged.
    fn subscribe(&mut self, subscribe: Subscribe, known: Seq) {
        let Subscribe { subscription, start, greet, reply, .. } = subscribe;
        let room = self.info();
        let head = room.head.seq;
        let resume = match &start {
            Start::Live => Resume::From(head),
            Start::Last(count) => Resume::From(head.saturating_sub(*count)),
            Start::After(asked) => {
                Resume::judge(asked, &Position { seq: known, epoch: room.head.epoch.clone() })
            }
        };
        let (after, missing) = match resume {
            Resume::From(seq) => (seq, None),
            Resume::Lost(missing) => (head, Some(missing)),
        };
        let recovered = matches!(start, Start::After(_)).then_some(missing.is_none());
        let greeting = greet(Greeting { room: &room, recovered, missing });
        let id = subscription.id;
        if !self.readers.add(subscription, greeting) {
            return reply.give(Ok((self.epoch().clone(), Subscribed::Ended)));
        }
        let subscribed = self.go_on(id, after);
        reply.give(Ok((self.epoch().clone(), subscribed)));
    }

    /// Makes a reader live after the given record, if what it lacks is in memory and fits its outbox.
    fn go_on(&mut self, id: SubscriberId, after: Seq) -> Subscribed {
        let Some(outbox) = self.readers.waiting(id) else { return Subscribed::Ended };
        match self.ring.after(after, self.state.head(), outbox.dialect(), outbox.replay_budget()) {
            Some(records) => {
                self.readers.make_live(id, &records);
                Subscribed::Live
            }
            None => Subscribed::Behind(Missing { from: after + 1, to: self.state.head() }),
        }
    }

    fn is_idle(&self) -> bool {
        self.readers.len() == 0 && self.appending.is_empty()
    }

    /// A room that nobody reads or asked anything since the last look may sleep.
    fn look_whether_idle(&mut self) {
        if self.idle_since_last_look && self.is_idle() {
            self.context.directory.do_send(Doze { room: self.made.id.clone() });
        }
        self.idle_since_last_look = true;
    }
}
