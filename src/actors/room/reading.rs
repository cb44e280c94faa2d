//! How a subscription of a room begins and goes on: where it starts, its greeting, what it lacks.
//! Who reads the room then is in `room_readers`.

use actix::Context;

use super::{
    super::{
        subscriber::{SubscriberId, Subscription},
        to_room::{Begin, Subscribe, Subscribed},
        waiter::Waiter,
    },
    Room,
};
use crate::{
    domain::{Access, Command, Missing, Seq, Viewer},
    wire::Greeting,
};

impl Room {
    /// Begins a subscription: that of somebody after their joining, and one after a position that is beyond what is
    /// applied here, as history may be, once it is not.
    pub(super) fn begin(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        let head = self.desk.state().head();
        match subscribe.sender.clone() {
            Some(sender) => {
                self.command(sender, Command::Join, Waiter::Subscribe(Box::new(subscribe)), ctx);
            }
            None if subscribe.start.floor(self.epoch()) > head => {
                self.settle(ctx, |room, settled, ctx| match settled {
                    Ok(()) => room.begin_reading(subscribe, ctx),
                    Err(error) => subscribe.reply.give(Err(error.into())),
                });
            }
            None => self.begin_reading(subscribe, ctx),
        }
    }

    /// Begins the subscription of somebody who becomes no member by it, if they may read.
    fn begin_reading(&mut self, subscribe: Subscribe, ctx: &mut Context<Self>) {
        let viewer = Viewer { user: subscribe.subscription.user.clone(), role: None };
        self.admit(viewer, Access::Follow, ctx, |room, admitted, _| match admitted {
            Ok(()) => room.subscribe(subscribe, room.desk.state().head()),
            Err(refusal) => subscribe.reply.give(Err(refusal)),
        });
    }

    /// Begins a subscription. `known` is the head before its own joining, by which a position is judged.
    pub(super) fn subscribe(&mut self, subscribe: Subscribe, known: Seq) {
        let Subscribe { subscription, start, greet, reply, .. } = subscribe;
        let room = self.info().seen_by(subscription.user.as_ref());
        let Begin { after, recovered, missing } = start.judge(known, &room.head);
        let greeting = greet(Greeting { room: &room, recovered, missing });
        let id = subscription.id;
        if !self.readers.add(subscription, greeting) {
            return reply.give(Ok((self.epoch().clone(), Subscribed::Ended)));
        }
        let subscribed = self.go_on(id, after);
        reply.give(Ok((self.epoch().clone(), subscribed)));
    }

    /// Makes a reader live after the given record, if what it lacks is in memory and fits its outbox.
    pub(super) fn go_on(&mut self, id: SubscriberId, after: Seq) -> Subscribed {
        let Some(Subscription { outbox, voice, .. }) = self.readers.waiting(id) else {
            return Subscribed::Ended;
        };
        match self.ring.after(after, self.desk.state().head(), &voice.dialect, outbox.replay_budget()) {
            Some(records) => {
                self.readers.make_live(id, &records);
                Subscribed::Live
            }
            None => Subscribed::Behind(Missing { from: after + 1, to: self.desk.state().head() }),
        }
    }
}
