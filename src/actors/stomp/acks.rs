//! What a subscription's client has acknowledged.
//! How many deliveries may be without is judged by the window, which delivery is meant by `wire::stomp`.

use std::{collections::BTreeSet, sync::Arc};

use crate::{actors::voice::Window, domain::Seq, wire::stomp::AckMode};

/// The acknowledgments of one subscription.
pub(super) struct Acks {
    mode: AckMode,
    window: Arc<Window>,
    /// Everything up to here is acknowledged.
    floor: Seq,
    /// What is acknowledged above that.
    above: BTreeSet<Seq>,
}

/// The client acknowledged what it was not given.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NeverDelivered;

impl Acks {
    pub(super) fn new(mode: AckMode, window: Arc<Window>) -> Self {
        Self { mode, window, floor: 0, above: BTreeSet::new() }
    }

    /// Takes an ACK or NACK, which end a delivery alike: nothing is delivered again on this connection.
    pub(super) fn take(&mut self, seq: Seq) -> Result<(), NeverDelivered> {
        let (first, last) = self.window.delivered();
        if seq < first || seq > last {
            return Err(NeverDelivered);
        }
        self.floor = self.floor.max(first - 1);
        match self.mode {
            AckMode::Auto => {}
            AckMode::Client => self.up_to(seq),
            AckMode::ClientIndividual if seq > self.floor => self.one(seq),
            AckMode::ClientIndividual => {}
        }
        Ok(())
    }

    fn up_to(&mut self, seq: Seq) {
        self.window.acknowledged(seq.saturating_sub(self.floor));
        self.floor = self.floor.max(seq);
    }

    fn one(&mut self, seq: Seq) {
        self.window.acknowledged(u64::from(self.above.insert(seq)));
        while self.above.remove(&(self.floor + 1)) {
            self.floor += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered(count: u64) -> Arc<Window> {
        let window = Arc::new(Window::new(100));
        window.begins_after(10);
        window.delivers(count);
        window
    }

    #[test]
    fn a_cumulative_ack_stands_for_everything_before_it() {
        let window = delivered(5);
        let mut acks = Acks::new(AckMode::Client, Arc::clone(&window));
        for (seq, unacknowledged) in [(12, 3), (11, 3), (12, 3), (15, 0)] {
            assert_eq!(acks.take(seq), Ok(()));
            assert_eq!(window.unacknowledged(), unacknowledged, "{seq}");
        }
    }

    #[test]
    fn an_individual_ack_stands_for_itself_and_counts_once() {
        let window = delivered(5);
        let mut acks = Acks::new(AckMode::ClientIndividual, Arc::clone(&window));
        for (seq, unacknowledged) in [(15, 4), (12, 3), (12, 3), (11, 2), (11, 2), (13, 1), (14, 0), (15, 0)]
        {
            assert_eq!(acks.take(seq), Ok(()));
            assert_eq!(window.unacknowledged(), unacknowledged, "{seq}");
        }
        assert!(acks.above.is_empty());
    }

    #[test]
    fn what_was_not_delivered_cannot_be_acknowledged() {
        let mut acks = Acks::new(AckMode::Client, delivered(5));
        for seq in [0, 10, 16, u64::MAX] {
            assert_eq!(acks.take(seq), Err(NeverDelivered));
        }
    }
}
