//! What happens in the rooms of a node: they wake, are asked, get what the log has, and sleep.
//! What they answer comes from their desks; how they are brought up to date is in `updates`.

use std::collections::VecDeque;

use klatsch::domain::{Code, Desk, Missing, Refusal, RoomId, UserId, Writers};

use super::{
    Cluster,
    event::{Event, ToNode},
};
use crate::{
    node::{Mail, NodeRef, Place},
    room::{Out, Room},
    sabotage::Sabotage,
    talk::{Ask, Frame, Peer, Request},
    tally::Happening,
    update::{Update, Why},
};

impl Cluster {
    /// A request reaches a node.
    pub(super) fn request(&mut self, me: NodeRef, mut request: Request) {
        request.membership =
            request.membership.or_else(|| self.judge.membership(&request.room, &request.user.id));
        request.right = request.right.or_else(|| self.judge.right(&request, self.node_time()));
        if let Ask::History { after } = request.ask {
            return self.begin_update(me, request.room, Why::History { after });
        }
        let (mut out, now) = (Vec::new(), self.node_time());
        let opening = match self.node(me).rooms.get_mut(&request.room) {
            Some(Place::Awake(room)) => {
                let opening = room.opening;
                room.ask(request, now, &mut out);
                opening
            }
            Some(Place::Waking(_, waiting)) => return waiting.push(request),
            None => return self.wake(me, request),
        };
        self.carry_out(me, opening, out);
    }

    fn wake(&mut self, me: NodeRef, request: Request) {
        if matches!(request.ask, Ask::Unsubscribe) {
            return;
        }
        let room = request.room.clone();
        let run = self.next_run(me);
        let number = self.begin_update_as(me, room.clone(), Why::Open { run });
        self.node(me).rooms.insert(room, Place::Waking(number, vec![request]));
    }

    /// A room was brought up to date and wakes.
    pub(super) fn awake(&mut self, me: NodeRef, number: u64, update: Update, run: Box<str>) {
        let Some(Place::Waking(waking, _)) = self.node(me).rooms.get(&update.room) else { return };
        if *waking != number {
            return;
        }
        let most_recent = self.plan.recent;
        let at = (update.partition, run);
        let writers = if self.is(Sabotage::TrustTheState) { Writers::One } else { Writers::Many };
        let desk = Desk::new(update.state, writers);
        let room = Room::new(number, update.room.clone(), at, desk, most_recent);
        let former = self.node(me).rooms.insert(update.room, Place::Awake(Box::new(room)));
        if let Some(Place::Waking(_, waiting)) = former {
            waiting.into_iter().for_each(|request| self.request(me, request));
        }
        self.later(me, (0, 3), ToNode::Run(number));
        self.look_later(me, number);
    }

    /// A room could not be woken.
    pub(super) fn stay_asleep(&mut self, me: NodeRef, number: u64, room: &RoomId) {
        self.node(me).mail.remove(&number);
        match self.node(me).rooms.remove(room) {
            Some(Place::Waking(waking, waiting)) if waking == number => {
                waiting.into_iter().for_each(|request| self.refuse(&request));
            }
            Some(other) => drop(self.node(me).rooms.insert(room.clone(), other)),
            None => {}
        }
    }

    fn refuse(&mut self, request: &Request) {
        let number = match request.ask {
            Ask::Send { number, .. } => Some(number),
            Ask::Subscribe(_) | Ask::Leave | Ask::Act(_) | Ask::Unsubscribe | Ask::History { .. } => None,
        };
        self.tell(request.peer, Frame::Refused { number, code: Code::LogUnavailable });
    }

    /// A room looks into its mailbox.
    pub(super) fn run_room(&mut self, me: NodeRef, opening: u64) {
        let node = self.node(me);
        if node.opening(opening).is_none() {
            return;
        }
        let mail = node.mail.get_mut(&opening).map(std::mem::take).unwrap_or_default();
        for mail in mail {
            let Some(room) = self.node(me).opening(opening) else { return };
            let mut out = Vec::new();
            match mail {
                Mail::Delivery(delivery) => room.take(delivery, &mut out),
                Mail::End => return self.end_room(me, opening),
            }
            self.carry_out(me, opening, out);
        }
    }

    /// A room lost its sink: its readers come back to one that is opened anew.
    fn end_room(&mut self, me: NodeRef, opening: u64) {
        let Some(room) = self.node(me).opening(opening) else { return };
        let (id, readers) = (room.id.clone(), room.readers());
        self.tally.count(Happening::RoomLostItsSink);
        self.node(me).rooms.remove(&id);
        self.node(me).mail.remove(&opening);
        readers.into_iter().for_each(|peer| self.tell(peer, Frame::Closed));
    }

    /// Does what a room wants done.
    pub(super) fn carry_out(&mut self, me: NodeRef, opening: u64, out: Vec<Out>) {
        let mut out = VecDeque::from(out);
        while let Some(next) = out.pop_front() {
            match next {
                Out::Append { token, proposal } => {
                    if self.is_quiet() || !self.chance.hits(self.plan.append_refused) {
                        self.produce(me, opening, token, &proposal);
                        continue;
                    }
                    let mut more = Vec::new();
                    if let Some(room) = self.node(me).opening(opening) {
                        room.fail(token, Refusal::new(Code::Overloaded), &mut more);
                    }
                    out.extend(more);
                }
                Out::Tell(peer, frame) => self.tell_reader(me, opening, peer, frame),
                Out::CatchUp(peer, missing) => self.catch_up(me, opening, peer, missing),
                Out::Settle(user) => self.settle(me, opening, user),
                Out::Denied(user, code, right) => {
                    let room = self.node(me).opening(opening).map(|room| room.id.clone());
                    room.into_iter().for_each(|room| self.judge.refused(&room, &user, code, right));
                }
                Out::NotAMember(user, seq) => {
                    let room = self.node(me).opening(opening).map(|room| room.id.clone());
                    room.into_iter().for_each(|room| self.judge.denied(&room, &user, seq));
                }
            }
        }
    }

    /// A client that has hung up while it waited reads nothing.
    fn tell_reader(&mut self, me: NodeRef, opening: u64, peer: Peer, frame: Frame) {
        let begins = matches!(frame, Frame::Joined { .. });
        if begins
            && !self.clients[peer.client].hears(peer)
            && let Some(room) = self.node(me).opening(opening)
        {
            room.forget(peer);
        }
        self.tell(peer, frame);
    }

    fn catch_up(&mut self, me: NodeRef, opening: u64, peer: Peer, Missing { from, to }: Missing) {
        let Some(room) = self.node(me).opening(opening) else { return };
        let id = room.id.clone();
        self.begin_update(me, id, Why::CatchUp { peer, opening, after: from - 1, to });
    }

    /// Has a room apply what is in the log now before it takes what a user wants.
    fn settle(&mut self, me: NodeRef, opening: u64, user: UserId) {
        let Some(room) = self.node(me).opening(opening) else { return };
        let partition = room.partition;
        self.tally.count(Happening::CommandHeld);
        let number = self.node(me).number();
        self.node(me).settling.insert(number, (user, opening));
        self.later(me, (10_000, 10_000), ToNode::GiveUp(number));
        self.send(Event::Extent(me, number, partition));
    }

    /// What was in the log has been handed over.
    pub(super) fn settled(&mut self, me: NodeRef, number: u64) {
        let Some((user, opening)) = self.node(me).settling.remove(&number) else { return };
        self.run_room(me, opening);
        let mut out = Vec::new();
        if let Some(room) = self.node(me).opening(opening) {
            room.settled(&user, &mut out);
        }
        self.carry_out(me, opening, out);
    }

    /// Nobody knows what is in the log.
    pub(super) fn not_settled(&mut self, me: NodeRef, number: u64) {
        let Some((user, opening)) = self.node(me).settling.remove(&number) else { return };
        let mut out = Vec::new();
        if let Some(room) = self.node(me).opening(opening) {
            room.unsettled(&user, &mut out);
        }
        self.carry_out(me, opening, out);
    }

    fn look_later(&mut self, me: NodeRef, opening: u64) {
        let idle = self.plan.idle;
        self.later(me, (idle, idle), ToNode::LookWhetherIdle(opening));
    }

    /// A room that nobody reads or asked anything since the last look goes to sleep.
    pub(super) fn look_whether_idle(&mut self, me: NodeRef, opening: u64) {
        let Some(room) = self.node(me).opening(opening) else { return };
        if !room.is_idle() || !room.is_idle_since_last_look {
            room.is_idle_since_last_look = true;
            return self.look_later(me, opening);
        }
        let (id, partition, run) = (room.id.clone(), room.partition, room.run.clone());
        let node = self.node(me);
        node.rooms.remove(&id);
        node.mail.remove(&opening);
        node.dispatch.close(&id, partition, &run);
        self.tally.count(Happening::RoomSlept);
        self.carry(me);
    }
}
