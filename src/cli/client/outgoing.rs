//! What one member still has to send: its share of the messages, those in flight, and those to send again.
//! Pure: the time is an argument, counted from the start of the run; sending is the caller's.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// When which message of the whole run is due, and whose it is. Messages count from 1.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Members who send, each every `members`-th message.
    pub members: u64,
    /// Messages of the whole run.
    pub messages: u64,
    /// Messages a second of the whole run; `None` sends as fast as the window allows.
    pub rate: Option<f64>,
}

impl Schedule {
    fn due(&self, message: u64) -> Duration {
        let seconds = self.rate.map_or(0.0, |rate| (message - 1) as f64 / rate);
        Duration::from_secs_f64(seconds)
    }
}

/// A message on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sending {
    /// Which one.
    pub message: u64,
    /// Since when it counts as sent; a repeat keeps the first one's.
    pub since: Duration,
    /// How often it was sent before.
    pub repeats: u32,
}

/// The messages of one member.
#[derive(Debug)]
pub struct Outgoing {
    schedule: Schedule,
    window: usize,
    next: u64,
    in_flight: BTreeMap<u64, Sending>,
    again: VecDeque<Sending>,
    free_since: Duration,
    not_before: Duration,
}

impl Outgoing {
    /// The share of the `member`-th (from 0), who keeps at most `window` messages in flight.
    pub fn new(schedule: Schedule, member: u64, window: usize) -> Self {
        Self {
            schedule,
            window,
            next: member + 1,
            in_flight: BTreeMap::new(),
            again: VecDeque::new(),
            free_since: Duration::ZERO,
            not_before: Duration::ZERO,
        }
    }

    /// When the next message may go; `None` while the window is full or nothing is left.
    pub fn due(&self) -> Option<Duration> {
        if self.in_flight.len() >= self.window {
            return None;
        }
        if !self.again.is_empty() {
            return Some(self.not_before);
        }
        let due = (self.next <= self.schedule.messages).then(|| self.schedule.due(self.next))?;
        Some(due.max(self.not_before))
    }

    /// Takes the next message, which is in flight from now on.
    ///
    /// With a rate, a message that a full window held back counts from when it was due, so that a server that
    /// stalls cannot hide the time that senders waited for it.
    pub fn take(&mut self, now: Duration) -> Option<Sending> {
        let sending = self.again.pop_front().or_else(|| self.take_fresh(now))?;
        self.in_flight.insert(sending.message, sending);
        Some(sending)
    }

    /// The message has been acknowledged; `None` if it was not in flight.
    pub fn acked(&mut self, message: u64, now: Duration) -> Option<Sending> {
        self.free_since = now;
        self.in_flight.remove(&message)
    }

    /// The message was refused and will be sent again, after a wait during which nothing is sent.
    pub fn refused_until(&mut self, message: u64, not_before: Duration) {
        self.not_before = not_before;
        self.again.extend(self.in_flight.remove(&message).map(repeated));
    }

    /// Sends a message once more that was acknowledged already.
    pub fn repeat(&mut self, message: u64, now: Duration) {
        self.again.push_back(Sending { message, since: now, repeats: 1 });
    }

    /// Takes no message that was not sent before; those that were are sent until they are acknowledged.
    pub fn finish(&mut self) {
        self.next = u64::MAX;
    }

    /// How many messages were sent and are not settled.
    pub fn unsettled(&self) -> usize {
        self.in_flight.len() + self.again.len()
    }

    /// The message was refused for good; `None` if it was not in flight.
    pub fn refused(&mut self, message: u64, now: Duration) -> Option<Sending> {
        self.free_since = now;
        self.in_flight.remove(&message)
    }

    /// The socket is lost: what was in flight is sent again, first and in its order.
    pub fn cut(&mut self) {
        let in_flight = std::mem::take(&mut self.in_flight);
        for sending in in_flight.into_values().rev() {
            self.again.push_front(repeated(sending));
        }
    }

    fn take_fresh(&mut self, now: Duration) -> Option<Sending> {
        let message = Some(self.next).filter(|next| *next <= self.schedule.messages)?;
        self.next += self.schedule.members;
        let due = self.schedule.due(message);
        let was_held_back = self.schedule.rate.is_some() && self.free_since > due;
        Some(Sending { message, since: if was_held_back { due } else { now }, repeats: 0 })
    }
}

fn repeated(sending: Sending) -> Sending {
    Sending { repeats: sending.repeats + 1, ..sending }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    fn outgoing(rate: Option<f64>, window: usize) -> Outgoing {
        Outgoing::new(Schedule { members: 2, messages: 5, rate }, 1, window)
    }

    #[test]
    fn a_member_sends_its_share_and_no_more_than_its_window() {
        let mut outgoing = outgoing(None, 1);
        assert_eq!(outgoing.take(NOW).map(|sending| sending.message), Some(2));
        assert_eq!(outgoing.due(), None);
        assert!(outgoing.acked(2, NOW).is_some());
        assert_eq!(outgoing.take(NOW).map(|sending| sending.message), Some(4));
        assert!(outgoing.acked(4, NOW).is_some());
        assert_eq!(outgoing.due(), None);
        assert_eq!(outgoing.take(NOW), None);
    }

    #[test]
    fn a_message_that_the_window_held_back_counts_from_when_it_was_due() {
        let mut outgoing = outgoing(Some(1.0), 1);
        assert_eq!(outgoing.due(), Some(Duration::from_secs(1)));
        let first = outgoing.take(Duration::from_millis(1001)).expect("due");
        assert_eq!(first.since, Duration::from_millis(1001));
        outgoing.acked(2, Duration::from_secs(4));
        assert_eq!(outgoing.take(NOW).map(|sending| sending.since), Some(Duration::from_secs(3)));
    }

    #[test]
    fn a_lost_socket_repeats_what_was_in_flight() {
        let mut outgoing = outgoing(None, 2);
        let (first, second) = (outgoing.take(NOW).expect("due"), outgoing.take(NOW).expect("due"));
        outgoing.cut();
        assert_eq!(outgoing.take(NOW), Some(repeated(first)));
        assert_eq!(outgoing.take(NOW), Some(repeated(second)));
    }

    #[test]
    fn who_finishes_sends_only_what_was_sent_before() {
        let mut outgoing = outgoing(None, 2);
        assert!(outgoing.take(NOW).is_some());
        outgoing.finish();
        assert_eq!((outgoing.due(), outgoing.take(NOW), outgoing.unsettled()), (None, None, 1));
        outgoing.cut();
        assert!(outgoing.take(NOW).is_some());
        outgoing.acked(2, NOW);
        assert_eq!(outgoing.unsettled(), 0);
    }

    #[test]
    fn an_acknowledged_message_can_be_repeated() {
        let mut outgoing = outgoing(None, 1);
        assert!(outgoing.take(NOW).is_some());
        outgoing.acked(2, NOW);
        outgoing.repeat(2, NOW);
        assert_eq!(outgoing.take(NOW).map(|again| (again.message, again.repeats)), Some((2, 1)));
        assert!(outgoing.acked(2, NOW).is_some());
    }

    #[test]
    fn a_refusal_makes_the_member_wait() {
        let mut outgoing = outgoing(None, 2);
        let sent = outgoing.take(NOW).expect("due");
        outgoing.refused_until(sent.message, NOW * 2);
        assert_eq!(outgoing.due(), Some(NOW * 2));
        assert_eq!(outgoing.take(NOW * 2).map(|again| (again.message, again.repeats)), Some((2, 1)));
    }
}
