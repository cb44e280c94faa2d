//! The steps of savers on their way to the database and back, and what their group's consumers read.
//! What is to be stored is the saver's answer; what may be stored is the database's.

use std::{fmt, sync::Arc};

use klatsch::{
    domain::RoomId,
    log::{
        Partition,
        kafka::{
            Offset,
            saver::{Event as Told, RoomRead, Step, Ticket},
        },
    },
    storage::Batch,
};

use super::{
    Cluster,
    event::{Event, ToNode},
};
use crate::{
    node::NodeRef,
    sabotage::Sabotage,
    tally::Happening,
    virtual_database::{Fence, NotStored},
};

/// What a saver hears of its step.
pub(super) enum Answer {
    Offsets(Vec<(Partition, Option<Offset>)>),
    Rooms(Vec<(RoomId, RoomRead)>),
    Buried,
    Stored(Result<(), NotStored>),
    /// Nothing is known; it may have been done.
    Failed,
}

/// States of rooms are left out: what is in them has no order.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Offsets(offsets) => write!(f, "Offsets({offsets:?})"),
            Self::Rooms(rooms) => {
                let names = rooms.iter().map(|(room, read)| (room, read.is_ok()));
                f.debug_list().entries(names).finish()
            }
            Self::Buried => write!(f, "Buried"),
            Self::Stored(stored) => write!(f, "Stored({stored:?})"),
            Self::Failed => write!(f, "Failed"),
        }
    }
}

impl Cluster {
    /// The group says something to a member.
    pub(super) fn group_says(&mut self, me: NodeRef, told: Told) {
        self.node(me).saving.take(told);
        self.drive(me);
    }

    /// Lets a saver go on as far as it can.
    fn drive(&mut self, me: NodeRef) {
        while let Some(step) = self.node(me).saving.begin() {
            let Step::Seek(seeks) = step else { return self.send(Event::Save(me, step)) };
            let (log, saving) = (&self.log, &mut self.nodes[me.node].saving);
            saving.seek(&seeks, |partition| log.start(partition));
            saving.end();
            self.poll_for_saver_soon(me);
        }
    }

    /// A step reaches the database, or the topic of dead letters.
    pub(super) fn save(&mut self, from: NodeRef, step: Step) {
        let answer = match &step {
            Step::Bury(letters) => match self.is_broker_down() {
                true => Answer::Failed,
                false => {
                    if !self.is(Sabotage::LoseDeadLetters) {
                        self.tally.count(Happening::DeadLettersWritten);
                        self.judge.buried(letters);
                    }
                    Answer::Buried
                }
            },
            _ if self.does_database_fail() => Answer::Failed,
            Step::ReadOffsets(wanted) => {
                let find = |partition: &Partition| (*partition, self.database.next_offset(*partition));
                Answer::Offsets(wanted.iter().map(find).collect())
            }
            Step::ReadRooms(wanted) => {
                Answer::Rooms(wanted.iter().map(|room| (room.clone(), self.read_room(room))).collect())
            }
            Step::Store(_) => self.store(&step),
            Step::Seek(_) => return,
        };
        self.answer(from, ToNode::Saved(answer));
    }

    fn read_room(&self, room: &RoomId) -> RoomRead {
        let loaded = self.database.load(room, 0, 0);
        let loaded = loaded.ok_or_else(|| "its key is no room of the log".to_owned())?;
        Ok((loaded.partition, loaded.folded))
    }

    /// A transaction whose answer may be lost, or which is late and comes when it was tried again already.
    fn store(&mut self, step: &Step) -> Answer {
        let doubtful = !self.is_quiet() && self.chance.hits(self.plan.commit_doubtful);
        if doubtful && self.chance.hits(500) {
            let late = self.chance.between(0, 3_000);
            self.schedule.after(late, Event::LateCommit(step.clone()));
            return Answer::Failed;
        }
        let stored = self.commit(step);
        self.tally.count(match stored {
            Ok(()) if doubtful => Happening::BatchStoredAndReportedAsFailed,
            Ok(()) => Happening::BatchStored,
            Err(_) => Happening::TwinFenced,
        });
        if doubtful { Answer::Failed } else { Answer::Stored(stored) }
    }

    /// A transaction of which nobody waits for the outcome any more.
    pub(super) fn commit_late(&mut self, step: &Step) {
        let stored = self.commit(step);
        self.tally.count(match stored {
            Ok(()) => Happening::BatchStoredLate,
            Err(_) => Happening::LateBatchFenced,
        });
    }

    fn commit(&mut self, step: &Step) -> Result<(), NotStored> {
        let Step::Store(batch) = step else { return Ok(()) };
        let batch: Arc<Batch> = Arc::clone(batch);
        let fence = if self.is(Sabotage::SkipTheFence) { Fence::Broken } else { Fence::Kept };
        if self.is(Sabotage::LoseMemberships) {
            let poorer = Batch { memberships: Vec::new(), ..Batch::clone(&batch) };
            self.database.store(&poorer, fence)?;
        } else {
            self.database.store(&batch, fence)?;
        }
        self.judge.stored(&batch, &self.database);
        Ok(())
    }

    /// What came of a step reaches the saver.
    pub(super) fn saved(&mut self, me: NodeRef, answer: Answer) {
        let saver = &mut self.node(me).saving.saver;
        match answer {
            Answer::Offsets(offsets) => saver.offsets_read(offsets),
            Answer::Rooms(rooms) => saver.rooms_read(rooms),
            Answer::Buried => saver.buried(),
            Answer::Stored(Ok(())) => drop(saver.stored()),
            Answer::Stored(Err(NotStored::Fenced)) => saver.fenced(),
            Answer::Stored(Err(NotStored::Conflict)) => {
                saver.fenced();
                return self.later(me, (100, 2_000), ToNode::SaveAgain);
            }
            Answer::Failed => return self.later(me, (100, 2_000), ToNode::SaveAgain),
        }
        self.save_again(me);
    }

    pub(super) fn save_again(&mut self, me: NodeRef) {
        self.node(me).saving.end();
        self.drive(me);
    }

    /// Has a group's consumer look for entries, if there are some.
    pub(super) fn poll_for_saver_soon(&mut self, me: NodeRef) {
        let node = &self.nodes[me.node];
        let waits = |(partition, reading): (&Partition, &(u64, Offset))| reading.1 < self.log.end(*partition);
        if node.is_up && !node.saving.is_polling && node.saving.readings.iter().any(waits) {
            self.node(me).saving.is_polling = true;
            self.answer(me, ToNode::PollForSaver);
        }
    }

    /// A group's consumer gets what waits.
    pub(super) fn poll_for_saver(&mut self, me: NodeRef) {
        if self.is_broker_down() {
            let up = self.broker_down_until;
            return self.schedule.at(up, Event::Node(me, Box::new(ToNode::PollForSaver)));
        }
        self.node(me).saving.is_polling = false;
        for (partition, (ticket, next)) in self.nodes[me.node].saving.readings.clone() {
            self.fetch_for_saver(me, partition, ticket, next);
        }
        self.drive(me);
        self.poll_for_saver_soon(me);
    }

    fn fetch_for_saver(&mut self, me: NodeRef, partition: Partition, ticket: Ticket, next: Offset) {
        let start = self.log.start(partition);
        let again = Offset::from(self.chance.hits(self.plan.again)) * 3;
        let from = (next - again).max(start).min(next.max(start));
        let Ok(mut entries) = self.log.read(partition, from, self.plan.fetch + 3) else { return };
        let Some(last) = entries.last() else { return };
        let reading = (ticket, last.offset + 1);
        // What is missing where the first entry that there is was asked for cannot be noticed.
        let first = (partition, entries[0].offset);
        let may_leave_out = entries.len() > 1 && next > start;
        let leaves_out = may_leave_out && self.chance.hits(self.plan.left_out);
        let saving = &mut self.nodes[me.node].saving;
        if leaves_out && saving.left_out.insert(first) {
            self.tally.count(Happening::EntryLeftOut);
            entries.remove(0);
        }
        saving.readings.insert(partition, reading);
        saving.take(Told::Fetched { partition, ticket, entries });
    }
}
