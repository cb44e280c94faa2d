//! A client with a socket: it joins its room, sends its share, reads everything, and goes elsewhere when it must.
//! It runs until it is aborted; what it did and saw is in the notes.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::dice::{Dice, body_of};
use super::entry::{Entry, enter};
use super::evidence::{Ack, Record, Send};
use super::field::{Field, Phase, Room};
use super::notes::SendNumber;
use super::reader::Reader;
use crate::cli::client::frames::{self, Incoming, Position, Refusal, Request};
use crate::cli::client::outgoing::{Outgoing, Sending};
use crate::cli::client::socket::{Client, Event, Identity, JOIN_ID};

/// A node that does not let a client in for so long is given up.
const TO_CONNECT: Duration = Duration::from_secs(3);
/// Between two attempts to connect, about.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a client asks for a sign of life.
const PING: Duration = Duration::from_secs(1);
/// A node that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(4);
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

/// Why a connection is over.
struct End(String);

/// A client that has come in.
struct Talk {
    talker: Talker,
    dice: Dice,
    entry: Entry,
    reader: Reader,
    sends: HashMap<u64, SendNumber>,
    heard_at: Instant,
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
        let sends = HashMap::new();
        Talk { talker: self, dice, entry, reader, sends, heard_at: Instant::now() }.run().await;
    }
}

impl Talk {
    async fn run(mut self) {
        loop {
            let client = self.connect().await;
            let Err(End(why)) = self.converse(client).await;
            self.talker.outgoing.cut();
            let other = self.other_node();
            self.reader.ends(why, other);
        }
    }

    fn other_node(&mut self) -> usize {
        let nodes = self.talker.field.nodes.len();
        (self.reader.node + 1 + self.dice.below(nodes - 1)) % nodes
    }

    async fn connect(&mut self) -> Client {
        loop {
            let server = &self.talker.field.nodes[self.reader.node];
            match timeout(TO_CONNECT, Client::connect(server, &self.talker.identity)).await {
                Ok(Ok((client, _))) => return client,
                _ => self.talker.field.figures.borrow_mut().failed_connects += 1,
            }
            let now = self.talker.field.now();
            self.talker.field.update(self.talker.number, |state| state.service.lost(now));
            self.reader.node = self.other_node();
            sleep(self.dice.around(PAUSE)).await;
        }
    }

    /// Talks and reads until the connection is over.
    async fn converse(&mut self, mut client: Client) -> Result<std::convert::Infallible, End> {
        self.heard_at = Instant::now();
        let roam_at = self.roam_at();
        let mut ping_at = Instant::now() + PING;
        let mut phase = self.talker.field.phase.clone();
        self.join(&mut client).await?;
        loop {
            tokio::select! {
                event = client.next_as::<Record>() => match event {
                    Ok(Event::Frame(frame)) => self.take(&mut client, frame).await?,
                    Ok(Event::Cut(code)) => return Err(End(code.unwrap_or(NO_CLOSE_FRAME).to_string())),
                    Err(_) => return Err(End("unreadable".to_owned())),
                },
                () = sleep_until(self.send_at()) => self.send(&mut client).await?,
                () = sleep_until(ping_at) => {
                    ping_at = Instant::now() + PING;
                    self.ping(&mut client).await?;
                }
                () = sleep_until(roam_at), if self.may_roam() => return Err(End("moved".to_owned())),
                _ = phase.changed() => self.settle(),
            }
        }
    }

    fn roam_at(&mut self) -> Instant {
        Instant::now() + self.dice.around(self.talker.field.roam)
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

    fn send_at(&self) -> Instant {
        let Talker { outgoing, field, .. } = &self.talker;
        outgoing.due().map_or_else(|| Instant::now() + NEVER, |due| field.start + due)
    }

    async fn request(&self, client: &mut Client, request: &Request<'_>) -> Result<(), End> {
        match timeout(SILENCE, client.request(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End(NO_CLOSE_FRAME.to_string())),
            Err(_) => Err(End("silent".to_owned())),
        }
    }

    async fn join(&mut self, client: &mut Client) -> Result<(), End> {
        let after = self.reader.begins();
        let request = Request::Join { id: JOIN_ID, room: &self.entry.room, after: after.as_ref() };
        self.request(client, &request).await
    }

    async fn ping(&self, client: &mut Client) -> Result<(), End> {
        if self.heard_at.elapsed() > SILENCE {
            return Err(End("silent".to_owned()));
        }
        self.request(client, &Request::Ping).await
    }

    async fn send(&mut self, client: &mut Client) -> Result<(), End> {
        let Some(Sending { message, repeats, .. }) = self.talker.outgoing.take(self.talker.field.now())
        else {
            return Ok(());
        };
        let body = body_of(self.talker.field.seed, message);
        let client_id = self.note(message, repeats, &body);
        self.report();
        let request =
            Request::Send { id: message, room: &self.entry.room, body: &body, client_id: &client_id };
        self.request(client, &request).await
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

    async fn take(&mut self, client: &mut Client, frame: Incoming<Record>) -> Result<(), End> {
        self.heard_at = Instant::now();
        match frame {
            Incoming::Record(record) => self.reader.saw(record),
            Incoming::Records { records } => records.into_iter().for_each(|record| self.reader.saw(record)),
            Incoming::Ack(ack) => self.acked(ack),
            Incoming::Joined(joined) => self.reader.answered(joined.position, joined.recovered),
            Incoming::Error(refusal) => self.refused(client, refusal).await?,
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

    async fn refused(&mut self, client: &mut Client, refusal: Refusal) -> Result<(), End> {
        let (now, wait) = (self.talker.field.now(), refusal.wait_ms().map(Duration::from_millis));
        self.talker.field.figures.borrow_mut().refusal(&refusal.code);
        match (refusal.id, wait) {
            (Some(JOIN_ID), Some(wait)) => {
                sleep(wait.min(PING)).await;
                self.join(client).await?;
            }
            (Some(JOIN_ID), None) => {
                sleep(PING).await;
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

/// RFC 6455: the code of a connection that ended without a close frame.
const NO_CLOSE_FRAME: u16 = 1006;
