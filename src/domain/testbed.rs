//! People, rooms and what is done in them, for the property tests of this folder.
//! What must hold of them is said in those tests.

use proptest::prelude::*;

use super::{
    Act, Authority, ClientId, Command, Deed, Foundation, Message, MessageBody, Penalty, Proposal, Reason,
    RecordKind, Role, Timestamp, User, UserId, Visibility,
};

/// How many people there are; the first one makes every room.
pub(super) const PEOPLE: u8 = 4;

pub(super) fn user(number: u8) -> User {
    User { id: UserId::new(format!("u{number}")), nickname: format!("user {number}").into() }
}

/// What a room of the first one may be made as; a direct one is shared with the second one.
pub(super) fn foundation() -> impl Strategy<Value = Foundation> {
    prop_oneof![
        2 => Just(Visibility::Public),
        2 => Just(Visibility::Private),
        1 => Just(Visibility::Direct),
    ]
    .prop_map(|visibility| Foundation {
        creator: user(0).id,
        visibility,
        peer: (visibility == Visibility::Direct).then(|| user(1).id),
    })
}

pub(super) fn kind(command: Command) -> RecordKind {
    match command {
        Command::Send(message) => RecordKind::Message(message),
        Command::Join => RecordKind::Joined,
        Command::Leave => RecordKind::Left,
        Command::Rename(nickname) => RecordKind::Renamed(nickname),
        Command::Act(act) => RecordKind::Act(act),
    }
}

pub(super) fn proposal(sender: User, command: Command) -> Proposal {
    Proposal { sender, kind: kind(command) }
}

fn penalty() -> impl Strategy<Value = Penalty> {
    (0..PEOPLE, proptest::option::of(0_i64..80), any::<bool>()).prop_map(|(number, until, why)| Penalty {
        user: user(number),
        until: until.map(Timestamp::from_millis),
        reason: why.then(|| Reason::stored("spam")),
    })
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    let role = prop_oneof![Just(Role::Member), Just(Role::Moderator), Just(Role::Owner)];
    let people = || (0..PEOPLE).prop_map(user);
    prop_oneof![
        3 => (people(), role).prop_map(|(user, role)| Deed::SetRole(user, role)),
        2 => people().prop_map(|user| Deed::Kick(user, None)),
        3 => penalty().prop_map(Deed::Mute),
        1 => people().prop_map(Deed::Unmute),
        3 => penalty().prop_map(Deed::Ban),
        1 => people().prop_map(Deed::Unban),
        3 => people().prop_map(Deed::Invite),
        1 => people().prop_map(Deed::Uninvite),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let deed = prop_oneof![40 => deed(), 1 => Just(Deed::Close(None))];
    let authority = prop_oneof![8 => Just(Authority::Role), 1 => Just(Authority::Admin)];
    (deed, authority).prop_map(|(deed, authority)| Act { deed, authority })
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Join),
        1 => Just(Command::Leave),
        1 => (0_u8..3).prop_map(|id| Command::Rename(format!("name {id}").into())),
        6 => act().prop_map(Command::Act),
        6 => (0_u8..4, any::<bool>()).prop_map(|(id, named)| Command::Send(Message::new(
            MessageBody::stored(format!("body {id}")),
            named.then(|| ClientId::new(format!("c{id}"))),
        ))),
    ]
}

/// A log of proposals with their times, by a clock that may go back.
pub(super) fn log() -> impl Strategy<Value = Vec<(Proposal, i64)>> {
    let entry = (0..PEOPLE, command(), -5_i64..50);
    let entry = entry.prop_map(|(sender, command, millis)| (proposal(user(sender), command), millis));
    proptest::collection::vec(entry, 0..120)
}
