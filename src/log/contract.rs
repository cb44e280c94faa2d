//! What every log owes to rooms, as one suite of checks; each implementation's tests run all of them.
//! How a log is made and broken is the implementation's to say.

use std::{sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::timeout};

use super::{Committed, Delivery, LogError, Page, RoomLog, Token};
use crate::domain::{
    Act, Authority, ClientId, Code, Deed, Message, MessageBody, Outcome, Penalty, Proposal, Record,
    RecordKind, RoomId, RoomState, Timestamp, User, UserId,
};

/// A log under test, and a room that exists in it.
pub(super) struct Subject {
    pub log: Arc<dyn RoomLog>,
    pub room: RoomId,
}

/// A room as the suite plays it: folds what comes back.
struct Player {
    log: Arc<dyn RoomLog>,
    room: RoomId,
    state: RoomState,
    deliveries: mpsc::UnboundedReceiver<Vec<Delivery>>,
    waiting: Vec<Delivery>,
}

impl Player {
    async fn open(subject: &Subject) -> Self {
        let (sender, deliveries) = mpsc::unbounded_channel();
        let state =
            subject.log.open(&subject.room, Arc::new(move |batch| drop(sender.send(batch)))).await.unwrap();
        let (log, room) = (Arc::clone(&subject.log), subject.room.clone());
        Self { log, room, state, deliveries, waiting: Vec::new() }
    }

    fn append(&self, token: Token, proposal: Proposal) {
        self.log.append(&self.room, token, proposal).unwrap();
    }

    async fn next(&mut self) -> Delivery {
        while self.waiting.is_empty() {
            let batch = timeout(Duration::from_secs(20), self.deliveries.recv()).await;
            self.waiting = batch.expect("a delivery comes").expect("the sink is held");
            self.waiting.reverse();
        }
        self.waiting.pop().unwrap()
    }

    async fn folded(&mut self) -> (Option<Token>, Outcome) {
        match self.next().await {
            Delivery::Committed(Committed { token, proposal, appended_at }) => {
                (token, self.state.apply(proposal, appended_at))
            }
            Delivery::Failed { token, error } => panic!("append {token} failed: {error}"),
        }
    }

    async fn stored(&self) -> Vec<Record> {
        self.log.read(&self.room, Page::After(0), 100_000).await.unwrap()
    }
}

fn user(name: &str) -> User {
    User { id: UserId::new(name), nickname: name.into() }
}

pub(super) fn joins(name: &str) -> Proposal {
    Proposal { sender: user(name), kind: RecordKind::Joined }
}

pub(super) fn says(name: &str, client_id: Option<&str>, body: &str) -> Proposal {
    let kind = RecordKind::Message(Message::new(MessageBody::stored(body), client_id.map(ClientId::new)));
    Proposal { sender: user(name), kind }
}

/// Runs every check; each gets a log and a room of its own.
pub(super) async fn holds<F: Future<Output = Subject>>(subject: impl Fn() -> F) {
    d2_appends_come_back_once_and_in_order(&subject().await).await;
    d4_repeats_come_back_and_change_nothing(&subject().await).await;
    d7_what_is_opened_again_is_what_was_left(&subject().await).await;
    d2_deeds_are_judged_in_the_order_of_the_log(&subject().await).await;
    a_second_opening_closes_the_first(&subject().await).await;
    pages_are_ascending_from_either_side(&subject().await).await;
}

async fn d2_appends_come_back_once_and_in_order(subject: &Subject) {
    let mut player = Player::open(subject).await;
    player.append(0, joins("ada"));
    for token in 1..500 {
        player.append(token, says("ada", None, &token.to_string()));
    }
    let mut last = Timestamp::default();
    for expected in 0..500 {
        let (token, outcome) = player.folded().await;
        let Outcome::Recorded(record) = outcome else { panic!("append {expected} was {outcome:?}") };
        assert_eq!((token, record.seq), (Some(expected), expected + 1));
        assert!(record.at >= last);
        last = record.at;
    }
    subject.log.flush().await.unwrap();
    assert_eq!(player.stored().await.len(), 500);
}

async fn d4_repeats_come_back_and_change_nothing(subject: &Subject) {
    let mut player = Player::open(subject).await;
    player.append(0, joins("ada"));
    player.append(1, says("ada", Some("c"), "first"));
    player.append(2, says("ada", Some("c"), "again"));
    player.append(3, joins("ada"));
    player.append(4, says("bob", None, "a stranger"));
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        outcomes.push(player.folded().await.1);
    }
    assert!(
        matches!(
            &outcomes[..],
            [Outcome::Recorded(_), Outcome::Recorded(first), Outcome::Repeated(again), Outcome::Unchanged, Outcome::Refused(_)]
                if first.seq == again.seq && first.at == again.at
        ),
        "{outcomes:?}"
    );
    assert_eq!(player.stored().await.len(), 2);
}

async fn d7_what_is_opened_again_is_what_was_left(subject: &Subject) {
    let mut player = Player::open(subject).await;
    player.append(0, joins("ada"));
    for token in 1..50 {
        player.append(token, says("ada", Some(&token.to_string()), "x"));
    }
    for _ in 0..50 {
        player.folded().await;
    }
    player.log.close(&player.room);
    let again = Player::open(subject).await;
    assert_eq!(again.state, player.state);
}

/// The foundation of a room comes with its state: without its owner nobody could do this.
async fn d2_deeds_are_judged_in_the_order_of_the_log(subject: &Subject) {
    let mut player = Player::open(subject).await;
    let owner = User { id: player.state.owner().unwrap().clone(), nickname: "the owner".into() };
    let ban = Penalty { user: user("bob"), until: None, reason: None };
    let act = |sender: User| {
        let kind = RecordKind::Act(Act { deed: Deed::Ban(ban.clone()), authority: Authority::Role });
        Proposal { sender, kind }
    };
    player.append(0, joins("bob"));
    player.append(1, act(user("eve")));
    player.append(2, says("bob", None, "before"));
    player.append(3, act(owner));
    player.append(4, says("bob", None, "after"));
    player.append(5, joins("bob"));
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(match player.folded().await.1 {
            Outcome::Recorded(_) => None,
            Outcome::Refused(refusal) => Some(refusal.code),
            other => panic!("{other:?}"),
        });
    }
    let (forbidden, banned) = (Some(Code::Forbidden), Some(Code::Banned));
    assert_eq!(codes, [None, forbidden, None, None, banned, banned]);
    player.log.close(&player.room);
    let again = Player::open(subject).await;
    assert_eq!(again.state, player.state);
    assert_eq!(player.stored().await.len(), 3);
}

async fn a_second_opening_closes_the_first(subject: &Subject) {
    let mut first = Player::open(subject).await;
    first.append(0, joins("ada"));
    let mut second = Player::open(subject).await;
    assert_eq!(second.state.head(), 1, "the appends of the first opening are in the state of the second");
    second.append(0, says("ada", None, "x"));
    assert!(matches!(second.folded().await, (Some(0), Outcome::Recorded(record)) if record.seq == 2));
    assert!(matches!(first.folded().await, (Some(0), Outcome::Recorded(_))));
    assert!(first.deliveries.recv().await.is_none(), "the first sink is dropped");
}

async fn pages_are_ascending_from_either_side(subject: &Subject) {
    let mut player = Player::open(subject).await;
    player.append(0, joins("ada"));
    for token in 1..10 {
        player.append(token, says("ada", None, "x"));
    }
    for _ in 0..10 {
        player.folded().await;
    }
    for (page, limit, expected) in [
        (Page::After(0), 3, vec![1, 2, 3]),
        (Page::After(8), 5, vec![9, 10]),
        (Page::After(10), 5, vec![]),
        (Page::Before(11), 2, vec![9, 10]),
        (Page::Before(3), 5, vec![1, 2]),
        (Page::Before(1), 5, vec![]),
    ] {
        let read = player.log.read(&player.room, page, limit).await.unwrap();
        let numbers: Vec<_> = read.iter().map(|record| record.seq).collect();
        assert_eq!(numbers, expected, "{page:?}");
    }
}

/// Breaks a log that works: what is appended then is refused with this error, and after it was mended
/// the same can be sent again and is stored once.
pub(super) async fn refuses(
    subject: &Subject,
    breaks: impl FnOnce(),
    expected: LogError,
    mends: impl FnOnce(),
) {
    let mut player = Player::open(subject).await;
    player.append(0, joins("ada"));
    player.folded().await;
    breaks();
    player.append(1, says("ada", Some("c"), "x"));
    match player.next().await {
        Delivery::Failed { token, error } => assert_eq!((token, error), (1, expected)),
        Delivery::Committed(committed) => panic!("a broken log took {committed:?}"),
    }
    mends();
    player.append(2, says("ada", Some("c"), "x"));
    assert!(matches!(player.folded().await, (Some(2), Outcome::Recorded(record)) if record.seq == 2));
    assert_eq!(player.stored().await.len(), 2);
}
