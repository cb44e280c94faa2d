//! The records of rooms: pages of history, in the order of the log.
//! They are stored by `batch`.

use diesel::prelude::*;

use super::{Connection, StorageError, connection::run, schema::records};
use crate::domain::{
    ClientId, Message, MessageBody, Particulars, Record, RecordKind, RoomId, Seq, Timestamp, User, UserId,
};

#[derive(Queryable, Selectable)]
#[diesel(table_name = records)]
struct RecordRow {
    seq: i64,
    at: i64,
    kind: String,
    sender_id: String,
    sender_nickname: String,
    body: Option<String>,
    client_id: Option<String>,
    headers: Option<String>,
    act: Option<String>,
}

impl RecordRow {
    fn parse(self) -> Result<Record, StorageError> {
        let corrupt = |what: &str| Err(StorageError::Corrupt(format!("record {} {what}", self.seq)));
        let headers = match self.headers.as_deref().map(serde_json::from_str).transpose() {
            Ok(headers) => headers.unwrap_or_default(),
            Err(error) => return corrupt(&format!("has broken headers: {error}")),
        };
        let particulars = match self.act.as_deref().map(serde_json::from_str::<Particulars>).transpose() {
            Ok(particulars) => particulars,
            Err(error) => return corrupt(&format!("has a broken act: {error}")),
        };
        let kind = match (self.kind.as_str(), self.body, particulars) {
            ("message", Some(body), None) => RecordKind::Message(Message {
                body: MessageBody::stored(body),
                client_id: self.client_id.map(ClientId::new),
                headers,
            }),
            ("joined", None, None) => RecordKind::Joined,
            ("left", None, None) => RecordKind::Left,
            (kind, None, Some(particulars)) => match particulars.into_kind(kind) {
                Some(kind) => kind,
                None => return corrupt(&format!("of kind {kind} lacks something")),
            },
            (kind, ..) => return corrupt(&format!("of kind {kind}")),
        };
        Ok(Record {
            seq: unsigned(self.seq)?,
            at: Timestamp::from_millis(self.at),
            sender: User { id: UserId::new(self.sender_id), nickname: self.sender_nickname.into() },
            kind,
        })
    }
}

/// At most `limit` records that follow the given one, ascending.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn after(
    connection: &mut Connection,
    room: &RoomId,
    seq: Seq,
    limit: u32,
) -> Result<Vec<Record>, StorageError> {
    let rows = run!(connection, |session| records::table
        .filter(records::room_id.eq(room.as_str()))
        .filter(records::seq.gt(signed(seq)))
        .order(records::seq.asc())
        .limit(i64::from(limit))
        .select(RecordRow::as_select())
        .load(session))?;
    rows.into_iter().map(RecordRow::parse).collect()
}

/// As [`after`], each record with its offset in the log, which those of the embedded log have not.
///
/// # Errors
/// As [`after`].
pub fn placed_after(
    connection: &mut Connection,
    room: &RoomId,
    seq: Seq,
    limit: u32,
) -> Result<Vec<(Record, Option<i64>)>, StorageError> {
    let rows: Vec<(RecordRow, Option<i64>)> = run!(connection, |session| records::table
        .filter(records::room_id.eq(room.as_str()))
        .filter(records::seq.gt(signed(seq)))
        .order(records::seq.asc())
        .limit(i64::from(limit))
        .select((RecordRow::as_select(), records::log_offset))
        .load(session))?;
    rows.into_iter().map(|(row, offset)| Ok((row.parse()?, offset))).collect()
}

/// The newest `limit` records before the given one, ascending.
///
/// # Errors
/// [`StorageError::Unavailable`], [`StorageError::Corrupt`].
pub fn before(
    connection: &mut Connection,
    room: &RoomId,
    seq: Seq,
    limit: u32,
) -> Result<Vec<Record>, StorageError> {
    let rows = run!(connection, |session| records::table
        .filter(records::room_id.eq(room.as_str()))
        .filter(records::seq.lt(signed(seq)))
        .order(records::seq.desc())
        .limit(i64::from(limit))
        .select(RecordRow::as_select())
        .load(session))?;
    rows.into_iter().rev().map(RecordRow::parse).collect()
}

/// A count as a column holds it; what no column can hold is past every row.
pub(super) fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A count as a column held it.
pub(super) fn unsigned(column: i64) -> Result<u64, StorageError> {
    u64::try_from(column).map_err(|_| StorageError::Corrupt(format!("count {column} is negative")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Act, Authority, Deed, Headers, Penalty, Reason, Role};
    use crate::storage::{
        Batch, Database, batch,
        testbed::{message, new_record, on_every_database, record, user},
    };

    fn fill(database: &Database, room: &RoomId, records: Vec<Record>) {
        let records = records.into_iter().map(|record| new_record(room, record)).collect();
        let batch = Batch { records, ..Batch::default() };
        batch::store(&mut database.writer().unwrap(), &batch).unwrap();
    }

    #[test]
    fn d7_a_record_comes_back_as_it_was_stored() {
        on_every_database(|database| {
            let room = RoomId::new("r");
            let headers = Headers::parse([("zebra", "1"), ("app", "\"한글\":\n")]).unwrap();
            let with_headers =
                RecordKind::Message(Message { headers, ..Message::new(MessageBody::stored("x"), None) });
            let stored = vec![
                record(1, RecordKind::Joined),
                message(2, "with a client id: 한글 🦀\r\n"),
                message(3, " without "),
                record(4, with_headers),
                record(5, RecordKind::Left),
                record(6, RecordKind::Renamed("Countess".into())),
            ];
            let until = Some(Timestamp::from_millis(77));
            let reason = Some(Reason::stored("\"spam\""));
            let penalty = Penalty { user: user("Bob"), until, reason: reason.clone() };
            let deeds = [
                Deed::SetRole(user("Bob"), Role::Moderator),
                Deed::Kick(user("Bob"), reason),
                Deed::Mute(penalty.clone()),
                Deed::Unmute(user("Bob")),
                Deed::Ban(Penalty { until: None, ..penalty }),
                Deed::Unban(user("Bob")),
                Deed::Invite(user("Bob")),
                Deed::Uninvite(user("Bob")),
                Deed::Close(None),
            ];
            let acts = [Authority::Role, Authority::Admin]
                .into_iter()
                .flat_map(|authority| deeds.clone().map(|deed| RecordKind::Act(Act { deed, authority })));
            let acts = acts.zip(7..).map(|(kind, seq)| record(seq, kind));
            let stored: Vec<Record> = stored.into_iter().chain(acts).collect();
            fill(database, &room, stored.clone());
            assert_eq!(database.read(|connection| after(connection, &room, 0, 100)).unwrap(), stored);
        });
    }

    #[test]
    fn d2_pages_are_cut_from_one_ascending_list() {
        on_every_database(|database| {
            let (room, other) = (RoomId::new("r"), RoomId::new("s"));
            fill(database, &room, (1..=9).map(|seq| message(seq, "mine")).collect());
            fill(database, &other, (1..=20).map(|seq| message(seq, "theirs")).collect());

            let seqs = |page: Result<Vec<Record>, StorageError>| -> Vec<Seq> {
                page.unwrap().iter().map(|record| record.seq).collect()
            };
            for (from, limit, expected) in
                [(0, 3, vec![1, 2, 3]), (7, 3, vec![8, 9]), (9, 3, vec![]), (u64::MAX, 3, vec![])]
            {
                assert_eq!(seqs(database.read(|connection| after(connection, &room, from, limit))), expected);
            }
            for (to, limit, expected) in
                [(u64::MAX, 3, vec![7, 8, 9]), (5, 3, vec![2, 3, 4]), (2, 3, vec![1]), (0, 3, vec![])]
            {
                assert_eq!(seqs(database.read(|connection| before(connection, &room, to, limit))), expected);
            }
        });
    }

    #[test]
    fn a_row_that_no_record_makes_is_corrupt() {
        let row = |kind: &str, body: Option<&str>, seq| RecordRow {
            seq,
            at: 0,
            kind: kind.to_owned(),
            sender_id: String::new(),
            sender_nickname: String::new(),
            body: body.map(str::to_owned),
            client_id: None,
            headers: None,
            act: None,
        };
        for bad in [
            row("message", None, 1),
            row("joined", Some("x"), 1),
            row("sang", None, 1),
            row("left", None, -1),
        ] {
            assert!(matches!(bad.parse(), Err(StorageError::Corrupt(_))));
        }
        let broken = RecordRow { headers: Some("{".to_owned()), ..row("message", Some("x"), 1) };
        assert!(matches!(broken.parse(), Err(StorageError::Corrupt(_))));
        let acts = |kind: &str, act: &str| RecordRow { act: Some(act.to_owned()), ..row(kind, None, 1) };
        let user = r#"{"user":{"id":"u","nickname":"U"}}"#;
        assert!(acts("kicked", user).parse().is_ok());
        for bad in [acts("kicked", "{}"), acts("kicked", "{"), acts("sang", user), acts("joined", user)] {
            assert!(matches!(bad.parse(), Err(StorageError::Corrupt(_))));
        }
    }
}
