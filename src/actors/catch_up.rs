//! A long replay: reads pages from the log as the connection drains, then hands over to the room's live records.
//! It runs beside the session, holds one page at most, and never costs the client its connection (promise D3).

use std::sync::Arc;

use actix::Addr;

use super::{
    outbox::{Pending, Pushed},
    reply::Reply,
    room::Room,
    subscriber::Subscription,
    to_room::{Subscribed, ToRoom},
    voice::Frames,
};
use crate::{
    domain::{CloseCode, Epoch, Missing, Record, RoomId, Seq},
    log::{Page, RoomLog},
    wire,
};

/// Records read at once.
const PAGE: u32 = 200;

/// A replay for one reader of one room.
pub(super) struct CatchUp {
    pub log: Arc<dyn RoomLog>,
    pub room: Addr<Room>,
    pub id: RoomId,
    pub epoch: Epoch,
    pub reader: Subscription,
}

impl CatchUp {
    /// Replays what the reader lacks until its subscription is live or has ended.
    pub(super) async fn run(self, mut lacking: Missing) {
        // The greeting is on its way through the relay, and pages must not overtake it.
        self.reader.relay.settled().await;
        while self.reader.outbox.has_room().await {
            let Ok(mut records) = self.log.read(&self.id, Page::After(lacking.from - 1), PAGE).await else {
                // A gap is never handed out: the client comes back with its position when the log does.
                return self.reader.outbox.close(CloseCode::GoingAway, Pending::Flush);
            };
            records.retain(|record| record.seq <= lacking.to);
            let Some(last) = records.last().map(|record| record.seq) else {
                return self.reader.outbox.close(CloseCode::GoingAway, Pending::Flush);
            };
            if !self.push(&records).await {
                return;
            }
            match self.go_on(last).await {
                Some(Subscribed::Behind(still)) => lacking = still,
                Some(Subscribed::Live | Subscribed::Ended) => return,
                None => return self.reader.outbox.close(CloseCode::GoingAway, Pending::Flush),
            }
        }
    }

    /// Queues a page in pieces that the outbox has room for. `false` when the connection is gone.
    async fn push(&self, mut records: &[Record]) -> bool {
        let Subscription { outbox, voice, .. } = &self.reader;
        while !records.is_empty() {
            let (piece, rest) = records.split_at(piece_length(records, outbox.replay_budget()));
            let frames = Frames::new(wire::replay(&voice.dialect, &self.id, &self.epoch, piece));
            if !outbox.has_room().await || voice.replay(outbox, &frames) != Pushed::Queued {
                return false;
            }
            records = rest;
        }
        true
    }

    async fn go_on(&self, after: Seq) -> Option<Subscribed> {
        let (reply, answer) = Reply::channel();
        self.room.do_send(ToRoom::Continue { id: self.reader.id, after, reply });
        answer.await.ok()?.ok()
    }
}

/// How many of the first records fit into a budget of bytes; at least one.
fn piece_length(records: &[Record], budget: usize) -> usize {
    let mut bytes = 0;
    let fits = |record: &&Record| {
        bytes += wire::size(record);
        bytes <= budget
    };
    records.iter().take_while(fits).count().max(1)
}
