//! How a node brings a room up to date: from the database, from what it has in memory, from the log itself.
//! What of the log goes into the room is the dispatch's answer.

use klatsch::{
    domain::{Outcome, Record, RoomId, RoomState},
    log::{
        Partition,
        kafka::{Entry, Offset, dispatch::AttachError},
    },
    wire::log_record,
};

use super::{
    Cluster,
    event::{Event, ToNode},
};
use crate::{
    node::NodeRef,
    sabotage::Sabotage,
    schedule::Millis,
    talk::Frame,
    tally::Happening,
    update::{Signal, Update, Why},
    virtual_database::Loaded,
};

/// How long a room may take to be brought up to date.
const PATIENCE: Millis = 10_000;

/// How often its state may turn out to be older than what is in memory.
const TRIES: u32 = 5;

impl Cluster {
    /// Begins to bring a room up to date.
    pub(super) fn begin_update(&mut self, me: NodeRef, room: RoomId, why: Why) {
        self.begin_update_as(me, room, why);
    }

    pub(super) fn begin_update_as(&mut self, me: NodeRef, room: RoomId, why: Why) -> u64 {
        let number = self.node(me).number();
        let asked_head = self.judge.head(&room);
        self.node(me).updates.insert(number, Update::new(room, why, asked_head));
        self.later(me, (PATIENCE, PATIENCE), ToNode::GiveUp(number));
        self.send(Event::Load(me, number));
        number
    }

    /// The name of the next opening of a node.
    pub(super) fn next_run(&mut self, me: NodeRef) -> Box<str> {
        let node = self.node(me);
        let number = node.number();
        match self.sabotage {
            Some(Sabotage::ShareRuns) => "run".into(),
            _ => self.node(me).run(number),
        }
    }

    /// The database is asked for a room.
    pub(super) fn load(&mut self, from: NodeRef, number: u64) {
        let Some(update) = self.nodes[from.node].updates.get(&number) else { return };
        let room = update.room.clone();
        let after = match update.why {
            Why::Open { .. } => 0,
            Why::CatchUp { after, .. } | Why::History { after } => after,
        };
        if self.does_database_fail() {
            return self.answer(from, ToNode::Loaded(number, None));
        }
        let partition = self.chance.between(0, i64::from(self.plan.partitions) - 1) as Partition;
        self.database.place(&room, partition);
        let mut loaded = self.database.load(&room, after, self.plan.page);
        if let Some(loaded) = &loaded {
            self.judge.placed(&room, loaded.partition);
        }
        if self.is(Sabotage::ReadInTwoInstants)
            && let Some(loaded) = &mut loaded
        {
            loaded.next_offset = Some(self.log.end(loaded.partition));
        }
        self.answer(from, ToNode::Loaded(number, loaded));
    }

    /// What the database has of a room reaches the node.
    pub(super) fn loaded(&mut self, me: NodeRef, number: u64, loaded: Option<Loaded>) {
        let Some(loaded) = loaded else { return self.fail_update(me, number) };
        let page = self.plan.page;
        let Some(update) = self.node(me).updates.get_mut(&number) else { return };
        update.partition = loaded.partition;
        update.from = loaded.next_offset.unwrap_or(0);
        update.state = loaded.folded.state;
        update.records = loaded.rows;
        // A full page needs nothing of the log, nor does one that has all that was in the log when it was asked for.
        let is_whole = update.records.len() == page || (update.waited && update.from >= update.until);
        if is_whole && !matches!(update.why, Why::Open { .. }) {
            return self.updated(me, number, Vec::new());
        }
        self.send(Event::Extent(me, number, loaded.partition));
    }

    /// The log is asked where a partition begins and ends.
    pub(super) fn extent(&mut self, from: NodeRef, number: u64, partition: Partition) {
        let extent = (!self.is_broker_down()).then(|| (self.log.start(partition), self.log.end(partition)));
        self.answer(from, ToNode::Extent(number, extent));
    }

    /// Where a partition begins and ends reaches the node.
    pub(super) fn extent_known(&mut self, me: NodeRef, number: u64, extent: Option<(Offset, Offset)>) {
        let skips = self.is(Sabotage::SkipTheWatermark);
        if let Some((_, opening)) = self.node(me).settling.get(&number) {
            let opening = *opening;
            let partition = self.node(me).opening(opening).map(|room| room.partition);
            let (Some((_, end)), Some(partition)) = (extent, partition) else {
                return self.not_settled(me, number);
            };
            self.node(me).settle(number, partition, end);
            return self.carry(me);
        }
        let Some(update) = self.node(me).updates.get_mut(&number) else { return };
        match extent {
            // What is not kept any more must be stored already.
            Some((start, end)) if update.from >= start => {
                update.until = if skips { update.from } else { end };
                if update.waited || matches!(update.why, Why::Open { .. }) {
                    return self.attach(me, number);
                }
                update.waited = true;
                let pause = self.chance.between(0, 250);
                self.schedule.after(pause, Event::Load(me, number));
            }
            Some(_) | None => self.fail_update(me, number),
        }
    }

    fn attach(&mut self, me: NodeRef, number: u64) {
        self.node(me).attach(number);
        self.carry(me);
    }

    /// Does what the dispatch wants done, and hears what it says.
    pub(super) fn carry(&mut self, me: NodeRef) {
        let skipped = Offset::from(self.is(Sabotage::DropAtAttach));
        let (signals, touched) = self.node(me).carry(skipped);
        for signal in signals {
            self.later(me, (0, 3), ToNode::Signal(signal));
        }
        for opening in touched {
            self.later(me, (0, 3), ToNode::Run(opening));
        }
        self.poll_soon(me);
    }

    /// The dispatch said something.
    pub(super) fn signalled(&mut self, me: NodeRef, signal: Signal) {
        match signal {
            Signal::Settled(number) => self.settled(me, number),
            Signal::Opened(number, Ok(state)) => self.opened(me, number, state),
            Signal::Read(number, Ok((state, records))) => self.read(me, number, &state, records),
            Signal::Opened(number, Err(error)) | Signal::Read(number, Err(error)) => {
                self.not_attached(me, number, error);
            }
        }
    }

    fn opened(&mut self, me: NodeRef, number: u64, state: RoomState) {
        let Some(mut update) = self.node(me).updates.remove(&number) else { return };
        let Why::Open { run } = update.why.clone() else { return };
        self.tally.count(Happening::RoomOpened);
        self.judge.opened(&update.room, &state, update.asked_head);
        update.state = state;
        self.awake(me, number, update, run);
    }

    fn read(&mut self, me: NodeRef, number: u64, state: &RoomState, more: Vec<Record>) {
        let Some(update) = self.nodes[me.node].updates.get(&number) else { return };
        self.judge.opened(&update.room, state, update.asked_head);
        self.updated(me, number, more);
    }

    fn not_attached(&mut self, me: NodeRef, number: u64, error: AttachError) {
        let Some(update) = self.node(me).updates.get(&number) else { return };
        match error {
            AttachError::TooOld(until) if update.tries < TRIES => {
                self.tally.count(Happening::StateOlderThanMemory);
                self.send(Event::Tail(me, number, until));
            }
            AttachError::TooOld(_) | AttachError::Lost => self.fail_update(me, number),
        }
    }

    /// A node reads a part of a partition apart from its consumer.
    pub(super) fn tail(&mut self, from: NodeRef, number: u64, until: Offset) {
        let Some(update) = self.nodes[from.node].updates.get(&number) else { return };
        let read = self.log.read(update.partition, update.from, usize::MAX).ok();
        let read = read.filter(|_| !self.is_broker_down());
        let entries =
            read.map(|entries| entries.into_iter().take_while(|entry| entry.offset < until).collect());
        self.answer(from, ToNode::Tail(number, entries, until));
    }

    /// What lay between reaches the node.
    pub(super) fn tail_read(&mut self, me: NodeRef, number: u64, entries: Option<Vec<Entry>>, until: Offset) {
        let Some(update) = self.node(me).updates.get_mut(&number) else { return };
        let Some(entries) = entries else { return self.fail_update(me, number) };
        fold(&entries, update);
        update.from = until;
        self.tally.count(Happening::ReadApart);
        self.attach(me, number);
    }

    /// Nobody waits for an update or a barrier any longer.
    pub(super) fn give_up(&mut self, me: NodeRef, number: u64) {
        self.not_settled(me, number);
        self.fail_update(me, number);
    }

    fn fail_update(&mut self, me: NodeRef, number: u64) {
        let Some(update) = self.node(me).updates.remove(&number) else { return };
        match update.why {
            Why::Open { .. } => self.stay_asleep(me, number, &update.room),
            Why::CatchUp { peer, opening, .. } => {
                if let Some(room) = self.node(me).opening(opening) {
                    room.forget(peer);
                }
                self.tell(peer, Frame::Closed);
            }
            Why::History { .. } => {}
        }
    }
}

fn fold(entries: &[Entry], update: &mut Update) {
    let is_of_room = |entry: &&Entry| entry.key.as_deref() == Some(update.room.as_str().as_bytes());
    for entry in entries.iter().filter(is_of_room) {
        let Ok(record) = log_record::decode(&entry.value) else { continue };
        if let Outcome::Recorded(record) = update.state.apply(record.proposal, entry.appended_at) {
            update.records.push(record);
        }
    }
}
