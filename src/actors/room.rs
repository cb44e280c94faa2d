//! The actor of one awake room: asks its desk, appends, hands it what comes back, and tells the relays.
//! It has no rule of its own, and it waits for nobody: answers and records go out as messages.

mod appends;
mod reading;
mod showing;

use std::{
    collections::HashMap,
    pin::Pin,
    sync::Arc,
    task::{self, Poll},
    time::Duration,
};

use actix::{Actor, ActorContext, ActorFuture, Addr, AsyncContext, Context, Handler, MessageResult};
use tokio::sync::mpsc;

use super::{
    Clock, Observe,
    directory::{Died, Directory, Doze},
    lobby::Lobby,
    ring::Ring,
    room_readers::RoomReaders,
    to_room::{RoomView, Sleep, ToRoom},
    waiter::Waiter,
};
use crate::{
    domain::{Command, Desk, Epoch, Position, RoomInfo, RoomState, Token, Writers},
    log::{Delivery, RoomLog},
    telemetry::{Metrics, Stopwatch},
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
    pub clock: Clock,
}

/// The actor of one awake room.
pub(super) struct Room {
    /// As it was made; members and head are those at the desk.
    made: RoomInfo,
    desk: Desk<Waiter>,
    /// When each append that is under way began.
    began: HashMap<Token, Stopwatch>,
    ring: Ring,
    readers: RoomReaders,
    deliveries: mpsc::UnboundedReceiver<Vec<Delivery>>,
    idle_since_last_look: bool,
    asleep: bool,
    /// What the readers' pace holds is handed over soon.
    flush_is_due: bool,
    context: RoomContext,
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
            ToRoom::Send { sender, message, reply } => {
                self.command(sender, Command::Send(message), Waiter::Send(reply), ctx);
            }
            ToRoom::SendAll(all) => self.commands(all, ctx),
            ToRoom::Join { sender, reply } => self.command(sender, Command::Join, Waiter::Join(reply), ctx),
            ToRoom::Leave { sender, through, reply } => {
                self.command(sender, Command::Leave, Waiter::Leave(through, reply), ctx);
            }
            ToRoom::Subscribe(subscribe) => self.begin(subscribe, ctx),
            ToRoom::Continue { id, after, reply } => reply.give(Ok(self.go_on(id, after))),
            ToRoom::Unsubscribe { id, reply } => {
                self.readers.remove(id);
                reply.give(Ok(()));
            }
            ToRoom::Act { sender, act, reply } => {
                self.command(sender, Command::Act(act), Waiter::Said(reply), ctx);
            }
            ToRoom::Rename { sender, nickname, reply } => {
                self.command(sender, Command::Rename(nickname), Waiter::Said(reply), ctx);
            }
            ToRoom::Show { viewer, access, reply } => self.show(viewer, access, reply, ctx),
            ToRoom::Members { viewer, after, limit, reply } => {
                reply.give(self.list_members(&viewer, after, limit));
            }
            ToRoom::Standing { viewer, user, reply } => reply.give(self.standing(&viewer, user)),
            ToRoom::Penalties { viewer, which, reply } => reply.give(self.penalties(&viewer, which)),
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
        while let Poll::Ready(next) = room.deliveries.poll_recv(task) {
            match next {
                Some(batch) => room.take(batch, ctx),
                // The log cannot go on with this opening; the room is rebuilt from what the log has.
                None => {
                    ctx.stop();
                    return Poll::Ready(());
                }
            }
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
            head: self.desk.state().head(),
            members: self.desk.state().members().len(),
            readers: self.readers.len(),
            appending: self.desk.appending(),
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
        let writers = if context.log.is_shared() { Writers::Many } else { Writers::One };
        Self {
            readers: RoomReaders::new(made.id.clone(), context.metrics.clone(), context.pace),
            made,
            desk: Desk::new(state, writers),
            began: HashMap::new(),
            ring: Ring::new(context.ring_records, context.ring_bytes),
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
                Delivery::Committed(committed) => self.committed(committed, ctx),
                Delivery::Failed { token, error } => {
                    self.began.remove(&token);
                    let next = self.desk.fail(token, error.into());
                    self.follow(next, ctx);
                }
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

    fn epoch(&self) -> &Epoch {
        &self.made.head.epoch
    }

    fn head(&self) -> Position {
        Position { epoch: self.epoch().clone(), seq: self.desk.state().head() }
    }

    fn info(&self) -> RoomInfo {
        let state = self.desk.state();
        let (members, closed) = (state.members().len() as u64, state.is_closed());
        RoomInfo { members, closed, head: self.head(), ..self.made.clone() }
    }

    fn is_idle(&self) -> bool {
        self.readers.len() == 0 && self.desk.is_at_rest()
    }

    /// A room that nobody reads or asked anything since the last look may sleep.
    fn look_whether_idle(&mut self) {
        if self.idle_since_last_look && self.is_idle() {
            self.context.directory.do_send(Doze { room: self.made.id.clone() });
        }
        self.idle_since_last_look = true;
    }
}
