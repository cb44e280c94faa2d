//! A small room in which all is well, for tests of the judge to break.
//! Two members on two nodes; one of them loses its socket after record 4.

use std::sync::Arc;
use std::time::Duration;

use super::{Anomaly, Findings, judge};
use crate::cli::check::evidence::{Ack, Answer, History, Reading, Record, RoomEvidence, Send, User};

const HEAD: u64 = 7;

/// Records 1 and 2 are joins of `u1` and `u2`, 3 to 7 messages of `u1`.
pub(super) fn clean() -> RoomEvidence {
    RoomEvidence {
        name: "hall".to_owned(),
        ids: ["r1".to_owned()].into(),
        users: vec!["u1".to_owned(), "u2".to_owned()],
        sends: (3..=HEAD).map(acknowledged).collect(),
        readings: vec![
            reading(0, 0, Some(0), 1..=HEAD),
            Reading { is_open: false, ..reading(1, 0, None, 4..=4) },
            reading(1, 1, Some(4), 5..=HEAD),
        ],
        histories: vec![history(0), history(1)],
    }
}

pub(super) fn findings(room: &RoomEvidence) -> Findings {
    judge(room, 10)
}

/// The anomalies of a room that are there at all, with their counts.
pub(super) fn found(room: &RoomEvidence) -> Vec<(Anomaly, u64)> {
    let findings = findings(room);
    let counts = Anomaly::ALL.map(|anomaly| (anomaly, findings.count(anomaly)));
    counts.into_iter().filter(|(_, count)| *count > 0).collect()
}

pub(super) fn joined(seq: u64) -> Arc<Record> {
    record(seq, "joined", &format!("u{seq}"))
}

pub(super) fn message(seq: u64) -> Arc<Record> {
    let (client_id, body) = (Some(format!("m{seq}")), Some(format!("text of m{seq}")));
    Arc::new(Record { client_id, body, ..(*record(seq, "message", "u1")).clone() })
}

pub(super) fn unacknowledged(client_id: &str) -> Send {
    Send {
        sender: "u1".to_owned(),
        client_id: client_id.to_owned(),
        body: format!("text of {client_id}"),
        node: 0,
        sent_at: Duration::from_secs(50),
        acks: Vec::new(),
        is_refused: false,
    }
}

impl RoomEvidence {
    /// Adds a record that every history has and no reader is asked to have seen.
    pub(super) fn append(&mut self, record: &Arc<Record>) {
        self.readings.clear();
        for history in &mut self.histories {
            history.records.push(Arc::clone(record));
            history.head = record.seq;
        }
    }

    /// Puts another record in the place of every history's last one.
    pub(super) fn replace(&mut self, record: &Arc<Record>) {
        self.histories.iter_mut().for_each(|history| drop(history.records.pop()));
        self.append(record);
    }
}

fn acknowledged(seq: u64) -> Send {
    let (sent_at, heard_at) = (Duration::from_secs(seq), Duration::from_millis(seq * 1000 + 5));
    let ack = Ack { seq, at: message(seq).at.clone(), heard_at };
    Send { sent_at, acks: vec![ack], ..unacknowledged(&format!("m{seq}")) }
}

fn record(seq: u64, kind: &str, user: &str) -> Arc<Record> {
    let sender = User { id: user.to_owned(), nickname: user.to_uppercase() };
    let at = format!("2026-01-01T00:00:0{seq}.000Z");
    Arc::new(Record { seq, kind: kind.to_owned(), sender, at, client_id: None, body: None })
}

fn any(seq: u64) -> Arc<Record> {
    if seq <= 2 { joined(seq) } else { message(seq) }
}

fn reading(reader: usize, node: usize, after: Option<u64>, seqs: std::ops::RangeInclusive<u64>) -> Reading {
    let position = after.unwrap_or(seqs.start() - 1).max(2);
    let answer = Answer { epoch: "e".to_owned(), position, recovered: after.map(|_| true) };
    let records = seqs.map(any).collect();
    Reading { reader, node, after, answer: Some(answer), records, is_open: true }
}

fn history(node: usize) -> History {
    History { node, epoch: "e".to_owned(), head: HEAD, records: (1..=HEAD).map(any).collect() }
}
