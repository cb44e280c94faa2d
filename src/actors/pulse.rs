//! Signs of life of one socket: shown by its connection, judged by its relay, so that ten thousand idle sockets
//! need no timer of their own.

use std::{
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytestring::ByteString;

use crate::domain::CloseCode;

/// How a socket's life is judged, in ticks of one second.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// A ping is due this often; twice as long without a sign is too long.
    pub heartbeat: u32,
    /// So long a fresh socket has to say who it is.
    pub to_connect: u32,
}

/// What the relay finds at a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// All is well.
    Well,
    /// A ping is due.
    Ping,
    /// A heart-beat of the protocol is due.
    Sign,
    /// Both are.
    Both,
    /// The socket is to be closed.
    End(CloseCode),
}

/// What tells a client in its protocol's words that it must show a new token.
pub(super) type Reminder = Box<dyn Fn() -> Vec<ByteString> + Send + Sync>;

/// How long what a client showed is good.
#[derive(Default)]
struct Term {
    /// Ticks until it is over, patience included; none if it lasts.
    left: Option<u32>,
    /// Ticks of patience.
    patience: u32,
    remind: Option<Reminder>,
}

impl fmt::Debug for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Term({:?})", self.left)
    }
}

/// Signs of life of one socket.
#[derive(Debug)]
pub struct Pulse {
    rhythm: Rhythm,
    age: AtomicU32,
    silent: AtomicU32,
    connected: AtomicBool,
    /// What the protocol agreed on with its client, in ticks; 0 is nothing.
    beat_every: AtomicU32,
    dead_after: AtomicU32,
    /// Ticks since the protocol heard of its client.
    quiet: AtomicU32,
    term: Mutex<Term>,
}

impl Pulse {
    /// A connection that shows no signs of life, for it only listens.
    pub fn of_listener() -> Self {
        Self::new(Rhythm { heartbeat: u32::MAX / 2, to_connect: u32::MAX })
    }

    /// A fresh socket.
    pub fn new(rhythm: Rhythm) -> Self {
        Self {
            rhythm,
            age: AtomicU32::new(0),
            silent: AtomicU32::new(0),
            connected: AtomicBool::new(false),
            beat_every: AtomicU32::new(0),
            dead_after: AtomicU32::new(0),
            quiet: AtomicU32::new(0),
            term: Mutex::default(),
        }
    }

    /// The client says something in its protocol, of which a frame of the transport is no sign.
    pub fn spoke(&self) {
        self.quiet.store(0, Ordering::Relaxed);
    }

    /// The protocol has heart-beats of its own: it sends one at least so often, and a client that says nothing for so
    /// long is dead.
    pub fn agree(&self, send_every: Option<Duration>, dead_after: Option<Duration>) {
        let ticks = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        // Rounded down to be early, and up to be patient.
        let beat_every = send_every.map_or(0, |time| ticks(time).max(1));
        let dead_after = dead_after.map_or(0, |time| ticks(time).saturating_add(1));
        self.beat_every.store(beat_every, Ordering::Relaxed);
        self.dead_after.store(dead_after, Ordering::Relaxed);
    }

    /// Something came from the client.
    pub fn heard(&self) {
        self.silent.store(0, Ordering::Relaxed);
    }

    /// What the client showed lasts.
    pub(super) fn lasts(&self) {
        *self.term() = Term::default();
    }

    /// What the client showed is good for so long. Then it is reminded, and ended if it shows nothing new for as long as
    /// there is patience.
    pub(super) fn expires(&self, good: Duration, patience: Duration, remind: Option<Reminder>) {
        let ticks = |time: Duration| u32::try_from(time.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX);
        let patience = ticks(patience);
        // The first tick may come at once, so one is added: nobody is told before it is so.
        let left = ticks(good).saturating_add(1).saturating_add(patience);
        *self.term() = Term { left: Some(left), patience, remind };
    }

    /// A second of the term has passed: what is to be said now, or the end.
    pub(super) fn term_ticks(&self) -> Result<Vec<ByteString>, CloseCode> {
        let mut term = self.term();
        let Some(left) = term.left.map(|left| left.saturating_sub(1)) else { return Ok(Vec::new()) };
        term.left = Some(left);
        match (left, &term.remind) {
            (0, _) => Err(CloseCode::Unauthenticated),
            (_, Some(remind)) if left == term.patience => Ok(remind()),
            _ => Ok(Vec::new()),
        }
    }

    fn term(&self) -> MutexGuard<'_, Term> {
        // A term is set as a whole, so a panic elsewhere leaves nothing half done.
        self.term.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client said who it is.
    pub fn connected(&self) {
        self.connected.store(true, Ordering::Relaxed);
    }

    /// A second has passed.
    pub(super) fn tick(&self) -> Beat {
        let age = self.age.fetch_add(1, Ordering::Relaxed) + 1;
        let silent = self.silent.fetch_add(1, Ordering::Relaxed) + 1;
        // The first tick may come right after the sign, so only later ones count as whole seconds.
        if silent > self.rhythm.heartbeat * 2 {
            return Beat::End(CloseCode::HeartbeatMissed);
        }
        if age > self.rhythm.to_connect && !self.connected.load(Ordering::Relaxed) {
            return Beat::End(CloseCode::Unauthenticated);
        }
        let quiet = self.quiet.fetch_add(1, Ordering::Relaxed) + 1;
        let dead_after = self.dead_after.load(Ordering::Relaxed);
        if dead_after > 0 && quiet > dead_after {
            return Beat::End(CloseCode::HeartbeatMissed);
        }
        let beat_every = self.beat_every.load(Ordering::Relaxed);
        match (age.is_multiple_of(self.rhythm.heartbeat), beat_every > 0 && age.is_multiple_of(beat_every)) {
            (true, true) => Beat::Both,
            (true, false) => Beat::Ping,
            (false, true) => Beat::Sign,
            (false, false) => Beat::Well,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(pulse: &Pulse, count: usize) -> Vec<Beat> {
        (0..count).map(|_| pulse.tick()).collect()
    }

    #[test]
    fn a_silent_socket_is_pinged_and_then_ended_after_twice_the_heartbeat() {
        let pulse = Pulse::new(Rhythm { heartbeat: 2, to_connect: 100 });
        let ended = Beat::End(CloseCode::HeartbeatMissed);
        assert_eq!(ticks(&pulse, 5), [Beat::Well, Beat::Ping, Beat::Well, Beat::Ping, ended]);
    }

    #[test]
    fn a_sign_of_life_begins_the_count_anew() {
        let pulse = Pulse::new(Rhythm { heartbeat: 2, to_connect: 100 });
        ticks(&pulse, 4);
        pulse.heard();
        assert!(!ticks(&pulse, 4).contains(&Beat::End(CloseCode::HeartbeatMissed)));
    }

    #[test]
    fn what_a_protocol_agreed_on_is_kept_beside_the_pings() {
        let pulse = Pulse::new(Rhythm { heartbeat: 4, to_connect: 100 });
        pulse.agree(Some(Duration::from_millis(2_700)), Some(Duration::from_secs(4)));
        assert_eq!(ticks(&pulse, 4), [Beat::Well, Beat::Sign, Beat::Well, Beat::Both]);
        pulse.heard();
        assert_eq!(ticks(&pulse, 2), [Beat::Well, Beat::End(CloseCode::HeartbeatMissed)]);
        pulse.spoke();
        pulse.heard();
        assert!(!ticks(&pulse, 4).contains(&Beat::End(CloseCode::HeartbeatMissed)));
    }

    #[test]
    fn who_shows_nothing_new_is_reminded_once_and_ended_when_patience_is_over() {
        let pulse = Pulse::new(Rhythm { heartbeat: 100, to_connect: 100 });
        let two = Duration::from_millis(2_500);
        let remind = || -> Reminder { Box::new(|| vec!["show a new one".into()]) };
        let said = |pulse: &Pulse| pulse.term_ticks().map(|said| said.len());
        assert_eq!(said(&pulse), Ok(0), "what lasts needs nothing new");
        pulse.expires(two, Duration::from_secs(2), Some(remind()));
        let four: Vec<_> = (0..4).map(|_| said(&pulse)).collect();
        assert_eq!(four, [Ok(0), Ok(0), Ok(0), Ok(1)]);
        pulse.expires(two, Duration::from_secs(2), Some(remind()));
        let six: Vec<_> = (0..6).map(|_| said(&pulse)).collect();
        assert_eq!(six, [Ok(0), Ok(0), Ok(0), Ok(1), Ok(0), Err(CloseCode::Unauthenticated)]);
        pulse.lasts();
        assert_eq!(said(&pulse), Ok(0));
        pulse.expires(Duration::ZERO, Duration::ZERO, None);
        assert_eq!(said(&pulse), Err(CloseCode::Unauthenticated));
    }

    #[test]
    fn who_does_not_say_who_they_are_is_ended() {
        let rhythm = Rhythm { heartbeat: 100, to_connect: 3 };
        let (stranger, guest) = (Pulse::new(rhythm), Pulse::new(rhythm));
        guest.connected();
        assert_eq!(ticks(&stranger, 4).pop(), Some(Beat::End(CloseCode::Unauthenticated)));
        assert_eq!(ticks(&guest, 4).pop(), Some(Beat::Well));
    }
}
