//! Judges what records said when they came: the same for all readers, the same as the history of their node.
//! Their order and number are judged in `readings`.

use std::collections::{BTreeMap, HashSet};

use super::truth::Truth;
use super::{Anomaly, Findings};
use crate::cli::check::evidence::{Record, RoomEvidence};

/// A record as the first reader of a node saw it.
struct Sighting<'a> {
    record: &'a Record,
    node: usize,
    reader: usize,
}

pub(super) fn judge(room: &RoomEvidence, truth: &Truth<'_>, findings: &mut Findings) {
    for (seq, sightings) in sightings(room) {
        for sighting in &sightings {
            judge_sighting(room, sighting, truth, findings);
        }
        judge_agreement(room, seq, &sightings, findings);
    }
}

/// What was seen at each place: each version once for each node.
fn sightings(room: &RoomEvidence) -> BTreeMap<u64, Vec<Sighting<'_>>> {
    let mut at: BTreeMap<u64, Vec<Sighting<'_>>> = BTreeMap::new();
    for reading in &room.readings {
        for record in &reading.records {
            let known = at.entry(record.seq).or_default();
            if !known.iter().any(|sighting| sighting.node == reading.node && *sighting.record == **record) {
                known.push(Sighting { record, node: reading.node, reader: reading.reader });
            }
        }
    }
    at
}

fn judge_sighting(room: &RoomEvidence, sighting: &Sighting<'_>, truth: &Truth<'_>, findings: &mut Findings) {
    let (name, Sighting { record, node, reader }) = (&room.name, sighting);
    let seq = record.seq;
    let stored = truth.stored(*node, seq);
    if stored == Some(record) {
        return;
    }
    if let Some(reason) = truth.invention(record) {
        findings.add(
            Anomaly::Invented,
            format_args!("{name}: {seq}, as client {reader} on node {node} saw it, {reason}"),
        );
    }
    if truth.reference.is_none() {
        return;
    }
    match stored {
        Some(_) => findings.add(
            Anomaly::HistoryAgainstLive,
            format_args!("{name}: client {reader} on node {node} saw another {seq} than history has"),
        ),
        None => findings.add(
            Anomaly::Invented,
            format_args!("{name}: client {reader} on node {node} saw {seq}, which history lacks"),
        ),
    }
}

fn judge_agreement(room: &RoomEvidence, seq: u64, sightings: &[Sighting<'_>], findings: &mut Findings) {
    let versions: HashSet<&Record> = sightings.iter().map(|sighting| sighting.record).collect();
    if versions.len() < 2 {
        return;
    }
    let nodes: HashSet<usize> = sightings.iter().map(|sighting| sighting.node).collect();
    let readers: Vec<String> = sightings.iter().map(|sighting| sighting.reader.to_string()).collect();
    let anomaly = if nodes.len() > 1 { Anomaly::Diverging } else { Anomaly::Reordered };
    let readers = readers.join(" and ");
    findings.add(anomaly, format_args!("{}: clients {readers} saw different records at {seq}", room.name));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::testbed::{clean, found, message};
    use super::*;

    fn other(seq: u64) -> Arc<Record> {
        Arc::new(Record { at: "2026-01-01T00:00:09.999Z".to_owned(), ..(*message(seq)).clone() })
    }

    #[test]
    fn a_live_record_that_history_has_differently_is_an_anomaly() {
        let mut room = clean();
        room.readings.truncate(1);
        room.readings[0].records[4] = other(5);
        assert_eq!(found(&room), [(Anomaly::HistoryAgainstLive, 1)]);
    }

    #[test]
    fn readers_of_two_nodes_who_disagree_diverge() {
        let mut room = clean();
        room.histories.clear();
        room.readings[2].records[0] = other(5);
        assert_eq!(found(&room), [(Anomaly::Diverging, 1)]);
    }

    #[test]
    fn readers_of_one_node_who_disagree_are_reordered() {
        let mut room = clean();
        room.histories.clear();
        room.readings.iter_mut().for_each(|reading| reading.node = 0);
        room.readings[2].records[0] = other(5);
        assert_eq!(found(&room), [(Anomaly::Reordered, 1)]);
    }

    #[test]
    fn a_record_beyond_the_history_is_invented() {
        let mut room = clean();
        for history in &mut room.histories {
            history.records.pop();
            history.head -= 1;
        }
        room.sends.last_mut().expect("sent").acks.clear();
        assert_eq!(found(&room), [(Anomaly::Invented, 2)], "once for each node that showed it");
    }

    #[test]
    fn a_live_record_that_nobody_sent_is_invented() {
        let mut room = clean();
        room.readings.truncate(1);
        let stranger = Record { body: Some("another text".to_owned()), ..(*message(5)).clone() };
        room.readings[0].records[4] = Arc::new(stranger);
        assert_eq!(found(&room), [(Anomaly::Invented, 1), (Anomaly::HistoryAgainstLive, 1)]);
    }
}
