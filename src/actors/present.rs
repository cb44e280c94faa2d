//! Who is connected to this node, and under which login: so that what ends can be closed wherever it is open.
//! Why something ends is decided in `auth`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    outbox::{Outbox, Pending},
    subscriber::SessionId,
};
use crate::{
    auth::Event,
    domain::{CloseCode, Identity, LoginId, UserId},
};

/// The connections of a node whose clients have said who they are.
#[derive(Debug, Clone, Default)]
pub(super) struct Present(Arc<Mutex<HashMap<UserId, Vec<Connection>>>>);

#[derive(Debug)]
struct Connection {
    id: SessionId,
    login: Option<LoginId>,
    outbox: Arc<Outbox>,
}

/// That a connection is known as somebody's, until this is dropped.
#[derive(Debug)]
pub struct Presence {
    present: Present,
    user: UserId,
    id: SessionId,
}

impl Present {
    /// A connection is somebody's from now on.
    pub(super) fn enter(&self, identity: &Identity, id: SessionId, outbox: &Arc<Outbox>) -> Presence {
        let user = identity.user.id.clone();
        let connection = Connection { id, login: identity.login.clone(), outbox: Arc::clone(outbox) };
        self.lock().entry(user.clone()).or_default().push(connection);
        Presence { present: self.clone(), user, id }
    }

    /// Closes whatever an event ends.
    pub(super) fn hear(&self, event: &Event) {
        match event {
            Event::Ended { user, login } => {
                self.close(user, CloseCode::Unauthenticated, |connection| connection.login == *login);
            }
            Event::Banned { user, .. } => self.close(user, CloseCode::Banned, |_| true),
            Event::Unbanned { .. } | Event::Changed { .. } => {}
        }
    }

    /// Everybody who is connected.
    pub(super) fn users(&self) -> Vec<UserId> {
        self.lock().keys().cloned().collect()
    }

    fn close(&self, user: &UserId, code: CloseCode, concerns: impl Fn(&Connection) -> bool) {
        let present = self.lock();
        for connection in present.get(user).into_iter().flatten().filter(|one| concerns(one)) {
            connection.outbox.close(code, Pending::Flush);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Vec<Connection>>> {
        // The map is whole between statements, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.present.lock();
        let Some(connections) = present.get_mut(&self.user) else { return };
        // One connection may be known twice while it changes from one login to another.
        if let Some(at) = connections.iter().position(|connection| connection.id == self.id) {
            connections.remove(at);
        }
        if connections.is_empty() {
            present.remove(&self.user);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Ban, User};

    fn ada(login: Option<&str>) -> Identity {
        let user = User { id: UserId::new("ada"), nickname: "Ada".into() };
        Identity { login: login.map(LoginId::new), ..Identity::guest(user) }
    }

    fn outbox() -> Arc<Outbox> {
        Outbox::new(|_| None, 1_000)
    }

    #[test]
    fn what_ends_is_closed_and_nothing_else() {
        let present = Present::default();
        let outboxes = [outbox(), outbox(), outbox()];
        let logins = [Some("l1"), Some("l2"), None];
        let presences: Vec<_> = logins
            .iter()
            .zip(&outboxes)
            .map(|(login, outbox)| present.enter(&ada(*login), SessionId::next(), outbox))
            .collect();
        let closed = || outboxes.iter().map(|outbox| outbox.is_closed()).collect::<Vec<_>>();
        let user = UserId::new("ada");
        present.hear(&Event::Ended { user: UserId::new("bob"), login: None });
        present.hear(&Event::Unbanned { user: user.clone() });
        assert_eq!(closed(), [false, false, false]);
        present.hear(&Event::Ended { user: user.clone(), login: Some(LoginId::new("l1")) });
        assert_eq!(closed(), [true, false, false]);
        present.hear(&Event::Ended { user: user.clone(), login: None });
        assert_eq!(closed(), [true, false, true]);
        present.hear(&Event::Banned { user, ban: Ban { until: None, reason: None } });
        assert_eq!(closed(), [true, true, true]);
        assert_eq!(present.users(), [UserId::new("ada")]);
        drop(presences);
        assert_eq!(present.users(), []);
    }

    #[test]
    fn a_connection_may_change_its_login() {
        let (present, outbox, id) = (Present::default(), outbox(), SessionId::next());
        let first = present.enter(&ada(Some("l1")), id, &outbox);
        let second = present.enter(&ada(Some("l2")), id, &outbox);
        drop(first);
        let ended = |login: &str| Event::Ended { user: UserId::new("ada"), login: Some(LoginId::new(login)) };
        present.hear(&ended("l1"));
        assert!(!outbox.is_closed());
        present.hear(&ended("l2"));
        assert!(outbox.is_closed());
        drop(second);
    }
}
