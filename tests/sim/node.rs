//! One life of a node: its dispatch and consumer, its rooms, and what it is bringing up to date.
//! When anything reaches it, and what becomes of what it wants, is for the cluster to say.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use klatsch::{
    domain::{RoomId, UserId},
    log::{
        Delivery, Partition, Sink,
        kafka::{
            Offset,
            dispatch::{Attach, Change, Dispatch, Purpose},
        },
    },
};

use crate::{
    room::Room,
    saving::Saving,
    schedule::{Line, Millis},
    talk::Request,
    update::{Signal, Update, Why},
};

/// A life of a node; what is sent to a former life is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeRef {
    pub(crate) node: usize,
    pub(crate) life: u64,
}

/// A node.
pub(crate) struct Node {
    pub(crate) me: NodeRef,
    pub(crate) is_up: bool,
    /// Until then it stands still.
    pub(crate) paused_until: Millis,
    pub(crate) dispatch: Dispatch,
    /// Where the consumer is in each partition that it reads.
    pub(crate) positions: BTreeMap<Partition, Offset>,
    pub(crate) is_polling: bool,
    pub(crate) rooms: BTreeMap<RoomId, Place>,
    pub(crate) updates: BTreeMap<u64, Update>,
    pub(crate) mail: BTreeMap<u64, VecDeque<Mail>>,
    /// Who waits until a room has applied what was in the log.
    pub(crate) settling: BTreeMap<u64, (UserId, u64)>,
    pub(crate) producing: BTreeMap<Partition, Line>,
    pub(crate) saving: Saving,
    signals: Signals,
    numbers: u64,
}

/// A room of a node.
pub(crate) enum Place {
    /// It is being opened under this number; these wait.
    Waking(u64, Vec<Request>),
    Awake(Box<Room>),
}

/// What a room finds in its mailbox.
#[derive(Debug)]
pub(crate) enum Mail {
    Delivery(Delivery),
    /// Its sink was dropped: it must be opened anew.
    End,
}

type Signals = Arc<Mutex<Vec<Said>>>;

enum Said {
    Signal(Box<Signal>),
    Mail(u64, Mail),
}

impl Node {
    /// A life that has just begun.
    pub(crate) fn new(me: NodeRef, ring_bytes: usize, saving: Saving) -> Self {
        Self {
            me,
            is_up: true,
            paused_until: 0,
            dispatch: Dispatch::new(ring_bytes),
            positions: BTreeMap::new(),
            is_polling: false,
            rooms: BTreeMap::new(),
            updates: BTreeMap::new(),
            mail: BTreeMap::new(),
            settling: BTreeMap::new(),
            producing: BTreeMap::new(),
            saving,
            signals: Signals::default(),
            numbers: 0,
        }
    }

    /// A number that this life has not used.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    /// The name of an opening, which no other opening has.
    pub(crate) fn run(&self, number: u64) -> Box<str> {
        format!("n{}.{}.{number}", self.me.node, self.me.life).into()
    }

    /// Hands an update to the dispatch.
    pub(crate) fn attach(&mut self, number: u64) {
        let Some(update) = self.updates.get_mut(&number) else { return };
        update.tries += 1;
        let purpose = purpose(number, update, &self.signals);
        if let Purpose::Open { .. } = purpose {
            self.mail.entry(number).or_default();
        }
        let Update { room, partition, from, until, state, .. } = update;
        self.dispatch.attach(Attach {
            room: room.clone(),
            partition: *partition,
            from: *from,
            until: *until,
            state: state.clone(),
            purpose,
        });
    }

    /// Asks the dispatch to say when everything below an offset was handed over.
    pub(crate) fn settle(&mut self, number: u64, partition: Partition, until: Offset) {
        let signals = Arc::clone(&self.signals);
        let settled = Box::new(move || say(&signals, Said::Signal(Box::new(Signal::Settled(number)))));
        self.dispatch.settle(partition, until, settled);
    }

    /// Moves the consumer to where the dispatch wants it, and mail to its rooms. Gives what the dispatch said, and
    /// whose mailboxes have something.
    pub(crate) fn carry(&mut self, skipped: Offset) -> (Vec<Signal>, Vec<u64>) {
        for change in self.dispatch.changes() {
            match change {
                Change::Assign(partition, offset) => {
                    self.positions.insert(partition, offset + skipped);
                }
                Change::Unassign(partition) => drop(self.positions.remove(&partition)),
            }
        }
        let said = std::mem::take(&mut *self.signals.lock().expect("nobody panics with it"));
        let (mut signals, mut touched) = (Vec::new(), Vec::new());
        for said in said {
            match said {
                Said::Signal(signal) => signals.push(*signal),
                Said::Mail(number, mail) => {
                    if let Some(box_of) = self.mail.get_mut(&number) {
                        box_of.push_back(mail);
                        touched.push(number);
                    }
                }
            }
        }
        // Rooms that lose their sinks together do so in no order.
        touched.sort_unstable();
        touched.dedup();
        (signals, touched)
    }

    /// The awake room of an opening.
    pub(crate) fn opening(&mut self, number: u64) -> Option<&mut Room> {
        self.rooms.values_mut().find_map(|place| match place {
            Place::Awake(room) if room.opening == number => Some(&mut **room),
            Place::Awake(_) | Place::Waking(..) => None,
        })
    }
}

/// What a room is attached for; the answer goes to the signals, as long as somebody waits for it.
fn purpose(number: u64, update: &Update, signals: &Signals) -> Purpose {
    let (wanted, told) = (Arc::downgrade(&update.wanted), Arc::clone(signals));
    let tell = move |signal| {
        let wanted = wanted.upgrade().is_some();
        if wanted {
            say(&told, Said::Signal(Box::new(signal)));
        }
        wanted
    };
    match &update.why {
        Why::Open { run } => Purpose::Open {
            run: run.clone(),
            sink: sink(number, signals),
            opened: Box::new(move |state| tell(Signal::Opened(number, state))),
        },
        Why::CatchUp { .. } | Why::History { .. } => {
            Purpose::Read { done: Box::new(move |read| tell(Signal::Read(number, read))) }
        }
    }
}

fn say(signals: &Signals, said: Said) {
    signals.lock().expect("nobody panics with it").push(said);
}

/// Where a room gets its deliveries; when it is dropped, the room finds that in its mailbox.
fn sink(number: u64, signals: &Signals) -> Sink {
    struct Ending(u64, Signals);
    impl Drop for Ending {
        fn drop(&mut self) {
            say(&self.1, Said::Mail(self.0, Mail::End));
        }
    }
    let ending = Ending(number, Arc::clone(signals));
    Arc::new(move |deliveries| {
        for delivery in deliveries {
            say(&ending.1, Said::Mail(ending.0, Mail::Delivery(delivery)));
        }
    })
}
