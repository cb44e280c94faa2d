//! Judges subscriptions by their numbers alone: dense from where they began, ascending, and up to the end.
//! What the records say is judged in `sightings`.

use std::collections::BTreeSet;

use super::histories::ranges;
use super::truth::Truth;
use super::{Anomaly, Findings};
use crate::cli::check::evidence::{Answer, Reading, RoomEvidence};

pub(super) fn judge(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    let epoch = truth.reference.map(|history| history.epoch.as_str());
    for reading in &room.readings {
        judge_answer(room, reading, epoch, findings);
        let next = judge_numbers(room, reading, findings);
        judge_end(room, reading, next, truth.head(), findings);
    }
}

fn judge_answer(room: &RoomEvidence, reading: &Reading, epoch: Option<&str>, findings: &mut Findings) {
    let Some(Answer { epoch: answered, position, recovered }) = &reading.answer else { return };
    let (name, Reading { reader, node, after, .. }) = (&room.name, reading);
    let is_another_log = epoch.is_some_and(|epoch| epoch != answered);
    if *recovered == Some(false) || is_another_log || after.is_some_and(|after| after > *position) {
        let after = after.unwrap_or(0);
        findings.add(
            Anomaly::Forgotten,
            format_args!(
                "{name}: node {node} did not honour position {after} of client {reader}: its head was {position}"
            ),
        );
    }
}

/// Judges what came, in its order, and gives the next place to come.
fn judge_numbers(room: &RoomEvidence, reading: &Reading, findings: &mut Findings) -> Option<u64> {
    let (name, Reading { reader, node, after, .. }) = (&room.name, reading);
    let mut next = first_place(reading);
    let (mut seen, mut skipped) = (BTreeSet::new(), BTreeSet::new());
    for seq in reading.records.iter().map(|record| record.seq) {
        let expected = next.unwrap_or(seq);
        if seq >= expected {
            skipped.extend(expected..seq);
            next = Some(seq + 1);
        } else if seen.contains(&seq) || after.is_some_and(|after| seq <= after) {
            findings.add(
                Anomaly::Duplicated,
                format_args!("{name}: client {reader} got {seq} again, from node {node}"),
            );
        } else {
            skipped.remove(&seq);
            findings.add(
                Anomaly::Reordered,
                format_args!("{name}: client {reader} got {seq} late, from node {node}"),
            );
        }
        seen.insert(seq);
    }
    let skipped: Vec<u64> = skipped.into_iter().collect();
    findings.add_many(
        Anomaly::Gap,
        skipped.len() as u64,
        format_args!("{name}: client {reader} on node {node} was not given {}", ranges(&skipped)),
    );
    next
}

/// The place of the first record to come; `None` where any may be the first.
fn first_place(reading: &Reading) -> Option<u64> {
    let first = reading.records.first().map(|record| record.seq);
    match &reading.answer {
        // The server said that it leaves something out; only it knows how much.
        Some(Answer { recovered: Some(false), position, .. }) => {
            Some(first.map_or(position + 1, |first| first.min(position + 1)))
        }
        Some(Answer { position, .. }) => Some(reading.after.unwrap_or(*position) + 1),
        // Unanswered, it may be that the server would have said so.
        None => reading.after.and_then(|after| first.map(|first| first.max(after + 1))),
    }
}

/// A reader who is there at the end, with nothing more to come, must have come to the end.
fn judge_end(
    room: &RoomEvidence,
    reading: &Reading,
    next: Option<u64>,
    head: Option<u64>,
    findings: &mut Findings,
) {
    let (Some(next), Some(head), Some(_), true) = (next, head, &reading.answer, reading.is_open) else {
        return;
    };
    findings.add_many(
        Anomaly::Lost,
        (head + 1).saturating_sub(next),
        format_args!(
            "{}: client {} on node {} was never given {next}..{head}",
            room.name, reading.reader, reading.node
        ),
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testbed::{clean, found, message};
    use super::*;

    #[test]
    fn a_record_that_a_subscription_left_out_is_a_gap() {
        let mut room = clean();
        room.readings[0].records.remove(4);
        assert_eq!(found(&room), [(Anomaly::Gap, 1)]);
    }

    #[test]
    fn a_record_that_a_resume_left_out_is_a_gap() {
        let mut room = clean();
        room.readings[2].records.remove(0);
        assert_eq!(found(&room), [(Anomaly::Gap, 1)]);
    }

    #[test]
    fn a_record_that_came_twice_is_duplicated() {
        let mut room = clean();
        let again = Arc::clone(&room.readings[0].records[4]);
        room.readings[0].records.push(again);
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }

    #[test]
    fn a_record_that_a_resume_repeats_is_duplicated() {
        let mut room = clean();
        room.readings[2].records.insert(0, message(4));
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }

    #[test]
    fn a_record_after_a_later_one_is_reordered_and_no_gap() {
        let mut room = clean();
        room.readings[0].records.swap(3, 4);
        assert_eq!(found(&room), [(Anomaly::Reordered, 1)]);
    }

    #[test]
    fn a_record_from_before_a_subscription_that_asked_for_none_is_reordered() {
        let mut room = clean();
        room.readings[1].records.push(message(3));
        room.readings[1].answer.as_mut().expect("answered").position = 3;
        room.readings[1].records.remove(0);
        assert_eq!(found(&room), [(Anomaly::Reordered, 1)]);
    }

    #[test]
    fn what_a_reader_at_the_end_was_never_given_is_lost() {
        let mut room = clean();
        room.readings[0].records.truncate(4);
        assert_eq!(found(&room), [(Anomaly::Lost, 3)]);
        room.readings[0].is_open = false;
        assert_eq!(found(&room), [], "who went away missed nothing");
    }

    #[test]
    fn a_position_that_is_not_honoured_is_forgotten() {
        let mut room = clean();
        let answer = room.readings[2].answer.as_mut().expect("answered");
        *answer = Answer { recovered: Some(false), position: 6, ..answer.clone() };
        room.readings[2].records.retain(|record| record.seq > 6);
        assert_eq!(found(&room), [(Anomaly::Forgotten, 1)], "and what the server said is missing is no gap");
    }

    #[test]
    fn a_node_that_is_behind_a_position_has_forgotten_it() {
        let mut room = clean();
        room.readings[2].answer.as_mut().expect("answered").position = 3;
        assert_eq!(found(&room), [(Anomaly::Forgotten, 1)]);
    }

    #[test]
    fn another_epoch_is_forgotten() {
        let mut room = clean();
        room.readings[2].answer.as_mut().expect("answered").epoch = "another".to_owned();
        assert_eq!(found(&room), [(Anomaly::Forgotten, 1)]);
    }

    #[test]
    fn an_unanswered_subscription_is_judged_by_what_came() {
        let mut room = clean();
        room.readings[2].answer = None;
        room.readings[2].is_open = false;
        room.readings[2].records.remove(0);
        assert_eq!(found(&room), [], "the answer may have said that something is missing");
        room.readings[2].records.remove(1);
        assert_eq!(found(&room), [], "no record is left to see a gap by");
        room.readings[2].records.push(message(4));
        assert_eq!(found(&room), [(Anomaly::Duplicated, 1)]);
    }
}
