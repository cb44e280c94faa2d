//! SUBSCRIBE, ACK and NACK: what a client reads, and what it says of what it got.
//! Reading is the session's business.

use std::sync::Arc;

use super::{
    super::{
        notices::Notices,
        subscriptions::{self, name_of},
        tongue::{Opening, Plain},
        transactions::Ack,
    },
    Dialogue,
};
use crate::{
    actors::{
        session::Request,
        to_room::Start,
        voice::{Voice, Window},
    },
    domain::{Code, Refusal},
    wire::{
        Dialect,
        stomp::{self, AckMode, Broken, Delivery, Head, Route, Style, Topic, Version},
    },
};

impl Dialogue {
    pub(super) fn subscribe(
        &mut self,
        notices: &Arc<Notices>,
        subscribe: &stomp::Subscribe,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let name = name_of(subscribe);
        if self.subscriptions.has(&name) {
            return Err(Broken::malformed("the id is that of another subscription"));
        }
        if self.subscriptions.is_full() {
            let why = format!("a connection may have {} subscriptions", subscriptions::MOST);
            return self.refuse(Refusal::new(Code::Overloaded).message(why), receipt, None);
        }
        let topic = match self.options.routes.topic(&subscribe.destination) {
            Ok(topic) => topic,
            Err(refusal) => return self.refuse(refusal, receipt, None),
        };
        let head = Head::new(notices.version, subscribe.id.as_deref(), subscribe.ack);
        let plain = Plain::new(notices, receipt);
        match topic {
            Topic::Errors => {
                self.subscriptions.add(Arc::clone(&name));
                notices.listen(name, head);
                self.session.take(plain, Request::Ping);
            }
            Topic::Rooms => {
                self.subscriptions.add(Arc::clone(&name));
                let destination = self.options.routes.rooms().into();
                let dialect = Dialect::StompRooms(notices.version, destination);
                let voice = Voice { head: Some(Arc::new(head)), ..Voice::plain(dialect) };
                self.session.take(plain, Request::WatchRooms(name, voice));
            }
            Topic::Room { route, room } => {
                let window = self.window(subscribe.ack);
                self.subscriptions.add_reader(
                    Arc::clone(&name),
                    room.clone(),
                    subscribe.ack,
                    window.as_ref(),
                );
                let voice = voice(notices.version, route, head, window.clone());
                let after = subscribe.after.as_ref().map(|after| after.seq);
                let start = subscribe.after.clone().map_or(Start::Live, Start::After);
                let opening = Opening { plain, name: Arc::clone(&name), after, window };
                self.session.take(opening, Request::Subscribe { name, room, start, voice });
            }
        }
        Ok(())
    }

    fn window(&self, mode: AckMode) -> Option<Arc<Window>> {
        (mode != AckMode::Auto).then(|| Arc::new(Window::new(self.options.unacked_max)))
    }

    pub(super) fn ack(
        &mut self,
        delivery: Delivery,
        ack: Ack,
        receipt: Option<String>,
        transaction: Option<&str>,
    ) -> Result<(), Broken> {
        if let Some(name) = transaction {
            self.transactions.open(name)?.acknowledge(delivery, ack, receipt);
            return Ok(());
        }
        match self.acknowledge(&delivery, ack) {
            Ok(()) => {
                if let Some(notices) = &self.notices {
                    self.session.take(Plain::new(notices, receipt), Request::Ping);
                }
                Ok(())
            }
            Err(refusal) => self.refuse(refusal, receipt, None),
        }
    }

    pub(super) fn acknowledge(&mut self, delivery: &Delivery, ack: Ack) -> Result<(), Refusal> {
        if ack == Ack::NotConsumed {
            self.session.engine().metrics().stomp_nacks.inc();
            let user = self.session.user().map(|user| user.id.as_str()).unwrap_or_default();
            log::info!(
                "NACK of record {} in subscription {:?} by {user:?}",
                delivery.seq,
                delivery.subscription
            );
        }
        self.subscriptions.acknowledge(delivery).map_err(|_| {
            Refusal::new(Code::NotFound).message("nothing was delivered that this could acknowledge")
        })
    }
}

fn voice(version: Version, route: Arc<Route>, head: Head, window: Option<Arc<Window>>) -> Voice {
    let dialect = Dialect::Stomp(Arc::new(Style { version, route }));
    Voice { dialect, head: Some(Arc::new(head)), window }
}
