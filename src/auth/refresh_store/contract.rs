//! What every store of logins must do, as two nodes see it.
//! Each implementation runs this with its real store.

use futures_util::future::join_all;

use super::RefreshStore;
use crate::{
    auth::random,
    domain::{LoginId, Timestamp, UserId},
    storage::logins::LoginRecord,
};

/// Later than any clock says while this runs, for a store may forget what has expired.
const FAR: i64 = 4_000_000_000_000;

fn login(id: &LoginId, user: &UserId, created_at: i64, digest: u8) -> LoginRecord {
    LoginRecord {
        id: id.clone(),
        user: user.clone(),
        device: "한 device".to_owned(),
        created_at: Timestamp::from_millis(created_at),
        seen_at: Timestamp::from_millis(created_at),
        expires_at: Timestamp::from_millis(FAR),
        generation: 0,
        token_hash: [digest; 32],
    }
}

fn name() -> LoginId {
    LoginId::new(random::id())
}

/// Holds a store, as two nodes open it, to the contract. Names are random, for the store may be shared.
pub(super) async fn check(one: &dyn RefreshStore, two: &dyn RefreshStore) {
    what_one_node_keeps_the_other_finds(one, two).await;
    of_many_who_advance_one_succeeds(one, two).await;
    a_users_logins_end_one_by_one(one, two).await;
    what_has_expired_is_forgotten(one, two).await;
}

async fn what_one_node_keeps_the_other_finds(one: &dyn RefreshStore, two: &dyn RefreshStore) {
    let login = login(&name(), &UserId::new(random::id()), 7, 1);
    assert_eq!(two.find(&login.id).await.unwrap(), None);
    one.begin(login.clone()).await.unwrap();
    assert_eq!(two.find(&login.id).await.unwrap(), Some(login.clone()));
    let next = LoginRecord {
        generation: 1,
        token_hash: [2; 32],
        seen_at: Timestamp::from_millis(8),
        expires_at: Timestamp::from_millis(FAR + 1),
        ..login.clone()
    };
    assert!(two.advance([1; 32], next.clone()).await.unwrap());
    assert_eq!(one.find(&login.id).await.unwrap(), Some(next.clone()));
    assert!(!one.advance([1; 32], login.clone()).await.unwrap(), "the digest is another one by now");
    assert_eq!(two.find(&login.id).await.unwrap(), Some(next));
}

async fn of_many_who_advance_one_succeeds(one: &dyn RefreshStore, two: &dyn RefreshStore) {
    let login = login(&name(), &UserId::new(random::id()), 7, 1);
    one.begin(login.clone()).await.unwrap();
    for round in 1..5_u8 {
        let next = LoginRecord { generation: round.into(), token_hash: [round + 1; 32], ..login.clone() };
        let attempts = (0..8).map(|n| {
            let store = if n % 2 == 0 { one } else { two };
            store.advance([round; 32], next.clone())
        });
        let done: Vec<bool> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
    }
}

async fn a_users_logins_end_one_by_one(one: &dyn RefreshStore, two: &dyn RefreshStore) {
    let (user, other) = (UserId::new(random::id()), UserId::new(random::id()));
    let logins = [1, 2, 3].map(|at| login(&name(), &user, at, 1));
    let others = login(&name(), &other, 9, 1);
    for login in logins.iter().chain([&others]) {
        one.begin(login.clone()).await.unwrap();
    }
    let newest_first: Vec<_> = logins.iter().rev().cloned().collect();
    assert_eq!(two.of_user(&user).await.unwrap(), newest_first);
    assert!(!two.end(&other, &logins[1].id).await.unwrap(), "only one's own");
    assert!(two.end(&user, &logins[1].id).await.unwrap());
    assert!(!one.end(&user, &logins[1].id).await.unwrap(), "it has ended");
    assert_eq!(one.find(&logins[1].id).await.unwrap(), None);
    assert!(!one.advance([1; 32], logins[1].clone()).await.unwrap(), "nothing brings it back");
    assert_eq!(one.find(&logins[1].id).await.unwrap(), None);
    assert_eq!(one.of_user(&user).await.unwrap(), [logins[2].clone(), logins[0].clone()]);
    assert_eq!(one.of_user(&other).await.unwrap(), [others]);
    assert_eq!(one.of_user(&UserId::new(random::id())).await.unwrap(), []);
}

async fn what_has_expired_is_forgotten(one: &dyn RefreshStore, two: &dyn RefreshStore) {
    let user = UserId::new(random::id());
    let stays = login(&name(), &user, 1, 1);
    let past = Timestamp::from_millis(5_000);
    let goes = LoginRecord { expires_at: past, ..login(&name(), &user, 2, 1) };
    one.begin(stays.clone()).await.unwrap();
    one.begin(goes.clone()).await.unwrap();
    two.sweep(past).await.unwrap();
    assert_eq!(one.find(&goes.id).await.unwrap(), None);
    assert_eq!(two.of_user(&user).await.unwrap(), [stays]);
}
