//! Pages of history: for a client that asked for one, and for a reader whose room does not remember enough.
//! Where their records come from is in `updates`.

use klatsch::domain::{Record, Seq};

use super::Cluster;
use crate::{
    node::NodeRef,
    talk::{Frame, Peer},
    tally::Happening,
    update::Why,
};

impl Cluster {
    /// A page of history is there.
    pub(super) fn updated(&mut self, me: NodeRef, number: u64, more: Vec<Record>) {
        let page = self.plan.page;
        let Some(mut update) = self.node(me).updates.remove(&number) else { return };
        update.records.extend(more);
        match update.why {
            Why::Open { .. } => {}
            Why::History { after } => {
                let records = cut(update.records, after, page);
                self.judge.page(&update.room, after, &records, (update.asked_head, page));
            }
            Why::CatchUp { peer, opening, after, to } => {
                self.tally.count(match update.tries {
                    0 => Happening::CaughtUpFromRows,
                    _ => Happening::CaughtUpFromTheLog,
                });
                let mut records = cut(update.records, after, page);
                records.retain(|record| record.seq <= to);
                self.replay(me, opening, peer, records);
            }
        }
    }

    /// A reader gets what it lacked, and the room is asked how it goes on.
    fn replay(&mut self, me: NodeRef, opening: u64, peer: Peer, records: Vec<Record>) {
        let Some(last) = records.last().map(|record| record.seq) else {
            return self.tell(peer, Frame::Closed);
        };
        records.into_iter().for_each(|record| self.tell(peer, Frame::Record(record)));
        let mut out = Vec::new();
        if let Some(room) = self.node(me).opening(opening) {
            room.go_on(peer, last, &mut out);
        }
        self.carry_out(me, opening, out);
    }
}

fn cut(mut records: Vec<Record>, after: Seq, page: usize) -> Vec<Record> {
    records.retain(|record| record.seq > after);
    records.truncate(page);
    records
}
