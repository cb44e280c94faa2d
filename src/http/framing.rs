//! How a protocol's messages stand in what carries them: plainly, each by itself, or in frames of SockJS.
//! The frames are the business of `wire`; sockets and responses write them.

use bytestring::ByteString;

use crate::{
    actors::{Outbound, Outbox},
    domain::CloseCode,
    wire::sockjs::Messages,
};

/// A sign of life of a protocol that has one: an empty line.
pub(super) const BEAT: ByteString = ByteString::from_static("\n");

/// How messages stand in a WebSocket.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    /// A message in each.
    Plain,
    /// In frames of SockJS, with one that is a sign of life this often.
    SockJs {
        /// In seconds.
        heartbeat_s: u64,
    },
}

/// What waited in an outbox, for SockJS.
#[derive(Debug, Default)]
pub(super) struct Drained {
    /// The frame of all messages, where there were any.
    pub(super) messages: Option<String>,
    /// A sign of life is asked for.
    pub(super) ping: bool,
    /// Nothing comes any more.
    pub(super) end: Option<CloseCode>,
}

impl Drained {
    /// Takes everything that waits.
    pub(super) fn of(outbox: &Outbox) -> Self {
        // Who fills the outbox must not wait for the encoding.
        let mut waiting = Vec::new();
        outbox.drain(|outbound| waiting.push(outbound));
        let (mut drained, mut messages) = (Self::default(), Messages::default());
        for outbound in waiting {
            match outbound {
                Outbound::Frame(frame) => messages.push(&frame),
                Outbound::Frames(frames) => frames.iter().for_each(|frame| messages.push(frame)),
                Outbound::Headed(head, frames) => {
                    frames.iter().for_each(|frame| messages.push(&head.frame(frame)));
                }
                // SockJS carries text alone.
                Outbound::Binary(bytes) => messages.push(&String::from_utf8_lossy(&bytes)),
                Outbound::Beat => messages.push(&BEAT),
                Outbound::Ping => drained.ping = true,
                Outbound::Close(code) => drained.end = Some(code),
            }
        }
        Self { messages: messages.frame(), ..drained }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actors::Pending;

    #[test]
    fn everything_that_waits_is_one_frame() {
        let outbox = Outbox::new(|_| None, 1024);
        outbox.push("a".into());
        outbox.push_shared(&["b".into(), "c".into()].into(), 2);
        outbox.ping();
        outbox.push_binary("d\u{e9}".into());
        outbox.beat();
        let drained = Drained::of(&outbox);
        assert_eq!(drained.messages.unwrap(), r#"a["a","b","c","dé","\n"]"#);
        assert!(drained.ping && drained.end.is_none());
        outbox.close(CloseCode::GoingAway, Pending::Flush);
        let drained = Drained::of(&outbox);
        assert_eq!((drained.messages, drained.end), (None, Some(CloseCode::GoingAway)));
    }
}
