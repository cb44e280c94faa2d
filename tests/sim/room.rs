//! An awake room of a node, as its actor would drive it: the desk, recent records, and readers who are catching up.
//! What is to be appended and told is its answer; it reaches nobody itself.

use std::collections::{BTreeMap, VecDeque};

use klatsch::{
    domain::{
        Applied, Code, Command, Desk, Epoch, FirstSend, Missing, Outcome, Position, Proposal, Record,
        RecordKind, Refusal, Resume, RoomId, RoomState, Seq, Step, Token, UserId,
    },
    log::{Committed, Delivery, Partition},
};

use crate::talk::{Ask, Frame, Peer, Request, Start};

/// What a room wants done.
#[derive(Debug)]
pub(crate) enum Out {
    Append {
        token: Token,
        proposal: Proposal,
    },
    Tell(Peer, Frame),
    /// Read what this reader lacks from the log, then tell the room how far it got.
    CatchUp(Peer, Missing),
    /// Ask again after everything that is in the log now was applied.
    Settle(Request),
}

/// An awake room.
pub(crate) struct Room {
    pub(crate) opening: u64,
    pub(crate) id: RoomId,
    pub(crate) partition: Partition,
    pub(crate) run: Box<str>,
    pub(crate) is_idle_since_last_look: bool,
    desk: Desk<Waiter>,
    recent: VecDeque<Record>,
    most_recent: usize,
    readers: BTreeMap<Peer, Reader>,
}

#[derive(Debug)]
enum Waiter {
    Send(Peer, u64),
    Leave(Peer),
    Subscribe(Peer, UserId, Start),
}

struct Reader {
    user: UserId,
    live: bool,
}

impl Room {
    /// A room as it was opened.
    pub(crate) fn new(
        opening: u64,
        id: RoomId,
        (partition, run): (Partition, Box<str>),
        state: RoomState,
        most_recent: usize,
    ) -> Self {
        Self {
            opening,
            id,
            partition,
            run,
            is_idle_since_last_look: false,
            desk: Desk::new(state),
            recent: VecDeque::new(),
            most_recent,
            readers: BTreeMap::new(),
        }
    }

    /// The fold.
    pub(crate) fn state(&self) -> &RoomState {
        self.desk.state()
    }

    /// Whether it may sleep.
    pub(crate) fn is_idle(&self) -> bool {
        self.readers.is_empty() && self.desk.appending() == 0
    }

    /// Everybody who reads it.
    pub(crate) fn readers(&self) -> Vec<Peer> {
        self.readers.keys().copied().collect()
    }

    /// Somebody does not read it any more.
    pub(crate) fn forget(&mut self, peer: Peer) {
        self.readers.remove(&peer);
    }

    /// Takes a request.
    pub(crate) fn ask(&mut self, request: Request, out: &mut Vec<Out>) {
        self.is_idle_since_last_look = false;
        match request.ask {
            Ask::Subscribe(Start::After(seq)) if seq > self.state().head() => out.push(Out::Settle(request)),
            Ask::Unsubscribe => drop(self.readers.remove(&request.peer)),
            _ => self.ask_now(request, out),
        }
    }

    /// Takes a request that waits for nothing any more.
    pub(crate) fn ask_now(&mut self, Request { peer, user, ask, .. }: Request, out: &mut Vec<Out>) {
        let (command, waiter) = match ask {
            Ask::Subscribe(start) => (Command::Join, Waiter::Subscribe(peer, user.id.clone(), start)),
            Ask::Send { number, client_id, body } => {
                (Command::Send { body, client_id }, Waiter::Send(peer, number))
            }
            Ask::Leave => (Command::Leave, Waiter::Leave(peer)),
            Ask::Unsubscribe | Ask::History { .. } => return,
        };
        let step = self.desk.ask(user, command, waiter);
        self.follow(step.into_iter().collect(), out);
    }

    /// Takes what the log has for it.
    pub(crate) fn take(&mut self, delivery: Delivery, out: &mut Vec<Out>) {
        self.is_idle_since_last_look = false;
        match delivery {
            Delivery::Committed(committed) => self.committed(committed, out),
            Delivery::Failed { token, error } => self.fail(token, error.into(), out),
        }
    }

    /// An append is not taken.
    pub(crate) fn fail(&mut self, token: Token, refusal: Refusal, out: &mut Vec<Out>) {
        let next = self.desk.fail(token, refusal);
        self.follow(next, out);
    }

    fn committed(&mut self, Committed { token, proposal, appended_at }: Committed, out: &mut Vec<Out>) {
        let Applied { outcome, waiter, next } = self.desk.apply(token, proposal, appended_at);
        if let Outcome::Recorded(record) = &outcome {
            self.show(record, out);
        }
        if let Some(waiter) = waiter {
            self.settle(waiter, outcome, out);
        }
        self.follow(next, out);
    }

    fn show(&mut self, record: &Record, out: &mut Vec<Out>) {
        if record.kind == RecordKind::Left {
            let (expelled, staying) = std::mem::take(&mut self.readers)
                .into_iter()
                .partition::<BTreeMap<_, _>, _>(|(_, reader)| reader.user == record.sender.id);
            self.readers = staying;
            out.extend(expelled.into_keys().map(|peer| Out::Tell(peer, Frame::Parted)));
        }
        self.recent.push_back(record.clone());
        while self.recent.len() > self.most_recent {
            self.recent.pop_front();
        }
        let live = self.readers.iter().filter(|(_, reader)| reader.live);
        out.extend(live.map(|(peer, _)| Out::Tell(*peer, Frame::Record(record.clone()))));
    }

    fn follow(&mut self, steps: Vec<Step<Waiter>>, out: &mut Vec<Out>) {
        for step in steps {
            match step {
                Step::Append { token, proposal } => out.push(Out::Append { token, proposal }),
                Step::Answer { waiter, outcome } => self.settle(waiter, outcome, out),
                Step::Refuse { waiter, refusal } => out.push(refuse(&waiter, refusal.code)),
            }
        }
    }

    fn settle(&mut self, waiter: Waiter, outcome: Outcome, out: &mut Vec<Out>) {
        match (waiter, outcome) {
            (waiter, Outcome::Refused(code)) => out.push(refuse(&waiter, code)),
            (Waiter::Send(peer, number), Outcome::Recorded(record)) => {
                let first = FirstSend { seq: record.seq, at: record.at };
                out.push(Out::Tell(peer, Frame::Ack { number, first, repeated: false }));
            }
            (Waiter::Send(peer, number), Outcome::Repeated(first)) => {
                out.push(Out::Tell(peer, Frame::Ack { number, first, repeated: true }));
            }
            (waiter @ Waiter::Send(..), Outcome::Unchanged) => out.push(refuse(&waiter, Code::Internal)),
            (Waiter::Leave(peer), _) => out.push(Out::Tell(peer, Frame::Left)),
            (Waiter::Subscribe(peer, user, start), Outcome::Recorded(record)) => {
                self.subscribe(peer, user, (start, record.seq - 1), out);
            }
            (Waiter::Subscribe(peer, user, start), _) => {
                self.subscribe(peer, user, (start, self.state().head()), out);
            }
        }
    }

    fn subscribe(&mut self, peer: Peer, user: UserId, (start, known): (Start, Seq), out: &mut Vec<Out>) {
        let head = self.state().head();
        let epoch = || Epoch::new("e");
        let resume = match start {
            Start::Live => Resume::From(head),
            Start::Last(count) => Resume::From(head.saturating_sub(count)),
            Start::After(seq) => {
                let asked = Position { epoch: epoch(), seq }.into();
                Resume::judge(&asked, &Position { epoch: epoch(), seq: known })
            }
        };
        let (after, missing) = match resume {
            Resume::From(seq) => (seq, None),
            Resume::Lost(missing) => (head, Some(missing)),
        };
        out.push(Out::Tell(peer, Frame::Joined { after, missing }));
        self.readers.insert(peer, Reader { user, live: false });
        self.go_on(peer, after, out);
    }

    /// Makes a reader live after this record, if the room remembers all that followed.
    pub(crate) fn go_on(&mut self, peer: Peer, after: Seq, out: &mut Vec<Out>) {
        let head = self.state().head();
        let Some(reader) = self.readers.get_mut(&peer) else { return };
        let lacking = (head - after.min(head)) as usize;
        match self.recent.len().checked_sub(lacking) {
            Some(skipped) => {
                reader.live = true;
                let records = self.recent.iter().skip(skipped);
                out.extend(records.map(|record| Out::Tell(peer, Frame::Record(record.clone()))));
            }
            None => out.push(Out::CatchUp(peer, Missing { from: after + 1, to: head })),
        }
    }
}

fn refuse(waiter: &Waiter, code: Code) -> Out {
    let (peer, number) = match waiter {
        Waiter::Send(peer, number) => (*peer, Some(*number)),
        Waiter::Leave(peer) | Waiter::Subscribe(peer, ..) => (*peer, None),
    };
    Out::Tell(peer, Frame::Refused { number, code })
}
