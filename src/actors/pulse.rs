//! Signs of life of one socket: shown by its connection, judged by its relay, so that ten thousand idle sockets
//! need no timer of their own.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

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
    /// The socket is to be closed.
    End(CloseCode),
}

/// Signs of life of one socket.
#[derive(Debug)]
pub struct Pulse {
    rhythm: Rhythm,
    age: AtomicU32,
    silent: AtomicU32,
    connected: AtomicBool,
}

impl Pulse {
    /// A fresh socket.
    pub fn new(rhythm: Rhythm) -> Self {
        Self { rhythm, age: AtomicU32::new(0), silent: AtomicU32::new(0), connected: AtomicBool::new(false) }
    }

    /// Something came from the client.
    pub fn heard(&self) {
        self.silent.store(0, Ordering::Relaxed);
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
        if age.is_multiple_of(self.rhythm.heartbeat) { Beat::Ping } else { Beat::Well }
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
    fn who_does_not_say_who_they_are_is_ended() {
        let rhythm = Rhythm { heartbeat: 100, to_connect: 3 };
        let (stranger, guest) = (Pulse::new(rhythm), Pulse::new(rhythm));
        guest.connected();
        assert_eq!(ticks(&stranger, 4).pop(), Some(Beat::End(CloseCode::Unauthenticated)));
        assert_eq!(ticks(&guest, 4).pop(), Some(Beat::Well));
    }
}
