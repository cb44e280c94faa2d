//! One reading of a room for all who poll it on a worker: they wait for the same records and share their bytes.
//! It has the latest records alone; whoever is further back, or asks for what is not there, reads the room themselves.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::poll_fn,
    rc::Rc,
    sync::{Arc, OnceLock},
    time::Duration,
};

use actix_web::{
    rt,
    rt::time::{Instant, timeout},
    web::Bytes,
};
use bytestring::ByteString;
use tokio::{
    sync::{Notify, OnceCell},
    time::timeout_at,
};

use super::{Context, polling::page, reader::Reader};
use crate::{
    actors::Start,
    domain::{Code, Position, PositionText, Refusal, RoomId, Seq},
    wire::{Dialect, Greeting},
};

/// Records that are kept for those who come back with the next poll.
const RECORDS: usize = 256;

/// Bytes that they may take.
const BYTES: usize = 256 * 1024;

/// A room that nobody polled for so long is not read any more.
const IDLE: Duration = Duration::from_secs(30);

/// The hubs of one worker.
#[derive(Default, Clone)]
pub(super) struct Hubs(Rc<RefCell<HashMap<RoomId, Slot>>>);

/// Where a hub is, once its room has greeted it.
type Slot = Rc<OnceCell<Rc<Hub>>>;

/// The end of one room.
pub(super) struct Hub {
    recent: RefCell<Recent>,
    news: Notify,
    /// Somebody polled since the last look.
    asked: Cell<bool>,
}

impl Hubs {
    /// The hub of a room that everybody may read, which begins to be read now if nobody polled it before.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub(super) async fn of(&self, context: &Context, room: &RoomId) -> Result<Rc<Hub>, Refusal> {
        let slot = Rc::clone(self.0.borrow_mut().entry(room.clone()).or_default());
        let opened = slot.get_or_try_init(|| self.open(context, room, &slot)).await.cloned();
        if opened.is_err() {
            self.forget(room, &slot);
        }
        opened
    }

    async fn open(&self, context: &Context, room: &RoomId, slot: &Slot) -> Result<Rc<Hub>, Refusal> {
        let greeted = Arc::new(OnceLock::new());
        let told = Arc::clone(&greeted);
        let greet = Box::new(move |greeting: Greeting<'_>| {
            // It greets once.
            let _ = told.set(greeting.room.head.clone());
            Vec::new()
        });
        let reader = Reader::open(context, (room, None), Dialect::Json, Start::Live, greet).await?;
        let head = greeted.get().ok_or(Code::Overloaded)?.clone();
        let hub = Rc::new(Hub {
            recent: RefCell::new(Recent::at(head)),
            news: Notify::new(),
            asked: Cell::new(true),
        });
        let (hubs, room, slot, reading) = (self.clone(), room.clone(), Rc::clone(slot), Rc::clone(&hub));
        rt::spawn(async move {
            reading.follow(reader).await;
            hubs.forget(&room, &slot);
            reading.end();
        });
        Ok(hub)
    }

    /// Forgets a hub, unless another one has taken its place.
    fn forget(&self, room: &RoomId, slot: &Slot) {
        let mut hubs = self.0.borrow_mut();
        if hubs.get(room).is_some_and(|known| Rc::ptr_eq(known, slot)) {
            hubs.remove(room);
        }
    }
}

impl Hub {
    /// Whether it has all that follows a position.
    pub(super) fn reaches(&self, after: &PositionText) -> bool {
        let recent = self.recent.borrow();
        let is_of_this_life = after.epoch.as_ref().is_none_or(|epoch| *epoch == recent.head.epoch);
        is_of_this_life && recent.has_what_follows(after.seq)
    }

    /// The first records after one that it reaches, at most `limit`, or none after `longest`; and how many they are.
    pub(super) async fn records_after(&self, after: Seq, longest: Duration, limit: usize) -> (usize, Bytes) {
        self.asked.set(true);
        let records = async {
            loop {
                let news = self.news.notified();
                if let Some(page) = self.recent.borrow_mut().page(after, limit) {
                    return page;
                }
                news.await;
            }
        };
        // Time over is no record, too.
        timeout(longest, records).await.unwrap_or_else(|_| (0, self.recent.borrow().none(after)))
    }

    /// Takes what the room says until it ends or nobody asks any more.
    async fn follow(self: &Rc<Self>, mut reader: Reader) {
        loop {
            let look = Instant::now() + IDLE;
            while let Ok(frames) = timeout_at(look, poll_fn(|task| reader.poll_frames(task))).await {
                let Some(frames) = frames else { return };
                self.recent.borrow_mut().add(frames);
                self.news.notify_waiters();
            }
            // The slot and this task have one each; the others belong to those who wait.
            if !self.asked.take() && Rc::strong_count(self) == 2 {
                return;
            }
        }
    }

    fn end(&self) {
        self.recent.borrow_mut().ended = true;
        self.news.notify_waiters();
    }
}

/// The latest records, without a gap.
struct Recent {
    head: Position,
    records: VecDeque<ByteString>,
    bytes: usize,
    /// No more records come.
    ended: bool,
    /// The last answer, for most ask for the same.
    answered: Option<Answered>,
}

/// A page, and what was asked for.
struct Answered {
    after: Seq,
    limit: usize,
    records: usize,
    page: Bytes,
}

impl Recent {
    fn at(head: Position) -> Self {
        Self { head, records: VecDeque::new(), bytes: 0, ended: false, answered: None }
    }

    fn add(&mut self, records: Vec<ByteString>) {
        self.head.seq += records.len() as Seq;
        self.bytes += records.iter().map(|record| record.len()).sum::<usize>();
        self.records.extend(records);
        self.answered = None;
        while self.records.len() > RECORDS || self.bytes > BYTES {
            self.bytes -= self.records.pop_front().map_or(0, |record| record.len());
        }
    }

    fn has_what_follows(&self, after: Seq) -> bool {
        after <= self.head.seq && self.head.seq - after <= self.records.len() as Seq
    }

    /// What there is after a record; nothing yet where that is the newest one. Whoever waited for so long that it is not
    /// kept any more gets no records, and finds them with the next poll.
    fn page(&mut self, after: Seq, limit: usize) -> Option<(usize, Bytes)> {
        let same = |answered: &&Answered| (answered.after, answered.limit) == (after, limit);
        if let Some(Answered { records, page, .. }) = self.answered.as_ref().filter(same) {
            return Some((*records, page.clone()));
        }
        if !self.has_what_follows(after) {
            return Some((0, self.none(after)));
        }
        let following = usize::try_from(self.head.seq - after).unwrap_or(usize::MAX);
        if following == 0 {
            return self.ended.then(|| (0, self.none(after)));
        }
        let first = self.records.len() - following;
        let records: Vec<&ByteString> = self.records.iter().skip(first).take(limit).collect();
        let (records, page) = (records.len(), page(&self.head, after, &records));
        self.answered = Some(Answered { after, limit, records, page: page.clone() });
        Some((records, page))
    }

    fn none(&self, after: Seq) -> Bytes {
        page(&self.head, after, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Epoch;

    fn recent(head: Seq, records: usize) -> Recent {
        let mut recent = Recent::at(Position { epoch: Epoch::new("e"), seq: head - records as Seq });
        recent.add((1..=records).map(|n| format!("{}", head - records as Seq + n as Seq).into()).collect());
        recent
    }

    fn page_after(recent: &mut Recent, after: Seq, limit: usize) -> Option<String> {
        let (_, page) = recent.page(after, limit)?;
        Some(String::from_utf8(page.to_vec()).unwrap())
    }

    #[test]
    fn whoever_is_near_gets_what_follows_and_waits_at_the_head() {
        let mut recent = recent(7, 3);
        let of = |records: &str, last: u64| {
            Some(format!(
                r#"{{"records":[{records}],"position":{{"epoch":"e","seq":{last}}},"head":{{"epoch":"e","seq":7}}}}"#
            ))
        };
        for _ in 0..2 {
            assert_eq!(page_after(&mut recent, 4, 50), of("5,6,7", 7));
            assert_eq!(page_after(&mut recent, 4, 2), of("5,6", 6));
        }
        assert_eq!(page_after(&mut recent, 7, 50), None);
        recent.ended = true;
        assert_eq!(page_after(&mut recent, 7, 50), of("", 7));
    }

    #[test]
    fn what_is_kept_is_bounded_and_what_is_not_kept_is_not_reached() {
        let mut recent = recent(10, 0);
        for _ in 0..RECORDS {
            recent.add(vec!["x".into(), "y".into()]);
        }
        assert_eq!((recent.records.len(), recent.head.seq), (RECORDS, 10 + 2 * RECORDS as Seq));
        let kept_after = recent.head.seq - RECORDS as Seq;
        assert!(recent.has_what_follows(kept_after) && recent.has_what_follows(recent.head.seq));
        assert!(!recent.has_what_follows(kept_after - 1) && !recent.has_what_follows(recent.head.seq + 1));
        assert_eq!(recent.page(kept_after - 1, 50).map(|(count, _)| count), Some(0));

        recent.add(vec!["z".repeat(BYTES).into()]);
        assert_eq!(recent.records.len(), 1);
    }

    #[test]
    fn an_answer_is_not_given_again_once_there_is_more() {
        let mut recent = recent(3, 3);
        assert_eq!(recent.page(2, 50).map(|(count, _)| count), Some(1));
        recent.add(vec!["4".into()]);
        assert_eq!(recent.page(2, 50).map(|(count, _)| count), Some(2));
    }
}
