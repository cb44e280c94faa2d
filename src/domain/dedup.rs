//! The window in which a repeated send is recognised (promise D4).
//! It is part of the room's state: a function of the log, so its bounds are constants of the record format.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{ClientId, Seq, Timestamp, UserId};

/// A send is remembered at least for this many later messages of its room.
pub const DEDUP_MESSAGES: u64 = 4096;

/// A send is remembered at least for this long, by the log's clock.
pub const DEDUP_MILLIS: i64 = 5 * 60 * 1000;

/// The answer that the first send of a (sender, client id) got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstSend {
    /// The number of its record.
    pub seq: Seq,
    /// The time of its record.
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    sender: UserId,
    client_id: ClientId,
    ordinal: u64,
    first: FirstSend,
}

/// The sends that are still remembered: those among the last [`DEDUP_MESSAGES`] or within [`DEDUP_MILLIS`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct DedupWindow {
    messages: u64,
    in_order: VecDeque<Remembered>,
    by_key: HashMap<(UserId, ClientId), FirstSend>,
}

#[derive(Serialize, Deserialize)]
struct Saved {
    messages: u64,
    sends: Vec<Remembered>,
}

impl DedupWindow {
    /// The answer that a repeat of this send gets, if the first is still remembered.
    pub fn find(&self, sender: &UserId, client_id: &ClientId) -> Option<FirstSend> {
        self.by_key.get(&(sender.clone(), client_id.clone())).copied()
    }

    /// How many sends are remembered.
    pub(super) fn len(&self) -> usize {
        self.in_order.len()
    }

    /// Counts a message of the room, remembers it if it has a client id, and forgets what is out of the window.
    pub(super) fn remember(&mut self, sender: &UserId, client_id: Option<&ClientId>, first: FirstSend) {
        self.messages += 1;
        if let Some(client_id) = client_id {
            let (sender, client_id) = (sender.clone(), client_id.clone());
            self.by_key.insert((sender.clone(), client_id.clone()), first);
            self.in_order.push_back(Remembered { sender, client_id, ordinal: self.messages, first });
        }
        self.forget_before(first.at);
    }

    fn forget_before(&mut self, now: Timestamp) {
        while let Some(oldest) = self.in_order.front() {
            let recent = self.messages - oldest.ordinal < DEDUP_MESSAGES;
            if recent || now.millis_since(oldest.first.at) <= DEDUP_MILLIS {
                return;
            }
            if let Some(oldest) = self.in_order.pop_front() {
                self.by_key.remove(&(oldest.sender, oldest.client_id));
            }
        }
    }
}

impl From<Saved> for DedupWindow {
    fn from(saved: Saved) -> Self {
        let by_key = saved
            .sends
            .iter()
            .map(|send| ((send.sender.clone(), send.client_id.clone()), send.first))
            .collect();
        Self { messages: saved.messages, in_order: saved.sends.into(), by_key }
    }
}

impl From<DedupWindow> for Saved {
    fn from(window: DedupWindow) -> Self {
        Self { messages: window.messages, sends: window.in_order.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window_after(messages: u64, millis_apart: i64) -> DedupWindow {
        let mut window = DedupWindow::default();
        for seq in 1..=messages {
            let first = FirstSend { seq, at: Timestamp::from_millis(seq.cast_signed() * millis_apart) };
            window.remember(&UserId::new("u"), Some(&ClientId::new(seq.to_string())), first);
        }
        window
    }

    fn knows(window: &DedupWindow, seq: u64) -> bool {
        window.find(&UserId::new("u"), &ClientId::new(seq.to_string())).is_some()
    }

    #[test]
    fn old_sends_are_kept_while_they_are_among_the_last_messages() {
        let window = window_after(DEDUP_MESSAGES + 1, DEDUP_MILLIS + 1);
        assert!(!knows(&window, 1));
        assert!(knows(&window, 2));
    }

    #[test]
    fn many_sends_are_kept_while_they_are_young() {
        let window = window_after(2 * DEDUP_MESSAGES, 1);
        assert!(knows(&window, 1));
    }

    #[test]
    fn a_saved_window_is_the_same_window() {
        let window = window_after(10, 1);
        let json = serde_json::to_string(&window).unwrap();
        assert_eq!(serde_json::from_str::<DedupWindow>(&json).unwrap(), window);
    }
}
