//! How records are said to one reader: in which dialect, what each begins with, and how many may be unacknowledged.
//! The words are the business of `wire`, where they wait that of the outbox.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytestring::ByteString;

use super::outbox::{Outbox, Pending, Pushed};
use crate::{
    domain::{CloseCode, Seq},
    wire::{Dialect, stomp::Head},
};

/// How records are said to one reader.
#[derive(Debug, Clone)]
pub struct Voice {
    /// What many readers share.
    pub dialect: Dialect,
    /// What each frame begins with for this reader, where the dialect has that.
    pub head: Option<Arc<Head>>,
    /// What the reader has to acknowledge, where it said that it will.
    pub window: Option<Arc<Window>>,
}

/// Deliveries that a reader has to acknowledge, and how many of them may be without.
#[derive(Debug)]
pub struct Window {
    most: u64,
    /// So many more may be, for they were a replay, which comes faster than anybody acknowledges.
    replayed: AtomicU64,
    /// The record after which they begin.
    begins: AtomicU64,
    delivered: AtomicU64,
    acknowledged: AtomicU64,
}

/// Frames of one dialect that many readers share.
#[derive(Debug)]
pub(super) struct Frames {
    frames: Arc<[ByteString]>,
    bytes: usize,
}

impl Frames {
    pub(super) fn new(frames: Arc<[ByteString]>) -> Self {
        let bytes = frames.iter().map(|frame| frame.len()).sum();
        Self { frames, bytes }
    }

    fn len(&self) -> u64 {
        self.frames.len() as u64
    }

    /// Queues them as they are.
    fn queue(&self, outbox: &Outbox) -> Pushed {
        match self.frames.as_ref() {
            [] => Pushed::Queued,
            [frame] => outbox.push(frame.clone()),
            _ => outbox.push_shared(&self.frames, self.bytes),
        }
    }
}

/// What a fan-out has for all readers of one dialect.
pub(super) struct Parcel {
    dialect: Dialect,
    frames: Frames,
    /// The same frames as a whole for some heads, which are most often alike: a library names the first subscription
    /// of every client the same.
    whole: Vec<(Arc<Head>, Frames)>,
}

/// So many heads are kept with their frames; readers with others put them in front as they write.
const HEADS: usize = 4;

impl Parcel {
    pub(super) fn new(dialect: Dialect, frames: Arc<[ByteString]>) -> Self {
        Self { dialect, frames: Frames::new(frames), whole: Vec::new() }
    }

    pub(super) fn dialect(&self) -> &Dialect {
        &self.dialect
    }

    /// Queues it for a reader of its dialect.
    pub(super) fn deliver(&mut self, voice: &Voice, outbox: &Outbox) -> Pushed {
        let Some(head) = &voice.head else { return voice.push(outbox, &self.frames) };
        let known = self.whole.iter().position(|(known, _)| known == head);
        if known.is_none() && self.whole.len() == HEADS {
            return voice.push(outbox, &self.frames);
        }
        let known = known.unwrap_or_else(|| {
            let whole = self.frames.frames.iter().map(|frame| head.frame(frame)).collect();
            self.whole.push((Arc::clone(head), Frames::new(whole)));
            self.whole.len() - 1
        });
        voice.push_whole(outbox, &self.whole[known].1)
    }
}

impl Voice {
    /// The voice of a dialect in which frames are the same for everybody.
    pub fn plain(dialect: Dialect) -> Self {
        Self { dialect, head: None, window: None }
    }

    /// Queues frames that are in its dialect.
    pub(super) fn push(&self, outbox: &Outbox, frames: &Frames) -> Pushed {
        self.counted(outbox, frames, self.queue(outbox, frames))
    }

    /// Queues frames that begin as its own do.
    fn push_whole(&self, outbox: &Outbox, frames: &Frames) -> Pushed {
        self.counted(outbox, frames, frames.queue(outbox))
    }

    /// Ends who leaves too much unacknowledged.
    fn counted(&self, outbox: &Outbox, frames: &Frames, pushed: Pushed) -> Pushed {
        match &self.window {
            Some(window) if pushed == Pushed::Queued && !window.delivers(frames.len()) => {
                outbox.close(CloseCode::TooSlow, Pending::Drop);
                Pushed::Evicted
            }
            _ => pushed,
        }
    }

    /// Queues frames of a replay, which costs nobody the connection.
    pub(super) fn replay(&self, outbox: &Outbox, frames: &Frames) -> Pushed {
        if let Some(window) = &self.window {
            window.replays(frames.len());
        }
        self.queue(outbox, frames)
    }

    fn queue(&self, outbox: &Outbox, frames: &Frames) -> Pushed {
        match &self.head {
            Some(head) if frames.len() > 0 => outbox.push_headed(head, &frames.frames, frames.bytes),
            _ => frames.queue(outbox),
        }
    }
}

impl Window {
    /// A window in which at most `most` deliveries may be unacknowledged.
    pub fn new(most: u64) -> Self {
        Self {
            most,
            replayed: AtomicU64::new(0),
            begins: AtomicU64::new(0),
            delivered: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
        }
    }

    /// Everything after this record is delivered.
    pub(super) fn begins_after(&self, seq: Seq) {
        self.begins.store(seq, Ordering::Relaxed);
    }

    /// The first record that was delivered, and the last one, which is before it as long as there is none.
    pub(super) fn delivered(&self) -> (Seq, Seq) {
        let begins = self.begins.load(Ordering::Relaxed);
        (begins + 1, begins + self.delivered.load(Ordering::Relaxed))
    }

    /// Deliveries without an acknowledgment.
    pub(super) fn unacknowledged(&self) -> u64 {
        let acknowledged = self.acknowledged.load(Ordering::Relaxed);
        self.delivered.load(Ordering::Relaxed).saturating_sub(acknowledged)
    }

    /// The reader has acknowledged so many more.
    pub(super) fn acknowledged(&self, count: u64) {
        self.acknowledged.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts deliveries. `false` when too many are unacknowledged.
    pub(super) fn delivers(&self, count: u64) -> bool {
        self.delivered.fetch_add(count, Ordering::Relaxed);
        self.unacknowledged() <= self.most + self.replayed.load(Ordering::Relaxed)
    }

    /// Counts deliveries of a replay.
    pub(super) fn replays(&self, count: u64) {
        self.replayed.fetch_add(count, Ordering::Relaxed);
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        actors::outbox::Outbound,
        wire::stomp::{AckMode, Version},
    };

    #[test]
    fn what_a_parcel_makes_whole_is_what_a_head_would_have_put_in_front() {
        let head = |id: &str| Some(Arc::new(Head::new(Version::V1_2, Some(id), AckMode::Auto)));
        let tails: Arc<[ByteString]> = Arc::new(["seq:1\n\n\0".into(), "seq:2\n\n\0".into()]);
        let mut parcel = Parcel::new(Dialect::Native, Arc::clone(&tails));
        for reader in 0..3 * HEADS {
            let outbox = Outbox::new(|_| None, 1024);
            let voice = Voice { head: head(&(reader / 2).to_string()), ..Voice::plain(Dialect::Native) };
            assert_eq!(parcel.deliver(&voice, &outbox), Pushed::Queued);
            let mut written = String::new();
            outbox.drain(|outbound| match outbound {
                Outbound::Frames(frames) => frames.iter().for_each(|frame| written.push_str(frame)),
                Outbound::Headed(head, frames) => {
                    frames.iter().for_each(|frame| written.push_str(&head.frame(frame)));
                }
                other => panic!("{other:?}"),
            });
            let expected: String =
                tails.iter().map(|tail| format!("MESSAGE\nsubscription:{}\n{tail}", reader / 2)).collect();
            assert_eq!(written, expected);
        }
        assert_eq!(parcel.whole.len(), HEADS);
    }

    #[test]
    fn a_replay_may_be_larger_than_the_window() {
        let outbox = Outbox::new(|_| None, 1024);
        let window = Arc::new(Window::new(1));
        let voice = Voice { window: Some(Arc::clone(&window)), ..Voice::plain(Dialect::Native) };
        let frames = |count| Frames::new(vec!["x".into(); count].into());
        assert_eq!(voice.replay(&outbox, &frames(20)), Pushed::Queued);
        assert_eq!(window.delivered(), (1, 20));
        assert_eq!(voice.push(&outbox, &frames(1)), Pushed::Queued);
        assert_eq!(voice.push(&outbox, &frames(1)), Pushed::Evicted);
    }

    #[test]
    fn who_acknowledges_nothing_is_closed() {
        let outbox = Outbox::new(|_| None, 1024);
        let window = Arc::new(Window::new(3));
        let voice = Voice { window: Some(Arc::clone(&window)), ..Voice::plain(Dialect::Native) };
        let two = Frames::new(Arc::new(["a".into(), "b".into()]));
        assert_eq!(voice.push(&outbox, &two), Pushed::Queued);
        window.acknowledged(1);
        assert_eq!(voice.push(&outbox, &two), Pushed::Queued);
        assert_eq!(voice.push(&outbox, &two), Pushed::Evicted);
        assert!(outbox.is_closed());
    }
}
