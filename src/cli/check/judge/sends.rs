//! Judges acknowledgements: is what was acknowledged there, where and when it was said to be, and in order?
//! A send without an acknowledgement may be there or not; that it is there once `histories` judges.

use super::truth::{Truth, name_of, name_of_send};
use super::{Anomaly, Findings};
use crate::cli::check::evidence::{Ack, RoomEvidence, Send};

pub(super) fn judge(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    if truth.reference.is_none() {
        return;
    }
    for send in room.sends.iter().filter(|send| !send.acks.is_empty()) {
        if truth.places.contains_key(&name_of_send(send)) {
            send.acks.iter().for_each(|ack| judge_ack(room, send, ack, truth, findings));
        } else {
            let (name, Send { client_id, sender, acks, .. }) = (&room.name, send);
            findings.add(
                Anomaly::Lost,
                format_args!(
                    "{name}: {client_id} of {sender}, acknowledged at {}, stands nowhere",
                    acks[0].seq
                ),
            );
        }
    }
    judge_real_time(room, truth, findings);
}

fn judge_ack(room: &RoomEvidence, send: &Send, ack: &Ack, truth: &Truth<'_>, findings: &mut Findings) {
    let (name, Send { client_id, sender, .. }, Ack { seq, at, .. }) = (&room.name, send, ack);
    let record = truth.records.get(seq).filter(|record| name_of(record) == Some(name_of_send(send)));
    match record {
        None => findings.add(
            Anomaly::WronglyAcknowledged,
            format_args!("{name}: {client_id} of {sender} was acknowledged at {seq} and stands elsewhere"),
        ),
        Some(record) if record.at != *at => findings.add(
            Anomaly::WronglyAcknowledged,
            format_args!("{name}: the ack of {seq} says {at}, the record {}", record.at),
        ),
        Some(_) => {}
    }
}

/// What was acknowledged before another message was sent stands before it, whoever sent them.
fn judge_real_time(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    let mut placed: Vec<(u64, &Send)> = room
        .sends
        .iter()
        .filter_map(|send| Some((*truth.places.get(&name_of_send(send))?.first()?, send)))
        .collect();
    placed.sort_unstable_by_key(|(seq, _)| *seq);
    let mut latest: Option<(u64, &Send)> = None;
    for (seq, send) in placed {
        let heard_at = send.acks.iter().map(|ack| ack.heard_at).min();
        if let (Some((earlier, sent_late)), Some(heard_at)) = (latest, heard_at)
            && heard_at < sent_late.sent_at
        {
            findings.add(
                Anomaly::Reordered,
                format_args!(
                    "{}: {earlier} was first sent after {seq} had been acknowledged, and stands before it",
                    room.name
                ),
            );
        }
        if latest.is_none_or(|(_, known)| known.sent_at < send.sent_at) {
            latest = Some((seq, send));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::testbed::{clean, found};
    use super::*;

    #[test]
    fn an_acknowledged_message_that_is_not_there_is_lost() {
        let mut room = clean();
        room.sends[0].client_id = "gone".to_owned();
        let found = found(&room);
        assert!(found.contains(&(Anomaly::Lost, 1)), "{found:?}");
    }

    #[test]
    fn an_unacknowledged_message_that_is_not_there_is_no_anomaly() {
        let mut room = clean();
        room.sends.push(super::super::testbed::unacknowledged("gone"));
        assert_eq!(found(&room), []);
    }

    #[test]
    fn an_ack_with_another_place_is_wrong() {
        let mut room = clean();
        room.sends[0].acks[0].seq += 1;
        assert_eq!(found(&room), [(Anomaly::WronglyAcknowledged, 1)]);
    }

    #[test]
    fn an_ack_with_another_time_is_wrong() {
        let mut room = clean();
        room.sends[0].acks[0].at = "2026-01-01T00:00:09.999Z".to_owned();
        assert_eq!(found(&room), [(Anomaly::WronglyAcknowledged, 1)]);
    }

    #[test]
    fn a_repeat_with_another_answer_is_wrong() {
        let mut room = clean();
        let again = Ack { seq: 5, ..room.sends[0].acks[0].clone() };
        room.sends[0].acks.push(again);
        assert_eq!(found(&room), [(Anomaly::WronglyAcknowledged, 1)]);
    }

    #[test]
    fn a_message_before_one_acknowledged_before_it_was_sent_is_reordered() {
        let mut room = clean();
        room.sends[1].acks[0].heard_at = Duration::from_millis(100);
        room.sends[0].sent_at = Duration::from_millis(101);
        room.sends[0].acks[0].heard_at = Duration::from_millis(102);
        assert_eq!(found(&room), [(Anomaly::Reordered, 1)]);
        room.sends[0].sent_at = Duration::from_millis(99);
        assert_eq!(found(&room), [], "they were on their way together");
    }
}
