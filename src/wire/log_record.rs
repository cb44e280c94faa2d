//! A proposal as the Kafka log holds it: JSON that a person can read, with the version of its format in it.
//! Version 1 is fixed by `golden/log_record_v1.jsonl`; a change that an older node cannot read is a new version.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::domain::{
    ClientId, Headers, Message, MessageBody, Particulars, Proposal, Reason, RecordKind, Timestamp, User,
    UserId,
};

/// The version of the format that is written.
pub const VERSION: u32 = 1;

/// The largest record that is read; nothing that a node writes comes near it.
pub const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Which append of which run of a node a record came from, so that the node recognises its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// One run of one node.
    pub run: Box<str>,
    /// The append, counted from 0 in that run.
    pub append: u64,
}

/// What a value of the log says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRecord {
    /// What was proposed.
    pub proposal: Proposal,
    /// By whom it was appended, if a node did.
    pub origin: Option<Origin>,
}

/// Why a value of the log cannot be read. Such a value changes no room, on any node.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LogRecordError {
    /// It is not the JSON of a record.
    #[error("not a record: {0}")]
    Malformed(String),
    /// A newer node wrote it.
    #[error("version {0} of the format is not known here")]
    UnknownVersion(u32),
    /// It is of a kind that is not known here.
    #[error("kind {0:?} is not known here")]
    UnknownKind(String),
    /// A field breaks what every record keeps.
    #[error("{0}")]
    Invalid(&'static str),
}

/// The kinds that say something about others, or another name.
const KINDS: [&str; 10] = [
    "renamed",
    "role_changed",
    "kicked",
    "muted",
    "unmuted",
    "banned",
    "unbanned",
    "invited",
    "uninvited",
    "room_closed",
];

#[derive(Serialize, Deserialize)]
struct Value<'a> {
    v: u32,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    sender: Sender<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    body: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    client_id: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Headers::is_empty")]
    headers: Headers,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    user: Option<Sender<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    role: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    nickname: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    as_admin: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    origin: Option<By<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Sender<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    nickname: Cow<'a, str>,
}

impl<'a> Sender<'a> {
    fn of(user: &'a User) -> Self {
        Self { id: user.id.as_str().into(), nickname: (&*user.nickname).into() }
    }

    fn user(&self) -> User {
        User { id: UserId::new(&*self.id), nickname: (&*self.nickname).into() }
    }
}

#[derive(Serialize, Deserialize)]
struct By<'a> {
    #[serde(borrow)]
    run: Cow<'a, str>,
    append: u64,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

/// The value of a record.
pub fn encode(proposal: &Proposal, origin: Option<&Origin>) -> Vec<u8> {
    let message = proposal.kind.message();
    let particulars = Particulars::of(&proposal.kind).unwrap_or_default();
    let value = Value {
        v: VERSION,
        kind: proposal.kind.name().into(),
        sender: Sender::of(&proposal.sender),
        body: message.map(|message| message.body.as_str().into()),
        client_id: message.and_then(|message| message.client_id.as_ref()).map(|id| id.as_str().into()),
        headers: message.map(|message| message.headers.clone()).unwrap_or_default(),
        user: particulars.user.as_ref().map(Sender::of),
        role: particulars.role.as_deref().map(Into::into),
        until: particulars.until,
        reason: particulars.reason.as_ref().map(|reason| reason.as_str().into()),
        nickname: particulars.nickname.as_deref().map(Into::into),
        as_admin: particulars.as_admin,
        origin: origin.map(|origin| By { run: (&*origin.run).into(), append: origin.append }),
    };
    serde_json::to_vec(&value).expect("it has text keys and no fallible parts")
}

/// Reads a value. The same bytes are read alike by every node of a version, for rooms are folds over what comes
/// out; so it looks at no setting.
///
/// # Errors
/// Why it is no record.
pub fn decode(value: &[u8]) -> Result<LogRecord, LogRecordError> {
    if value.len() > MOST_BYTES {
        return Err(LogRecordError::Invalid("it is too large"));
    }
    let malformed = |error: serde_json::Error| LogRecordError::Malformed(error.to_string());
    let value: Value<'_> = match serde_json::from_slice(value) {
        Ok(value) => value,
        // What has another version need not look like this one at all.
        Err(error) => match serde_json::from_slice(value) {
            Ok(Version { v }) if v != VERSION => return Err(LogRecordError::UnknownVersion(v)),
            _ => return Err(malformed(error)),
        },
    };
    if value.v != VERSION {
        return Err(LogRecordError::UnknownVersion(value.v));
    }
    value.check()?;
    Ok(LogRecord { proposal: value.proposal()?, origin: value.origin() })
}

impl Value<'_> {
    /// What every row of every database can hold.
    fn check(&self) -> Result<(), LogRecordError> {
        let texts =
            [Some(&self.sender.id), Some(&self.sender.nickname), self.body.as_ref(), self.client_id.as_ref()];
        let user = self.user.iter().flat_map(|user| [&user.id, &user.nickname]);
        let particulars = [&self.role, &self.reason, &self.nickname].into_iter().flatten().chain(user);
        let mut headers = self.headers.iter();
        if texts.into_iter().flatten().chain(particulars).any(|text| text.contains('\0'))
            || headers.any(|(name, value)| name.contains('\0') || value.contains('\0'))
        {
            return Err(LogRecordError::Invalid("a text contains U+0000"));
        }
        let is_nobody = |sender: &Sender<'_>| sender.id.is_empty() || sender.nickname.is_empty();
        if is_nobody(&self.sender) || self.user.as_ref().is_some_and(is_nobody) {
            return Err(LogRecordError::Invalid("somebody has no id or no nickname"));
        }
        Ok(())
    }

    fn proposal(&self) -> Result<Proposal, LogRecordError> {
        let kind = match (&*self.kind, self.body.as_deref()) {
            ("message", Some(body)) if !body.is_empty() => RecordKind::Message(Message {
                body: MessageBody::stored(body),
                client_id: self.client_id.as_deref().map(ClientId::new),
                headers: self.headers.clone(),
            }),
            ("message", _) => return Err(LogRecordError::Invalid("a message without a body")),
            ("joined", _) => RecordKind::Joined,
            ("left", _) => RecordKind::Left,
            (kind, _) if !KINDS.contains(&kind) => return Err(LogRecordError::UnknownKind(kind.to_owned())),
            (kind, _) => self
                .particulars()
                .into_kind(kind)
                .ok_or(LogRecordError::Invalid("what it does lacks something that it must have"))?,
        };
        Ok(Proposal { sender: self.sender.user(), kind })
    }

    fn particulars(&self) -> Particulars {
        Particulars {
            user: self.user.as_ref().map(Sender::user),
            role: self.role.as_deref().map(Into::into),
            until: self.until,
            reason: self.reason.as_deref().map(Reason::stored),
            nickname: self.nickname.as_deref().filter(|nickname| !nickname.is_empty()).map(Into::into),
            as_admin: self.as_admin,
        }
    }

    fn origin(&self) -> Option<Origin> {
        self.origin.as_ref().map(|by| Origin { run: (&*by.run).into(), append: by.append })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Act, Authority, Deed, Penalty, Role};

    const GOLDEN: &str = include_str!("golden/log_record_v1.jsonl");

    fn message(body: &str, client_id: Option<&str>) -> Proposal {
        let kind = RecordKind::Message(Message::new(MessageBody::stored(body), client_id.map(ClientId::new)));
        Proposal { sender: ada(), kind }
    }

    fn with_headers() -> Proposal {
        let headers = Headers::parse([("reply-to", "7"), ("app", "한글")]).unwrap();
        let kind = RecordKind::Message(Message { headers, ..Message::new(MessageBody::stored("x"), None) });
        Proposal { sender: ada(), kind }
    }

    fn ada() -> User {
        User { id: UserId::new("u-1"), nickname: "Ada".into() }
    }

    /// Every deed once, and a new name.
    fn deeds() -> impl Iterator<Item = LogRecord> {
        let bob = || User { id: UserId::new("u-2"), nickname: "Bob".into() };
        let (until, reason) =
            (Some(Timestamp::from_millis(1_763_712_000_007)), Some(Reason::stored("spam, \"again\"")));
        let penalty = |until| Penalty { user: bob(), until, reason: reason.clone() };
        let deeds = [
            Deed::SetRole(bob(), Role::Moderator),
            Deed::SetRole(bob(), Role::Owner),
            Deed::Kick(bob(), reason.clone()),
            Deed::Mute(penalty(until)),
            Deed::Unmute(bob()),
            Deed::Ban(penalty(None)),
            Deed::Unban(bob()),
            Deed::Invite(bob()),
            Deed::Uninvite(bob()),
            Deed::Close(None),
        ];
        let by_role = deeds.into_iter().map(|deed| Act { deed, authority: Authority::Role });
        let by_admin = Act { deed: Deed::Close(reason.clone()), authority: Authority::Admin };
        let acts: Vec<_> = by_role.chain([by_admin]).map(RecordKind::Act).collect();
        let kinds = acts.into_iter().chain([RecordKind::Renamed("Countess".into())]);
        kinds.map(|kind| LogRecord { proposal: Proposal { sender: ada(), kind }, origin: None })
    }

    #[test]
    fn version_1_is_written_and_read_as_its_golden_file_has_it() {
        let origin = || Some(Origin { run: "node-1.Xb3".into(), append: 7 });
        let expected = [
            LogRecord { proposal: Proposal { sender: ada(), kind: RecordKind::Joined }, origin: origin() },
            LogRecord {
                proposal: message("with \"all\" of it: 한글 🦀\r\n", Some("c-1")), origin: origin()
            },
            LogRecord { proposal: message(" without ", None), origin: None },
            LogRecord { proposal: Proposal { sender: ada(), kind: RecordKind::Left }, origin: None },
            LogRecord { proposal: with_headers(), origin: None },
        ];
        let expected: Vec<LogRecord> = expected.into_iter().chain(deeds()).collect();
        let lines: Vec<&str> = GOLDEN.lines().collect();
        assert_eq!(lines.len(), expected.len());
        for (line, record) in lines.into_iter().zip(expected) {
            assert_eq!(decode(line.as_bytes()), Ok(record.clone()));
            let written = encode(&record.proposal, record.origin.as_ref());
            assert_eq!(String::from_utf8(written).unwrap(), line);
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored() {
        let value = br#"{"v":1,"kind":"left","sender":{"id":"u-1","nickname":"Ada","x":1},"mood":"good"}"#;
        assert_eq!(decode(value).unwrap().proposal.kind, RecordKind::Left);
    }

    #[test]
    fn what_is_no_record_is_refused_with_a_reason() {
        let refused = |value: &str| decode(value.as_bytes()).unwrap_err();
        for value in ["", "null", "[]", "\u{0}", r#"{"v":1}"#, r#"{"v":1,"kind":"left","sender":"Ada"}"#] {
            assert!(matches!(refused(value), LogRecordError::Malformed(_)), "{value:?}");
        }
        assert_eq!(refused(r#"{"v":2,"anything":1}"#), LogRecordError::UnknownVersion(2));
        let sang = r#"{"v":1,"kind":"sang","sender":{"id":"u","nickname":"n"}}"#;
        assert_eq!(refused(sang), LogRecordError::UnknownKind("sang".to_owned()));
        for value in [
            r#"{"v":1,"kind":"message","sender":{"id":"u","nickname":"n"}}"#,
            r#"{"v":1,"kind":"message","sender":{"id":"u","nickname":"n"},"body":""}"#,
            r#"{"v":1,"kind":"message","sender":{"id":"u","nickname":"n"},"body":"nul\u0000"}"#,
            r#"{"v":1,"kind":"left","sender":{"id":"","nickname":"n"}}"#,
            r#"{"v":1,"kind":"kicked","sender":{"id":"u","nickname":"n"}}"#,
            r#"{"v":1,"kind":"kicked","sender":{"id":"u","nickname":"n"},"user":{"id":"","nickname":"n"}}"#,
            r#"{"v":1,"kind":"kicked","sender":{"id":"u","nickname":"n"},"user":{"id":"b","nickname":"b"},"reason":"\u0000"}"#,
            r#"{"v":1,"kind":"role_changed","sender":{"id":"u","nickname":"n"},"user":{"id":"b","nickname":"b"},"role":"king"}"#,
            r#"{"v":1,"kind":"renamed","sender":{"id":"u","nickname":"n"},"nickname":""}"#,
        ] {
            assert!(matches!(refused(value), LogRecordError::Invalid(_)), "{value:?}");
        }
        assert!(decode(&vec![b' '; MOST_BYTES + 1]).is_err());
    }
}
