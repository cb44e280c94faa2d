//! A client with a socket: it joins its room, sends its share, reads everything, and goes elsewhere when it must.
//! It runs until it is aborted; what it did and saw is in the notes.

use std::collections::HashMap;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::dice::{Dice, body_of};
use super::entry::{Entry, enter};
use super::evidence::{Ack, Record, Send};
use super::field::{Field, Phase, Room};
use super::line::{End, Line};
use super::notes::SendNumber;
use super::reader::Reader;
use crate::cli::client::frames::{self, Incoming, Position, Refusal, Request};
use crate::cli::client::outgoing::{Outgoing, Sending};
use crate::cli::client::socket::{Identity, JOIN_ID};

/// Between two attempts to connect, about.
const PAUSE: Duration = Duration::from_millis(100);
/// After a refused join, at most.
const BEFORE_REJOIN: Duration = Duration::from_secs(1);
/// One in so many acknowledged messages is sent again.
const REPEATED: usize = 20;
const NEVER: Duration = Duration::from_secs(86_400);

/// A client before it has come in.
pub(super) struct Talker {
    /// Its number among all clients.
    pub(super) number: usize,
    /// Who it is.
    pub(super) identity: Identity,
    /// Where it talks.
    pub(super) room: Rc<Room>,
    /// What it has to send.
    pub(super) outgoing: Outgoing,
    /// The node that it begins with.
    pub(super) node: usize,
    /// What it shares.
    pub(super) field: Rc<Field>,
}

/// A client that has come in.
struct Talk {
    talker: Talker,
    dice: Dice,
    entry: Entry,
    reader: Reader,
    sends: HashMap<u64, SendNumber>,
}

impl Talker {
    /// Takes part until it is aborted.
    pub(super) async fn run(self) {
        let field = Rc::clone(&self.field);
        let mut dice = Dice::new(field.seed, self.number as u64);
        sleep_until(field.start + self.room.opens_at).await;
        let entry = enter(&field, &mut dice, &self.identity, &self.room.name).await;
        self.room.notes.borrow_mut().entered(&entry);
        // Every other client wants the room from its beginning.
        let from_start = dice.once_in(2).then(|| Position { epoch: entry.epoch.clone(), seq: 0 });
        let reader = Reader::new(self.number, self.node, Rc::clone(&self.room), field, from_start);
        Talk { talker: self, dice, entry, reader, sends: HashMap::new() }.run().await;
    }
}

impl Talk {
    async fn run(mut self) {
        loop {
            let line = self.connect().await;
            let Err(End(why)) = self.converse(line).await;
            self.talker.outgoing.cut();
            let other = self.other_node();
            self.reader.ends(why, other);
        }
    }

    fn other_node(&mut self) -> usize {
        let nodes = self.talker.field.nodes.len();
        (self.reader.node + 1 + self.dice.below(nodes - 1)) % nodes
    }

    async fn connect(&mut self) -> Line {
        let Talker { field, identity, number, .. } = &self.talker;
        let (field, identity, number) = (Rc::clone(field), identity.clone(), *number);
        loop {
            if let Some(line) = Line::open(&field.nodes[self.reader.node], &identity).await {
                return line;
            }
            field.figures.borrow_mut().failed_connects += 1;
            let now = field.now();
            field.update(number, |state| state.service.lost(now));
            self.reader.node = self.other_node();
            sleep(self.dice.around(PAUSE)).await;
        }
    }

    /// Talks and reads until the connection is over.
    async fn converse(&mut self, mut line: Line) -> Result<Infallible, End> {
        let roam_at = Instant::now() + self.dice.around(self.talker.field.roam);
        let mut phase = self.talker.field.phase.clone();
        self.join(&mut line).await?;
        loop {
            tokio::select! {
                frame = line.next() => self.take(&mut line, frame?).await?,
                () = sleep_until(self.send_at()) => self.send(&mut line).await?,
                () = sleep_until(roam_at), if self.may_roam() => return Err(End("moved".to_owned())),
                _ = phase.changed() => self.settle(),
            }
        }
    }

    fn may_roam(&self) -> bool {
        !self.talker.field.roam.is_zero() && self.talker.field.phase() == Phase::Sending
    }

    /// What is not sent yet stays unsent.
    fn settle(&mut self) {
        self.talker.outgoing.finish();
        self.report();
    }

    fn report(&self) {
        let unsettled = self.talker.outgoing.unsettled();
        self.talker.field.update(self.talker.number, |state| state.unsettled = unsettled);
    }

    /// Who is not known to be a member says nothing.
    fn send_at(&self) -> Instant {
        let Talker { outgoing, field, .. } = &self.talker;
        let due = outgoing.due().filter(|_| self.reader.is_answered());
        due.map_or_else(|| Instant::now() + NEVER, |due| field.start + due)
    }

    async fn join(&mut self, line: &mut Line) -> Result<(), End> {
        let after = self.reader.begins();
        let request = Request::Join { id: JOIN_ID, room: &self.entry.room, after: after.as_ref() };
        line.request(&request).await
    }

    async fn send(&mut self, line: &mut Line) -> Result<(), End> {
        let Some(Sending { message, repeats, .. }) = self.talker.outgoing.take(self.talker.field.now())
        else {
            return Ok(());
        };
        let body = body_of(self.talker.field.seed, message);
        let client_id = self.note(message, repeats, &body);
        self.report();
        let request =
            Request::Send { id: message, room: &self.entry.room, body: &body, client_id: &client_id };
        line.request(&request).await
    }

    /// Takes down what is about to be sent, and names it: the same names are used by many clients.
    fn note(&mut self, message: u64, repeats: u32, body: &str) -> String {
        let field = &self.talker.field;
        let client_id = format!("m{}", (message - 1) / field.talkers);
        if repeats > 0 {
            field.figures.borrow_mut().repeats += 1;
        } else {
            field.figures.borrow_mut().sends += 1;
            let send = Send {
                sender: self.entry.user.clone(),
                client_id: client_id.clone(),
                body: body.to_owned(),
                node: self.reader.node,
                sent_at: field.now(),
                acks: Vec::new(),
                is_refused: false,
            };
            self.sends.insert(message, self.talker.room.notes.borrow_mut().sends(send));
        }
        client_id
    }

    async fn take(&mut self, line: &mut Line, frame: Incoming<Record>) -> Result<(), End> {
        match frame {
            Incoming::Record(record) => self.reader.saw(record),
            Incoming::Records { records } => records.into_iter().for_each(|record| self.reader.saw(record)),
            Incoming::Ack(ack) => self.acked(ack),
            Incoming::Joined(joined) => self.reader.answered(joined.position, joined.recovered),
            Incoming::Error(refusal) => self.refused(line, refusal).await?,
            Incoming::Connected(_) | Incoming::Other => {}
        }
        Ok(())
    }

    fn acked(&mut self, frames::Ack { id, seq, at }: frames::Ack) {
        let (now, field) = (self.talker.field.now(), &self.talker.field);
        self.talker.outgoing.acked(id, now);
        let Some(number) = self.sends.get(&id) else { return };
        let mut notes = self.talker.room.notes.borrow_mut();
        if let Some(send) = notes.acked(*number, Ack { seq, at, heard_at: now }) {
            let mut figures = field.figures.borrow_mut();
            figures.acked += 1;
            figures.ack.record(now.saturating_sub(send.sent_at));
            field.update(self.talker.number, |state| state.service.answered(send.sent_at, now));
            if self.dice.once_in(REPEATED) && field.phase() == Phase::Sending {
                self.talker.outgoing.repeat(id, now);
            }
        }
        drop(notes);
        self.report();
    }

    async fn refused(&mut self, line: &mut Line, refusal: Refusal) -> Result<(), End> {
        let (now, wait) = (self.talker.field.now(), refusal.wait_ms().map(Duration::from_millis));
        self.talker.field.figures.borrow_mut().refusal(&refusal.code);
        match (refusal.id, wait) {
            (Some(JOIN_ID), Some(wait)) => {
                sleep(wait.min(BEFORE_REJOIN)).await;
                self.join(line).await?;
            }
            (Some(JOIN_ID), None) => {
                sleep(BEFORE_REJOIN).await;
                return Err(End(refusal.code));
            }
            (Some(message), Some(wait)) => self.talker.outgoing.refused_until(message, now + wait),
            (Some(message), None) => self.refused_for_good(message),
            (None, _) => {}
        }
        self.report();
        Ok(())
    }

    fn refused_for_good(&mut self, message: u64) {
        let refused = self.talker.outgoing.refused(message, self.talker.field.now());
        let is_first = refused.is_some_and(|sending| sending.repeats == 0);
        if let (Some(number), true) = (self.sends.get(&message), is_first) {
            self.talker.room.notes.borrow_mut().refused(*number);
        }
    }
}
