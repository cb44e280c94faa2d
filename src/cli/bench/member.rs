//! One member of a chat run: joins its room, sends its share, reads everything, and comes back after a lost socket.
//! Writes what it sees into the ledgers and the tally; it decides nothing about the run as a whole.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::body;
use super::ledger::{Faults, ReaderLedger, RoomLedger};
use super::tally::Tally;
use crate::cli::client::frames::{Incoming, Joined, Position, Record, Refusal, Request};
use crate::cli::client::outgoing::{Outgoing, Sending};
use crate::cli::client::socket::{Client, Event, Identity, JOIN_ID, ServerAddress};

/// A server that restarts is waited for this long.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(100);
/// With everything acknowledged and nothing coming for so long, what has not come is lost.
const QUIET: Duration = Duration::from_secs(10);
/// Close codes after which coming back the same way is no use.
const NOT_WITHOUT_A_CHANGE: RangeInclusive<u16> = 4500..=4999;
const NEVER: Duration = Duration::from_secs(86_400);

/// How far the run is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Phase {
    /// Members come in; nobody sends.
    Gathering,
    /// Everybody sends; times count from here.
    Sending(Instant),
    /// Everything is acknowledged; members read what is still on its way.
    Settling(Instant),
}

/// A room of the run and what its members agree on.
pub(super) struct Room {
    /// The server's id for it.
    pub(super) id: String,
    /// What stands where.
    pub(super) ledger: RefCell<RoomLedger>,
}

/// What a member shares with the others.
#[derive(Clone)]
pub(super) struct Shared {
    /// Where the server listens.
    pub(super) server: ServerAddress,
    /// The counts of the run.
    pub(super) tally: Rc<RefCell<Tally>>,
    /// How far the run is.
    pub(super) phase: watch::Receiver<Phase>,
    /// The length of a message.
    pub(super) body_bytes: usize,
}

/// One member.
pub(super) struct Member {
    /// Who it is.
    pub(super) identity: Identity,
    /// Where it is.
    pub(super) room: Rc<Room>,
    /// What it has to send.
    pub(super) outgoing: Outgoing,
    /// Counts of acknowledged messages at which it drops its socket, the next one last.
    pub(super) drops: Vec<u64>,
    /// What it shares.
    pub(super) shared: Shared,
}

/// A member that has a socket.
struct Session {
    member: Member,
    client: Client,
    ledger: ReaderLedger,
    epoch: Option<String>,
    /// Records up to here are replays; all are, while a resume is not answered.
    live_after: u64,
}

impl Member {
    /// Lives through the whole run and gives the verdict of what this member saw.
    pub(super) async fn run(self) -> anyhow::Result<Faults> {
        let client = enter(&self.shared.server, &self.identity).await?;
        let ledger = ReaderLedger::default();
        let mut session = Session { member: self, client, ledger, epoch: None, live_after: 0 };
        session.join().await?;
        session.run().await
    }
}

impl Session {
    async fn run(mut self) -> anyhow::Result<Faults> {
        while !self.has_seen_all() {
            let phase = *self.member.shared.phase.borrow();
            let send_at = self.send_at(phase);
            tokio::select! {
                event = self.client.next() => self.take(event?).await?,
                () = sleep_until(send_at) => self.send().await?,
                changed = self.member.shared.phase.changed() => changed.context("the run was given up")?,
                () = sleep(QUIET), if matches!(phase, Phase::Settling(_)) => break,
            }
            if self.is_time_to_drop() {
                self.member.drops.pop();
                self.member.shared.tally.borrow_mut().drops += 1;
                self.come_back().await?;
            }
        }
        let head = self.member.room.ledger.borrow().head();
        Ok(self.ledger.verdict(head))
    }

    fn has_seen_all(&self) -> bool {
        let is_settling = matches!(*self.member.shared.phase.borrow(), Phase::Settling(_));
        is_settling && self.ledger.has_reached(self.member.room.ledger.borrow().head())
    }

    fn send_at(&self, phase: Phase) -> Instant {
        let due = match phase {
            Phase::Sending(start) => self.member.outgoing.due().map(|due| start + due),
            Phase::Gathering | Phase::Settling(_) => None,
        };
        due.unwrap_or_else(|| Instant::now() + NEVER)
    }

    /// The time since the run began to send.
    fn now(&self) -> Duration {
        match *self.member.shared.phase.borrow() {
            Phase::Gathering => Duration::ZERO,
            Phase::Sending(start) | Phase::Settling(start) => start.elapsed(),
        }
    }

    async fn join(&mut self) -> anyhow::Result<()> {
        let after = self.epoch.clone().zip(self.ledger.last()).map(|(epoch, seq)| Position { epoch, seq });
        self.client.ask_to_join(&self.member.room.id, after.as_ref()).await
    }

    async fn send(&mut self) -> anyhow::Result<()> {
        let Some(Sending { message, since, repeats }) = self.member.outgoing.take(self.now()) else {
            return Ok(());
        };
        let request = Request::Send {
            id: message,
            room: &self.member.room.id,
            body: &body::stamped(since, self.member.shared.body_bytes),
            client_id: &message.to_string(),
        };
        self.member.shared.tally.borrow_mut().repeated += u64::from(repeats > 0);
        match self.client.request(&request).await {
            Ok(()) => Ok(()),
            Err(_) => self.take(Event::Cut(None)).await,
        }
    }

    async fn take(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Frame(Incoming::Record(record)) => self.saw(&record),
            Event::Frame(Incoming::Records { records }) => records.iter().for_each(|record| self.saw(record)),
            Event::Frame(Incoming::Ack(ack)) => self.acked(ack.id, ack.seq),
            Event::Frame(Incoming::Joined(joined)) => self.joined(joined),
            Event::Frame(Incoming::Error(refusal)) => self.refused(refusal).await?,
            Event::Frame(Incoming::Connected(_) | Incoming::Other) => {}
            Event::Cut(Some(code)) if NOT_WITHOUT_A_CHANGE.contains(&code) => {
                bail!("closed with {code}")
            }
            Event::Cut(code) => {
                self.member.shared.tally.borrow_mut().cut(code);
                self.come_back().await?;
            }
        }
        Ok(())
    }

    fn joined(&mut self, joined: Joined) {
        let seq = joined.position.seq;
        if self.epoch.is_none() {
            self.member.shared.tally.borrow_mut().joined += 1;
        }
        self.live_after = seq;
        self.ledger.joined(seq);
        if joined.recovered == Some(false) {
            self.ledger.skipped_to(seq);
        }
        self.member.room.ledger.borrow_mut().extends_to(seq);
        self.epoch = Some(joined.position.epoch);
    }

    fn saw(&mut self, record: &Record) {
        self.ledger.saw(record.seq);
        let message = record.client_id.as_ref().and_then(|id| id.parse().ok());
        let Some(message) = message else { return };
        self.member.room.ledger.borrow_mut().stands(message, record.seq);
        let now = self.now();
        let mut tally = self.member.shared.tally.borrow_mut();
        tally.deliveries += 1;
        tally.last_delivery = now;
        if record.seq <= self.live_after {
            tally.replayed += 1;
        } else if let Some(since) = record.body.as_deref().and_then(body::sent_at) {
            tally.delivery.record(now.saturating_sub(since));
        }
    }

    fn acked(&mut self, message: u64, seq: u64) {
        self.member.room.ledger.borrow_mut().stands(message, seq);
        let now = self.now();
        let Some(sent) = self.member.outgoing.acked(message, now) else {
            return;
        };
        let mut tally = self.member.shared.tally.borrow_mut();
        tally.acked += 1;
        tally.last_ack = now;
        if sent.repeats == 0 {
            tally.response.record(now.saturating_sub(sent.since));
        }
    }

    async fn refused(&mut self, refusal: Refusal) -> anyhow::Result<()> {
        let wait = refusal.wait_ms().map(Duration::from_millis);
        let now = self.now();
        match (refusal.id, wait) {
            (Some(JOIN_ID), Some(wait)) => {
                sleep(wait).await;
                self.join().await?;
            }
            (Some(JOIN_ID), None) => bail!("cannot join: {}", refusal.code),
            (Some(message), Some(wait)) => self.member.outgoing.refused_until(message, now + wait),
            (Some(message), None) => {
                self.member.outgoing.refused(message, now);
                self.member.shared.tally.borrow_mut().refused += 1;
            }
            (None, _) => {}
        }
        self.member.shared.tally.borrow_mut().refusal(refusal.code);
        Ok(())
    }

    fn is_time_to_drop(&self) -> bool {
        let settled = self.member.shared.tally.borrow().settled();
        self.member.drops.last().is_some_and(|at| settled >= *at)
    }

    /// Opens a new socket, resumes after the last record seen, and repeats what was in flight.
    async fn come_back(&mut self) -> anyhow::Result<()> {
        self.live_after = u64::MAX;
        self.member.outgoing.cut();
        self.client = enter(&self.member.shared.server, &self.member.identity).await?;
        self.join().await
    }
}

async fn enter(server: &ServerAddress, identity: &Identity) -> anyhow::Result<Client> {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match Client::connect(server, identity).await {
            Ok((client, _)) => return Ok(client),
            Err(error) if Instant::now() > give_up => return Err(error),
            Err(_) => sleep(BETWEEN_ATTEMPTS).await,
        }
    }
}
