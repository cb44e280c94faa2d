//! The subscriptions of a STOMP client by their ids, and what of them is acknowledged.
//! What they are to, and their deliveries, are known to the session.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::acks::{Acks, NeverDelivered};
use crate::{
    actors::{session::SubscriptionName, voice::Window},
    domain::RoomId,
    wire::stomp::{AckMode, Delivery, Subscribe, Subscription},
};

/// Most subscriptions of one connection.
pub(super) const MOST: usize = 1000;

/// The subscriptions of one client.
#[derive(Default)]
pub(super) struct Subscriptions(HashMap<SubscriptionName, Option<Reader>>);

/// A subscription to a room.
struct Reader {
    room: RoomId,
    acks: Option<Acks>,
    alive: Alive,
}

/// Whether a subscription was not refused, which is known to whoever is answered.
#[derive(Clone)]
pub(super) struct Alive(Arc<AtomicBool>);

impl Alive {
    fn begins() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    /// It was refused.
    pub(super) fn ends(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn lasts(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What a subscription is called in its session: its id or, in 1.0, its destination, which has a slash where ids of
/// sessions have none.
pub(super) fn name_of(subscribe: &Subscribe) -> SubscriptionName {
    match &subscribe.id {
        Some(id) => format!("id:{id}").into(),
        None => format!("at:{}", subscribe.destination).into(),
    }
}

/// The same, as UNSUBSCRIBE has it.
pub(super) fn name_in(subscription: &Subscription) -> SubscriptionName {
    match subscription {
        Subscription::Id(id) => format!("id:{id}").into(),
        Subscription::Destination(destination) => format!("at:{destination}").into(),
    }
}

impl Subscriptions {
    /// Whether a name is in use. That of a subscription that was refused is free.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(is_there)
    }

    /// Whether there can be no more.
    pub(super) fn is_full(&mut self) -> bool {
        if self.0.len() >= MOST {
            self.0.retain(|_, reader| is_there(reader));
        }
        self.0.len() >= MOST
    }

    /// Adds one to the room list or to the refusals.
    pub(super) fn add(&mut self, name: SubscriptionName) {
        self.0.insert(name, None);
    }

    /// Adds one to a room; the window counts its deliveries where they are to be acknowledged. Whoever is answered tells
    /// what comes back if it is refused.
    pub(super) fn add_reader(
        &mut self,
        name: SubscriptionName,
        room: RoomId,
        mode: AckMode,
        window: Option<&Arc<Window>>,
    ) -> Alive {
        let acks = window.map(|window| Acks::new(mode, Arc::clone(window)));
        let alive = Alive::begins();
        self.0.insert(name, Some(Reader { room, acks, alive: alive.clone() }));
        alive
    }

    /// Forgets one.
    pub(super) fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Takes an ACK or NACK. What is no record, or needs no acknowledgment, is let pass.
    pub(super) fn acknowledge(&mut self, delivery: &Delivery) -> Result<(), NeverDelivered> {
        if delivery.seq == 0 {
            return Ok(());
        }
        let named = delivery.subscription.as_ref().map(|id| format!("id:{id}"));
        let reader = match (&named, &delivery.room) {
            (Some(name), _) => self.0.get_mut(name.as_str()).and_then(Option::as_mut),
            (None, Some(room)) => self.0.values_mut().flatten().find(|reader| reader.room == *room),
            (None, None) => None,
        };
        match reader.ok_or(NeverDelivered)?.acks.as_mut() {
            Some(acks) => acks.take(delivery.seq),
            None => Ok(()),
        }
    }
}

fn is_there(reader: &Option<Reader>) -> bool {
    reader.as_ref().is_none_or(|reader| reader.alive.lasts())
}
