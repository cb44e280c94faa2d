//! One room's log, folded again beside its rows: where do they differ?
//! Pure; entries and rows are given, and what is read when is not known here.

use std::collections::VecDeque;

use crate::{
    domain::{
        Belonging, Foundation, Outcome, Proposal, Record, RecordKind, RoomState, Seq, Timestamp, UserId,
    },
    log::kafka::Offset,
    storage::fold::Placed,
};

/// A row: a record, and its offset if it came from the Kafka log.
pub(super) type Row = (Record, Option<Offset>);

/// A room's rows as of one instant.
pub(super) struct Ending {
    /// The room.
    pub placed: Placed,
    /// Its memberships, in the order of the users' ids.
    pub belongings: Vec<(UserId, Belonging)>,
}

/// A room while it is compared.
pub(super) struct Replay {
    state: RoomState,
    /// Records that the log makes and that are not compared yet, dense.
    folded: VecDeque<(Record, Offset)>,
    compared: Seq,
}

impl Replay {
    /// A room of which nothing was read.
    pub(super) fn new(foundation: Foundation) -> Self {
        Self { state: RoomState::new(foundation), folded: VecDeque::new(), compared: 0 }
    }

    /// Takes rows that stand before the log's first entry; the log cannot tell any more whether they are right,
    /// but they must fold. Gives what is wrong with them.
    pub(super) fn build_on(&mut self, rows: Vec<Row>) -> Vec<String> {
        let mut faults = Vec::new();
        for (record, _) in rows {
            let (seq, outcome) = (record.seq, self.state.apply(record.proposal(), record.at));
            if outcome != Outcome::Recorded(record) {
                faults.push(format!("record {seq} does not follow from those before it"));
            }
            self.compared = self.state.head();
        }
        faults
    }

    /// Folds the log's next proposal.
    pub(super) fn fold(&mut self, proposal: Proposal, appended_at: Timestamp, offset: Offset) {
        if let Outcome::Recorded(record) = self.state.apply(proposal, appended_at) {
            self.folded.push_back((record, offset));
        }
    }

    /// The last record that was compared, and how many wait to be.
    pub(super) fn due(&self) -> (Seq, u32) {
        (self.compared, u32::try_from(self.folded.len()).unwrap_or(u32::MAX))
    }

    /// Compares what waits with the rows of those numbers; gives where they differ.
    pub(super) fn compare(&mut self, rows: Vec<Row>) -> Vec<String> {
        let mut faults = Vec::new();
        let mut rows = rows.into_iter().peekable();
        for (record, offset) in self.folded.drain(..) {
            self.compared = record.seq;
            let seq = record.seq;
            match rows.next_if(|(row, _)| row.seq == seq) {
                None => faults.push(format!("record {seq} (offset {offset}) is not in the database")),
                Some(row) => {
                    let fields = differing(&row, &(record, Some(offset)));
                    if !fields.is_empty() {
                        let fields = fields.join(", ");
                        faults.push(format!("record {seq} (offset {offset}) differs in {fields}"));
                    }
                }
            }
        }
        faults
    }

    /// Judges the end, when everything below offset `until` is compared: `next` is the row that follows, and
    /// `placed` the room as of one instant not before.
    pub(super) fn end(
        &self,
        next: Option<Row>,
        until: Offset,
        Ending { placed, belongings }: &Ending,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some((record, offset)) = next
            && offset.is_none_or(|offset| offset < until)
        {
            faults.push(format!("record {} is in the database and not in the log", record.seq));
        }
        let stored = &placed.folded.state;
        let members = stored.members().len() as u64;
        if (placed.info.head.seq, placed.info.members) != (stored.head(), members) {
            faults.push(format!(
                "its row says head {} and {} members, its records say {} and {members}",
                placed.info.head.seq,
                placed.info.members,
                stored.head()
            ));
        }
        if placed.info.closed != stored.is_closed() {
            faults.push(format!("its row says closed: {}, its records do not", placed.info.closed));
        }
        let mut expected: Vec<_> = stored.belongings().map(|(user, how)| (user.clone(), how)).collect();
        expected.sort();
        if *belongings != expected {
            faults.push("its memberships are not those that its records make".to_owned());
        }
        if stored.head() == self.state.head() && *stored != self.state {
            faults
                .push("its members, their roles or its remembered sends are not those of the log".to_owned());
        }
        faults
    }
}

fn differing((row, row_offset): &Row, (record, offset): &Row) -> Vec<&'static str> {
    let fields = [
        ("at", row.at == record.at),
        ("sender", row.sender == record.sender),
        ("kind", row.kind.name() == record.kind.name()),
        ("body, client_id or act", row.kind.name() != record.kind.name() || same(&row.kind, &record.kind)),
        ("log_offset", row_offset == offset),
    ];
    fields.into_iter().filter(|(_, is_same)| !is_same).map(|(name, _)| name).collect()
}

fn same(one: &RecordKind, other: &RecordKind) -> bool {
    one == other
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{ClientId, Epoch, Message, MessageBody, Position, RoomId, RoomInfo, User, Visibility},
        storage::fold::Folded,
    };

    fn proposal(who: &str, body: Option<&str>) -> Proposal {
        let kind = body.map_or(RecordKind::Joined, |body| {
            RecordKind::Message(Message::new(MessageBody::stored(body), Some(ClientId::new(body))))
        });
        Proposal { sender: User { id: UserId::new(who), nickname: who.into() }, kind }
    }

    /// A log of a room, and the rows and the state that it makes.
    fn chat(from: Offset) -> (Vec<(Proposal, Offset)>, Vec<Row>, RoomState) {
        let log = [("a", None), ("b", None), ("a", Some("x")), ("a", Some("x")), ("b", Some("y"))];
        let log: Vec<_> =
            log.into_iter().zip(from..).map(|((who, body), at)| (proposal(who, body), at)).collect();
        let (mut state, mut rows) = (RoomState::default(), Vec::new());
        for (proposal, offset) in log.clone() {
            if let Outcome::Recorded(record) = state.apply(proposal, Timestamp::from_millis(offset)) {
                rows.push((record, Some(offset)));
            }
        }
        (log, rows, state)
    }

    fn replayed(log: Vec<(Proposal, Offset)>) -> Replay {
        let mut replay = Replay::new(Foundation::default());
        for (proposal, offset) in log {
            replay.fold(proposal, Timestamp::from_millis(offset), offset);
        }
        replay
    }

    fn placed(state: &RoomState, head: Seq, members: u64) -> Ending {
        let info = RoomInfo {
            id: RoomId::new("r"),
            name: "r".into(),
            created_at: Timestamp::default(),
            created_by: User { id: UserId::new("a"), nickname: "a".into() },
            visibility: Visibility::Public,
            peer: None,
            closed: false,
            members,
            head: Position { epoch: Epoch::new("e"), seq: head },
        };
        let folded = Folded { state: state.clone(), snapshot_at: 0 };
        let placed = Placed { info, partition: Some(0), next_offset: Some(9), folded };
        let mut belongings: Vec<_> = state.belongings().map(|(user, how)| (user.clone(), how)).collect();
        belongings.sort();
        Ending { placed, belongings }
    }

    #[test]
    fn d7_what_the_log_makes_is_no_difference() {
        let (log, rows, state) = chat(3);
        let mut replay = replayed(log);
        assert_eq!(replay.due(), (0, 4));
        assert_eq!(replay.compare(rows), [""; 0]);
        assert_eq!(replay.due(), (4, 0));
        assert_eq!(replay.end(None, 8, &placed(&state, 4, 2)), [""; 0]);
    }

    #[test]
    fn d7_every_change_of_a_row_is_found() {
        let changes: [(fn(&mut Vec<Row>), &str); 6] = [
            (|rows| drop(rows.remove(1)), "record 2 (offset 1) is not in the database"),
            (|rows| drop(rows.pop()), "record 4 (offset 4) is not in the database"),
            (|rows| rows[0].0.at = Timestamp::from_millis(77), "record 1 (offset 0) differs in at"),
            (
                |rows| rows[2].0.kind = proposal("a", Some("z")).kind,
                "record 3 (offset 2) differs in body, client_id or act",
            ),
            (|rows| rows[3].1 = None, "record 4 (offset 4) differs in log_offset"),
            (
                |rows| rows[3].0 = Record { seq: 4, ..rows[1].0.clone() },
                "record 4 (offset 4) differs in at, kind",
            ),
        ];
        for (change, fault) in changes {
            let (log, mut rows, _) = chat(0);
            change(&mut rows);
            assert_eq!(replayed(log).compare(rows), [fault]);
        }
    }

    #[test]
    fn d7_what_no_entry_made_is_found_at_the_end() {
        let (log, rows, state) = chat(0);
        let mut replay = replayed(log);
        replay.compare(rows.clone());
        let extra = |offset| Some((Record { seq: 5, ..rows[3].0.clone() }, offset));
        let well = placed(&state, 4, 2);
        for (offset, found) in [(None, true), (Some(4), true), (Some(5), false), (Some(9), false)] {
            assert_eq!(!replay.end(extra(offset), 5, &well).is_empty(), found, "{offset:?}");
        }
        assert_eq!(replay.end(None, 5, &placed(&state, 3, 2)).len(), 1);
        assert_eq!(replay.end(None, 5, &placed(&state, 4, 1)).len(), 1);
        let mut closed = placed(&state, 4, 2);
        closed.placed.info.closed = true;
        assert_eq!(replay.end(None, 5, &closed).len(), 1);
        let mut without = placed(&state, 4, 2);
        without.belongings.pop();
        assert_eq!(replay.end(None, 5, &without).len(), 1);
        let mut other = state.clone();
        other.apply(proposal("c", None), Timestamp::default());
        assert_eq!(replay.end(None, 5, &placed(&other, 5, 3)), [""; 0], "stored since");
        let forgetful = replayed(chat(0).0.into_iter().skip(1).chain([(proposal("d", None), 9)]).collect());
        assert_eq!(forgetful.end(None, 5, &placed(&other, 5, 3)).len(), 0);
        assert_eq!(replay.end(None, 5, &placed(&replayed(chat(7).0).state, 4, 2)).len(), 1);
    }

    #[test]
    fn rows_from_before_the_log_are_built_on() {
        let (log, rows, state) = chat(0);
        let (old, new) = rows.split_at(2);
        let mut replay = Replay::new(Foundation::default());
        assert_eq!(replay.build_on(old.to_vec()), [""; 0]);
        for (proposal, offset) in log.into_iter().skip(2) {
            replay.fold(proposal, Timestamp::from_millis(offset), offset);
        }
        assert_eq!(replay.due(), (2, 2));
        assert_eq!(replay.compare(new.to_vec()), [""; 0]);
        assert_eq!(replay.end(None, 5, &placed(&state, 4, 2)), [""; 0]);
        assert_eq!(Replay::new(Foundation::default()).build_on(new.to_vec()).len(), 2);
    }
}
