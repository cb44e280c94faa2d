//! What happened to logins and users, told to all nodes: written by one, read by each, some times a second.
//! What follows from an event is not known here.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Notify};

use super::in_force::InForce;
use crate::{
    domain::{Ban, LoginId, ServerRole, Timestamp, User, UserId},
    storage::{
        StorageError, Store,
        auth_events::{self, NewEvent},
    },
};

/// An event may be committed so much later than one with a higher number.
const LATE_MS: i64 = 10_000;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A login ended; without one, whatever a user did without a login, as guests do.
    Ended {
        /// Whose.
        user: UserId,
        /// Which.
        login: Option<LoginId>,
    },
    /// A user may not use the server.
    Banned {
        /// Who.
        user: UserId,
        /// Until when, and why.
        ban: Ban,
    },
    /// They may again.
    Unbanned {
        /// Who.
        user: UserId,
    },
    /// A user is called otherwise, or is something else on this server.
    Changed {
        /// Who, as they are now.
        user: User,
        /// What they are now.
        role: ServerRole,
    },
}

/// What an event says besides whom it concerns.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nickname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
}

impl Event {
    fn row(&self, at: Timestamp) -> NewEvent {
        let (kind, user, login, data) = match self {
            Self::Ended { user, login } => ("ended", user, login.clone(), Data::default()),
            Self::Banned { user, ban } => {
                let data = Data { until: ban.until, reason: ban.reason.clone(), ..Data::default() };
                ("banned", user, None, data)
            }
            Self::Unbanned { user } => ("unbanned", user, None, Data::default()),
            Self::Changed { user, role } => {
                let (nickname, role) = (user.nickname.to_string(), role.name().to_owned());
                let data = Data { nickname: Some(nickname), role: Some(role), ..Data::default() };
                ("changed", &user.id, None, data)
            }
        };
        // Texts and numbers always serialise.
        let data = serde_json::to_string(&data).ok();
        NewEvent { at, kind: kind.to_owned(), user: user.clone(), login, data }
    }

    /// The event of a row; none for one that a newer node wrote.
    fn of(row: NewEvent) -> Option<Self> {
        let NewEvent { kind, user, login, data, .. } = row;
        let data: Data = serde_json::from_str(data.as_deref().unwrap_or("{}")).ok()?;
        match kind.as_str() {
            "ended" => Some(Self::Ended { user, login }),
            "banned" => Some(Self::Banned { user, ban: Ban { until: data.until, reason: data.reason } }),
            "unbanned" => Some(Self::Unbanned { user }),
            "changed" => {
                let role = ServerRole::of_name(&data.role?)?;
                Some(Self::Changed { user: User { id: user, nickname: data.nickname?.into() }, role })
            }
            _ => None,
        }
    }
}

/// What is told, and what was heard of it here.
#[derive(Clone)]
pub struct News {
    store: Store,
    in_force: InForce,
    heard: Arc<Mutex<Heard>>,
    has_begun: Arc<AtomicBool>,
    bell: Arc<Notify>,
}

/// The numbers of events that were heard lately, and when; everything up to the floor was heard before.
#[derive(Debug, Default)]
struct Heard {
    floor: i64,
    numbers: BTreeMap<i64, Timestamp>,
}

impl Heard {
    /// Whether an event was not heard before.
    fn is_new(&mut self, number: i64, now: Timestamp) -> bool {
        number > self.floor && self.numbers.insert(number, now).is_none()
    }

    /// Forgets what can have no late comers below it any more.
    fn settle(&mut self, now: Timestamp) {
        while let Some(first) = self.numbers.first_entry() {
            if now.millis_since(*first.get()) < LATE_MS {
                return;
            }
            self.floor = first.remove_entry().0;
        }
    }
}

impl News {
    pub(super) fn new(store: Store, in_force: InForce) -> Self {
        Self { store, in_force, heard: Arc::default(), has_begun: Arc::default(), bell: Arc::default() }
    }

    /// Tells all nodes; it is in force here when this returns, and soon elsewhere.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`]; nobody was told then.
    pub(super) async fn tell(&self, event: Event, now: Timestamp) -> Result<(), StorageError> {
        let row = event.row(now);
        self.store.write(move |connection| auth_events::add(connection, &row)).await?;
        self.in_force.apply(&event, now);
        self.bell.notify_one();
        Ok(())
    }

    /// Waits until this node tells something itself.
    pub async fn rung(&self) {
        self.bell.notified().await;
    }

    /// What happened since this was asked last, in order; it is in force here when this returns. At the first time, all
    /// that may still matter.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub async fn latest(&self, now: Timestamp) -> Result<Vec<Event>, StorageError> {
        let mut heard = self.heard.lock().await;
        let floor = heard.floor;
        let rows = self.store.read(move |connection| auth_events::after(connection, floor)).await?;
        let new = rows.into_iter().filter(|(number, _)| heard.is_new(*number, now));
        let events: Vec<Event> = new.filter_map(|(_, row)| Event::of(row)).collect();
        heard.settle(now);
        events.iter().for_each(|event| self.in_force.apply(event, now));
        self.has_begun.store(true, Ordering::Release);
        Ok(events)
    }

    /// Hears what happened before this node began, if that has not been done yet.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(super) async fn begin(&self, now: Timestamp) -> Result<(), StorageError> {
        if !self.has_begun.load(Ordering::Acquire) {
            self.latest(now).await?;
        }
        Ok(())
    }

    /// Forgets events of before an instant.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`].
    pub(super) async fn sweep(&self, before: Timestamp) -> Result<(), StorageError> {
        self.store.write(move |connection| auth_events::forget_old(connection, before)).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Database, testbed::on_every_database};

    fn node(database: &Database) -> News {
        News::new(Store::new(database.clone(), 2), InForce::new(600_000))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn events() -> Vec<Event> {
        let user = User { id: UserId::new("u1"), nickname: "Ada \"L\"".into() };
        let ban = Ban { until: Some(at(7)), reason: Some("스팸".to_owned()) };
        vec![
            Event::Ended { user: user.id.clone(), login: Some(LoginId::new("l1")) },
            Event::Ended { user: user.id.clone(), login: None },
            Event::Banned { user: user.id.clone(), ban },
            Event::Banned { user: user.id.clone(), ban: Ban { until: None, reason: None } },
            Event::Unbanned { user: user.id.clone() },
            Event::Changed { user, role: ServerRole::Admin },
        ]
    }

    #[test]
    fn every_node_hears_every_event_once_and_in_order() {
        on_every_database(|database| {
            actix_rt::System::new().block_on(async {
                let (one, two) = (node(database), node(database));
                for event in events() {
                    one.tell(event, at(1)).await.unwrap();
                }
                for node in [&one, &two] {
                    assert_eq!(node.latest(at(2)).await.unwrap(), events());
                    assert_eq!(node.latest(at(3)).await.unwrap(), []);
                    assert_eq!(node.latest(at(2 + LATE_MS)).await.unwrap(), []);
                    assert_eq!(node.latest(at(3 + LATE_MS)).await.unwrap(), []);
                }
                let event = Event::Unbanned { user: UserId::new("u2") };
                two.tell(event.clone(), at(4 + LATE_MS)).await.unwrap();
                assert_eq!(one.latest(at(4 + LATE_MS)).await.unwrap(), [event]);
            });
        });
    }

    #[test]
    fn an_event_that_is_committed_late_is_heard_all_the_same() {
        let mut heard = Heard::default();
        assert!(heard.is_new(2, at(0)));
        heard.settle(at(LATE_MS - 1));
        assert!(heard.is_new(1, at(LATE_MS - 1)), "it was committed behind number 2");
        assert!(!heard.is_new(2, at(LATE_MS - 1)));
        heard.settle(at(LATE_MS * 2));
        assert_eq!((heard.floor, heard.numbers.len()), (2, 0));
    }

    #[test]
    fn an_event_of_a_newer_node_is_left_alone() {
        let row = NewEvent { kind: "promoted".to_owned(), ..events()[0].row(at(1)) };
        assert_eq!(Event::of(row), None);
    }
}
