//! What has happened to users and logins since their access tokens were signed: what a token cannot know.
//! It is remembered for as long as a token of before is good; who is looked up is judged by their rows.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{logins::banned, news::Event};
use crate::domain::{Ban, Code, Identity, LoginId, Refusal, ServerRole, Timestamp, User, UserId};

/// What is in force on this node.
#[derive(Clone)]
pub(super) struct InForce {
    /// So long it is remembered.
    kept_ms: i64,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    ended: HashMap<LoginId, Timestamp>,
    banned: HashMap<UserId, (Ban, Timestamp)>,
    changed: HashMap<UserId, (User, ServerRole, Timestamp)>,
}

impl InForce {
    /// Nothing yet; everything is remembered for so many milliseconds.
    pub(super) fn new(kept_ms: i64) -> Self {
        Self { kept_ms, known: Arc::default() }
    }

    /// For how long it is remembered.
    pub(super) fn kept_ms(&self) -> i64 {
        self.kept_ms
    }

    /// Something happened. That it is applied twice does no harm.
    pub(super) fn apply(&self, event: &Event, now: Timestamp) {
        let mut known = self.lock();
        match event {
            Event::Ended { login: Some(login), .. } => drop(known.ended.insert(login.clone(), now)),
            // There is nothing signed in it.
            Event::Ended { login: None, .. } => {}
            Event::Banned { user, ban } => drop(known.banned.insert(user.clone(), (ban.clone(), now))),
            Event::Unbanned { user } => drop(known.banned.remove(user)),
            Event::Changed { user, role } => {
                known.changed.insert(user.id.clone(), (user.clone(), *role, now));
            }
        }
    }

    /// Somebody as they are by now.
    ///
    /// # Errors
    /// `unauthenticated` where their login has ended; `banned`.
    pub(super) fn admit(&self, identity: Identity, now: Timestamp) -> Result<Identity, Refusal> {
        let known = self.lock();
        if identity.login.as_ref().is_some_and(|login| known.ended.contains_key(login)) {
            return Err(Refusal::new(Code::Unauthenticated).message("the session has ended: log in again"));
        }
        if let Some((ban, _)) = known.banned.get(&identity.user.id)
            && ban.holds_at(now)
        {
            return Err(banned(ban));
        }
        Ok(match known.changed.get(&identity.user.id) {
            Some((user, role, _)) => Identity { user: user.clone(), role: *role, ..identity },
            None => identity,
        })
    }

    /// Forgets what no token that is still good was signed before.
    pub(super) fn sweep(&self, now: Timestamp) {
        let is_kept = |since: &Timestamp| now.millis_since(*since) < self.kept_ms;
        let mut known = self.lock();
        known.ended.retain(|_, since| is_kept(since));
        known.banned.retain(|_, (_, since)| is_kept(since));
        known.changed.retain(|_, (_, _, since)| is_kept(since));
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // The maps are whole between statements, so a panic elsewhere leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ada(login: &str) -> Identity {
        Identity {
            role: ServerRole::User,
            login: Some(LoginId::new(login)),
            ..Identity::guest(User { id: UserId::new("u1"), nickname: "Ada".into() })
        }
    }

    fn refused(in_force: &InForce, login: &str, now: i64) -> Option<Code> {
        in_force.admit(ada(login), at(now)).err().map(|refusal| refusal.code)
    }

    #[test]
    fn a_login_ends_and_the_others_go_on() {
        let in_force = InForce::new(1_000);
        in_force.apply(&Event::Ended { user: UserId::new("u1"), login: Some(LoginId::new("l1")) }, at(0));
        in_force.apply(&Event::Ended { user: UserId::new("u1"), login: None }, at(0));
        assert_eq!(refused(&in_force, "l1", 1), Some(Code::Unauthenticated));
        assert_eq!(refused(&in_force, "l2", 1), None);
    }

    #[test]
    fn a_ban_holds_until_it_is_over_or_taken_back() {
        let in_force = InForce::new(1_000);
        let ban = |until: Option<i64>| Event::Banned {
            user: UserId::new("u1"),
            ban: Ban { until: until.map(at), reason: Some("spam".to_owned()) },
        };
        in_force.apply(&ban(Some(10)), at(0));
        assert_eq!([9, 10].map(|now| refused(&in_force, "l1", now)), [Some(Code::Banned), None]);
        in_force.apply(&ban(None), at(0));
        assert_eq!(refused(&in_force, "l1", 999), Some(Code::Banned));
        in_force.apply(&Event::Unbanned { user: UserId::new("u1") }, at(0));
        assert_eq!(refused(&in_force, "l1", 999), None);
    }

    #[test]
    fn who_is_called_otherwise_is_so_with_an_older_token_too() {
        let in_force = InForce::new(1_000);
        let user = User { id: UserId::new("u1"), nickname: "Countess".into() };
        in_force.apply(&Event::Changed { user: user.clone(), role: ServerRole::Admin }, at(0));
        let admitted = in_force.admit(ada("l1"), at(1)).unwrap();
        assert_eq!((admitted.user, admitted.role), (user, ServerRole::Admin));
    }

    #[test]
    fn what_no_token_remembers_is_forgotten() {
        let in_force = InForce::new(1_000);
        in_force.apply(&Event::Ended { user: UserId::new("u1"), login: Some(LoginId::new("l1")) }, at(0));
        in_force.sweep(at(999));
        assert!(refused(&in_force, "l1", 999).is_some());
        in_force.sweep(at(1_000));
        assert!(refused(&in_force, "l1", 1_000).is_none());
    }
}
