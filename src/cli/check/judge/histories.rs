//! Judges histories: dense, ordered, the same on every node, every message once and sent by somebody.
//! What was seen live is none of its business.

use std::collections::{BTreeSet, HashSet};

use super::truth::Truth;
use super::{Anomaly, Findings};
use crate::cli::check::evidence::{History, Record, RoomEvidence};

pub(super) fn judge(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    for history in &room.histories {
        judge_order(room, history, findings);
        judge_density(room, history, findings);
        judge_agreement(room, history, truth, findings);
    }
    judge_id(room, findings);
    judge_uniqueness(room, truth, findings);
    judge_membership(room, truth, findings);
    judge_time(room, truth, findings);
    judge_origin(room, truth, findings);
}

fn judge_order(room: &RoomEvidence, history: &History, findings: &mut Findings) {
    let (name, node) = (&room.name, history.node);
    for pair in history.records.windows(2) {
        let (before, after) = (pair[0].seq, pair[1].seq);
        if after == before {
            findings.add(
                Anomaly::Duplicated,
                format_args!("{name}: the history of node {node} has {after} twice"),
            );
        } else if after < before {
            findings.add(
                Anomaly::Reordered,
                format_args!("{name}: the history of node {node} has {after} after {before}"),
            );
        }
    }
}

fn judge_density(room: &RoomEvidence, history: &History, findings: &mut Findings) {
    let there: BTreeSet<u64> = history.records.iter().map(|record| record.seq).collect();
    let end = there.last().copied().unwrap_or(0).max(history.head);
    let missing: Vec<u64> = (1..=end).filter(|seq| !there.contains(seq)).collect();
    findings.add_many(
        Anomaly::Gap,
        missing.len() as u64,
        format_args!("{}: the history of node {} lacks {}", room.name, history.node, ranges(&missing)),
    );
}

fn judge_agreement(room: &RoomEvidence, history: &History, truth: &Truth<'_>, findings: &mut Findings) {
    let Some(reference) = truth.reference.filter(|reference| reference.node != history.node) else { return };
    let (name, node, other) = (&room.name, history.node, reference.node);
    if history.epoch != reference.epoch {
        findings
            .add(Anomaly::Diverging, format_args!("{name}: nodes {other} and {node} have different epochs"));
    }
    if Some(history.head) < truth.head() {
        let head = history.head;
        findings.add(
            Anomaly::Diverging,
            format_args!("{name}: the history of node {node} ends at {head}, that of node {other} later"),
        );
    }
    for record in &history.records {
        if truth.records.get(&record.seq).is_some_and(|theirs| **theirs != **record) {
            let seq = record.seq;
            findings
                .add(Anomaly::Diverging, format_args!("{name}: nodes {other} and {node} differ at {seq}"));
        }
    }
}

/// Names of rooms are unique over all nodes.
fn judge_id(room: &RoomEvidence, findings: &mut Findings) {
    findings.add_many(
        Anomaly::Diverging,
        room.ids.len().saturating_sub(1) as u64,
        format_args!("{}: one name, several rooms: {:?}", room.name, room.ids),
    );
}

fn judge_uniqueness(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    for ((sender, client_id), places) in &truth.places {
        findings.add_many(
            Anomaly::Duplicated,
            places.len() as u64 - 1,
            format_args!("{}: {client_id} of {sender} stands at {}", room.name, ranges(places)),
        );
    }
}

/// Nobody can join who is a member already.
fn judge_membership(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    let mut members = HashSet::new();
    for record in truth.records.values() {
        let Record { seq, sender, kind, .. } = record;
        if kind == "joined" && !members.insert(&sender.id) {
            findings.add(
                Anomaly::Duplicated,
                format_args!("{}: {} joins again at {seq} without having left", room.name, sender.nickname),
            );
        } else if kind == "left" {
            members.remove(&sender.id);
        }
    }
}

fn judge_time(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    let mut latest = "";
    for Record { seq, at, .. } in truth.records.values() {
        if at.as_str() < latest {
            findings.add(
                Anomaly::TimeBackwards,
                format_args!("{}: {seq} is of {at}, a record before it of {latest}", room.name),
            );
        }
        latest = latest.max(at.as_str());
    }
}

fn judge_origin(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    for (seq, record) in &truth.records {
        if let Some(reason) = truth.invention(record) {
            findings.add(Anomaly::Invented, format_args!("{}: {seq} {reason}", room.name));
        }
    }
}

/// Numbers as a short text: `3, 5..9`.
pub(super) fn ranges(numbers: &[u64]) -> String {
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let written =
        parts.iter().map(|(from, to)| if from == to { from.to_string() } else { format!("{from}..{to}") });
    written.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testbed::{clean, findings, found, joined, message};
    use super::*;

    #[test]
    fn a_clean_room_is_clean() {
        assert!(findings(&clean()).is_clean(), "{}", findings(&clean()));
    }

    #[test]
    fn a_history_that_names_a_place_twice_is_duplicated() {
        let mut room = clean();
        let twice = Arc::clone(&room.histories[0].records[3]);
        room.histories[0].records.insert(4, twice);
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }

    #[test]
    fn a_history_out_of_order_is_reordered() {
        let mut room = clean();
        room.histories[1].records.swap(3, 4);
        assert_eq!(found(&room), [(Anomaly::Reordered, 1)]);
    }

    #[test]
    fn a_history_with_a_hole_has_a_gap() {
        let mut room = clean();
        room.histories[1].records.remove(0);
        assert_eq!(found(&room), [(Anomaly::Gap, 1)]);
    }

    #[test]
    fn a_history_that_does_not_reach_its_own_head_has_a_gap() {
        let mut room = clean();
        room.histories.iter_mut().for_each(|history| history.head += 2);
        room.readings.clear();
        assert_eq!(found(&room), [(Anomaly::Gap, 4)]);
    }

    #[test]
    fn nodes_that_differ_at_a_place_diverge() {
        let mut room = clean();
        room.readings.clear();
        let other = Record { at: "2026-01-01T00:00:09.999Z".to_owned(), ..(*message(5)).clone() };
        room.histories[1].records[4] = Arc::new(other);
        assert_eq!(found(&room), [(Anomaly::Diverging, 1)]);
    }

    #[test]
    fn a_node_whose_history_ends_early_diverges() {
        let mut room = clean();
        room.readings.clear();
        room.histories[0].records.truncate(5);
        room.histories[0].head = 5;
        assert_eq!(found(&room), [(Anomaly::Diverging, 1)]);
    }

    #[test]
    fn nodes_with_different_epochs_diverge() {
        let mut room = clean();
        room.histories[1].epoch = "another".to_owned();
        assert_eq!(found(&room), [(Anomaly::Diverging, 1)]);
    }

    #[test]
    fn two_rooms_of_one_name_diverge() {
        let mut room = clean();
        room.ids.insert("r2".to_owned());
        assert_eq!(found(&room), [(Anomaly::Diverging, 1)]);
    }

    #[test]
    fn a_message_in_two_records_is_duplicated() {
        let mut room = clean();
        let again = Arc::new(Record { seq: 8, at: message(7).at.clone(), ..(*message(4)).clone() });
        room.append(&again);
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }

    #[test]
    fn a_member_who_joins_again_is_duplicated() {
        let mut room = clean();
        room.append(&Arc::new(Record { seq: 8, at: message(7).at.clone(), ..(*joined(1)).clone() }));
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }

    #[test]
    fn who_left_may_join_again() {
        let mut room = clean();
        let at = message(7).at.clone();
        let left = Record { seq: 8, kind: "left".to_owned(), at: at.clone(), ..(*joined(1)).clone() };
        room.append(&Arc::new(left));
        room.append(&Arc::new(Record { seq: 9, at, ..(*joined(1)).clone() }));
        assert_eq!(found(&room), []);
    }

    #[test]
    fn a_record_older_than_the_one_before_it_turns_time_back() {
        let mut room = clean();
        room.append(&Arc::new(Record { seq: 8, kind: "left".to_owned(), ..(*joined(1)).clone() }));
        assert_eq!(found(&room), [(Anomaly::TimeBackwards, 1)]);
    }

    #[test]
    fn a_message_that_nobody_sent_is_invented() {
        let inventions: [fn(&mut Record); 4] = [
            |record| record.client_id = Some("unheard-of".to_owned()),
            |record| record.client_id = None,
            |record| record.sender.id = "stranger".to_owned(),
            |record| record.body = Some("another text".to_owned()),
        ];
        for invent in inventions {
            let mut room = clean();
            room.sends.push(super::super::testbed::unacknowledged("m8"));
            let mut record = Record {
                seq: 8,
                client_id: Some("m8".to_owned()),
                body: Some("text of m8".to_owned()),
                ..(*message(7)).clone()
            };
            room.append(&Arc::new(record.clone()));
            assert_eq!(found(&room), [], "what was sent and not acknowledged may be there");
            invent(&mut record);
            room.replace(&Arc::new(record));
            assert_eq!(found(&room), [(Anomaly::Invented, 1)]);
        }
    }

    #[test]
    fn a_message_that_was_refused_for_good_is_invented() {
        let mut room = clean();
        room.sends[0].acks.clear();
        assert_eq!(found(&room), []);
        room.sends[0].is_refused = true;
        assert_eq!(found(&room), [(Anomaly::Invented, 1)]);
    }

    #[test]
    fn ranges_are_short() {
        assert_eq!(ranges(&[3, 5, 6, 7]), "3, 5..7");
        assert_eq!(ranges(&[]), "");
    }
}
