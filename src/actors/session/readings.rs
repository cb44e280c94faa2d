//! What a session reads: subscriptions of rooms and of the room list, each under a name, from beginning to end.
//! The order of requests is kept in `session`.

use std::sync::Arc;

use actix::Addr;

use super::{
    super::{
        catch_up::CatchUp,
        relay::{Channel, Reader, RelayHandle, ToRelay},
        reply::Reply,
        room::Room,
        subscriber::{Footing, SubscriberId, Subscription},
        to_room::{Start, Subscribe, Subscribed, ToRoom},
        voice::Voice,
    },
    Answer, Progress, Session, Step, SubscriptionName, Ticket,
};
use crate::domain::{Epoch, Missing, RoomId, User};

/// What is read under a name.
pub(super) enum Reading {
    /// The records of a room.
    Room { id: RoomId, room: Addr<Room>, subscription: SubscriberId },
    /// Changes of the room list.
    Lobby(SubscriberId),
}

impl Reading {
    /// Ends it; `reply` is given when nothing of it follows any more.
    pub(super) fn end(self, relay: &RelayHandle, reply: Reply<()>) {
        match self {
            Self::Room { room, subscription, .. } => {
                room.do_send(ToRoom::Unsubscribe { id: subscription, reply });
            }
            Self::Lobby(subscription) => {
                relay.tell(ToRelay::Detach(Channel::Lobby, subscription));
                reply.give(Ok(()));
            }
        }
    }
}

/// A room that is to be read.
pub(super) struct Wish {
    pub name: SubscriptionName,
    pub id: RoomId,
    pub room: Addr<Room>,
    pub start: Start,
    pub voice: Voice,
    /// Who becomes a member by it; nobody where the room is only read.
    pub member: Option<User>,
}

impl Session {
    pub(super) fn subscribe(&mut self, ticket: Ticket, wish: Wish) {
        let Wish { name, id, room, start, voice, member } = wish;
        self.forget(&name);
        let user = self.user().map(|user| user.id.clone());
        let footing = if member.is_some() { Footing::Member } else { Footing::Reader };
        let (outbox, relay) = (Arc::clone(&self.line.outbox), self.line.relay.clone());
        let subscription = Subscription::new(user, footing, outbox, voice, relay);
        let reading = Reading::Room { id: id.clone(), room: room.clone(), subscription: subscription.id };
        self.readings.insert(Arc::clone(&name), reading);
        let (ticket, me, reader) = (Arc::new(ticket), self.line.me.clone(), subscription.clone());
        let greeter = Arc::clone(&ticket);
        let reply = Reply::new(move |answer| match answer {
            Ok((epoch, Subscribed::Behind(lacking))) => {
                me.do_send(Progress(Step::Behind(name, id, epoch, reader, lacking)));
            }
            Ok((_, Subscribed::Live | Subscribed::Ended)) => {}
            Err(refusal) => ticket.refuse(&refusal),
        });
        room.do_send(ToRoom::Subscribe(Subscribe {
            sender: member,
            subscription,
            start,
            greet: Box::new(move |greeting| greeter.words(&Answer::Reading(greeting))),
            reply,
        }));
    }

    pub(super) fn catch_up(
        &self,
        name: &SubscriptionName,
        id: RoomId,
        epoch: Epoch,
        reader: Subscription,
        lacking: Missing,
    ) {
        match self.readings.get(name) {
            Some(Reading::Room { room, subscription, .. }) if *subscription == reader.id => {
                let (log, room) = (self.engine.log(), room.clone());
                actix_rt::spawn(CatchUp { log, room, id, epoch, reader }.run(lacking));
            }
            // A newer subscription of the name, or its end, has ended this one meanwhile.
            _ => {}
        }
    }

    pub(super) fn leave(&mut self, ticket: Ticket, sender: User, id: RoomId, room: &Addr<Room>) {
        // What was subscribed without joining goes on: a public room can be read by anybody.
        let through = match self.readings.remove(id.as_str()) {
            Some(Reading::Room { subscription, .. }) => Some(subscription),
            Some(Reading::Lobby(_)) | None => None,
        };
        let relay = self.line.relay.clone();
        let reply = Reply::new(move |answer| match answer {
            Ok(()) => ticket.answer_behind(&relay, &Answer::Left(&id)),
            Err(refusal) => ticket.refuse(&refusal),
        });
        room.do_send(ToRoom::Leave { sender, through, reply });
    }

    pub(super) fn part(&mut self, ticket: Ticket, id: RoomId) {
        let Some(reading) = self.readings.remove(id.as_str()) else {
            return ticket.answer(&Answer::Parted(&id));
        };
        let relay = self.line.relay.clone();
        reading
            .end(&self.line.relay, Reply::new(move |_| ticket.answer_behind(&relay, &Answer::Parted(&id))));
    }

    pub(super) fn unsubscribe(&mut self, ticket: Ticket, name: &str) {
        let Some(reading) = self.readings.remove(name) else { return ticket.answer(&Answer::Done) };
        let relay = self.line.relay.clone();
        reading.end(&self.line.relay, Reply::new(move |_| ticket.answer_behind(&relay, &Answer::Done)));
    }

    pub(super) fn watch(&mut self, ticket: &Ticket, name: SubscriptionName, voice: Voice) {
        self.forget(&name);
        let id = SubscriberId::next();
        let relay = &self.line.relay;
        ticket.answer_behind(relay, &Answer::Done);
        let reader = Reader { id, outbox: Arc::clone(&self.line.outbox), voice };
        relay.tell(ToRelay::Attach(Channel::Lobby, reader, Vec::new()));
        self.readings.insert(name, Reading::Lobby(id));
    }

    fn forget(&mut self, name: &str) {
        if let Some(former) = self.readings.remove(name) {
            former.end(&self.line.relay, Reply::new(|_| ()));
        }
    }
}
