//! An awake room of a node, as its actor would drive it: the desk, recent records, and readers who are catching up.
//! What is to be appended and told is its answer; it reaches nobody itself.

use std::collections::{BTreeMap, VecDeque};

use klatsch::{
    domain::{
        Applied, Asked, Code, Command, Desk, Epoch, FirstSend, Message, Missing, Outcome, Position, Proposal,
        Record, Refusal, Resume, Retry, RoomId, RoomState, Seq, Step, Timestamp, Token, UserId,
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
    /// Say when everything that is in the log now was applied; this user's commands wait for it.
    Settle(UserId),
    /// A user who became a member by a record is told that they are none.
    NotAMember(UserId, Seq),
    /// What was allowed by so many records is refused for good.
    Denied(UserId, Code, u64),
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

/// Who waits for an answer.
#[derive(Debug)]
pub(crate) enum Waiter {
    Send(Peer, UserId, u64, Option<Seq>, Right),
    Leave(Peer, UserId, Option<Seq>),
    Act(Peer, UserId, Right),
    Subscribe(Peer, UserId, Start, Right),
}

/// By how many records what somebody asks was allowed, if it was.
type Right = Option<u64>;

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
        desk: Desk<Waiter>,
        most_recent: usize,
    ) -> Self {
        Self {
            opening,
            id,
            partition,
            run,
            is_idle_since_last_look: false,
            desk,
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
        self.readers.is_empty() && self.desk.is_at_rest()
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
    pub(crate) fn ask(&mut self, request: Request, now: Timestamp, out: &mut Vec<Out>) {
        let Request { peer, user, membership, right, ask, .. } = request;
        self.is_idle_since_last_look = false;
        let (command, floor, waiter) = match ask {
            Ask::Subscribe(start) => {
                let floor = if let Start::After(seq) = start { seq } else { 0 };
                (Command::Join, floor, Waiter::Subscribe(peer, user.id.clone(), start, right))
            }
            Ask::Send { number, client_id, body } => {
                let waiter = Waiter::Send(peer, user.id.clone(), number, membership, right);
                (Command::Send(Message::new(body, client_id)), 0, waiter)
            }
            Ask::Act(act) => (Command::Act(act), 0, Waiter::Act(peer, user.id.clone(), right)),
            Ask::Leave => (Command::Leave, 0, Waiter::Leave(peer, user.id.clone(), membership)),
            Ask::Unsubscribe => return self.forget(peer),
            Ask::History { .. } => return,
        };
        let steps = self.desk.ask(Asked { sender: user, command, floor, now, waiter });
        self.follow(steps, out);
    }

    /// What was in the log for a user has been applied.
    pub(crate) fn settled(&mut self, user: &UserId, out: &mut Vec<Out>) {
        let steps = self.desk.settled(user);
        self.follow(steps, out);
    }

    /// Nobody knows what is in the log.
    pub(crate) fn unsettled(&mut self, user: &UserId, out: &mut Vec<Out>) {
        let steps = self.desk.unsettled(user, &Code::LogUnavailable.into());
        self.follow(steps, out);
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
        if let Some(parted) = record.parted() {
            let (expelled, staying) = std::mem::take(&mut self.readers)
                .into_iter()
                .partition::<BTreeMap<_, _>, _>(|(_, reader)| reader.user == *parted);
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
                Step::Settle(user) => out.push(Out::Settle(user)),
                Step::Answer { waiter, outcome } => self.settle(waiter, outcome, out),
                Step::Refuse { waiter, refusal } => refuse(&waiter, refusal.code, out),
            }
        }
    }

    fn settle(&mut self, waiter: Waiter, outcome: Outcome, out: &mut Vec<Out>) {
        match (waiter, outcome) {
            (waiter, Outcome::Refused(refusal)) => refuse(&waiter, refusal.code, out),
            (Waiter::Act(peer, ..), Outcome::Recorded(record)) => {
                out.push(Out::Tell(peer, Frame::Done(Some(record))));
            }
            (Waiter::Act(peer, ..), _) => out.push(Out::Tell(peer, Frame::Done(None))),
            (Waiter::Send(peer, _, number, ..), Outcome::Recorded(record)) => {
                let first = FirstSend { seq: record.seq, at: record.at };
                out.push(Out::Tell(peer, Frame::Ack { number, first, repeated: false }));
            }
            (Waiter::Send(peer, _, number, ..), Outcome::Repeated(first)) => {
                out.push(Out::Tell(peer, Frame::Ack { number, first, repeated: true }));
            }
            (waiter @ Waiter::Send(..), Outcome::Unchanged) => refuse(&waiter, Code::Internal, out),
            (Waiter::Leave(peer, user, membership), outcome) => {
                if outcome == Outcome::Unchanged {
                    out.extend(membership.map(|seq| Out::NotAMember(user, seq)));
                }
                out.push(Out::Tell(peer, Frame::Left));
            }
            (Waiter::Subscribe(peer, user, start, _), Outcome::Recorded(record)) => {
                self.subscribe(peer, user, (start, record.seq - 1), out);
            }
            (Waiter::Subscribe(peer, user, start, _), _) => {
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

fn refuse(waiter: &Waiter, code: Code, out: &mut Vec<Out>) {
    if let Waiter::Send(_, user, _, _, right)
    | Waiter::Act(_, user, right)
    | Waiter::Subscribe(_, user, _, right) = waiter
        && code.retry() == Retry::No
    {
        out.extend(right.map(|right| Out::Denied(user.clone(), code, right)));
    }
    let (peer, number) = match waiter {
        Waiter::Send(peer, user, number, membership, _) => {
            if code == Code::NotAMember {
                out.extend(membership.map(|seq| Out::NotAMember(user.clone(), seq)));
            }
            (*peer, Some(*number))
        }
        Waiter::Leave(peer, ..) | Waiter::Act(peer, ..) | Waiter::Subscribe(peer, ..) => (*peer, None),
    };
    out.push(Out::Tell(peer, Frame::Refused { number, code }));
}
