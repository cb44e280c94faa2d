//! What a session's receiver is given at once.
//! How it is written is decided by the transport.

use crate::wire::sockjs::Goodbye;

/// Frames, at least one.
#[derive(Debug)]
pub(super) struct Received {
    /// A frame of the session.
    pub(super) messages: Option<String>,
    /// Its last one.
    pub(super) goodbye: Option<Goodbye>,
}

impl From<String> for Received {
    fn from(frame: String) -> Self {
        Self { messages: Some(frame), goodbye: None }
    }
}

impl Received {
    /// The first frame. For a response that carries one alone; a goodbye is told again to whoever asks next.
    pub(super) fn first(self) -> String {
        self.messages.or_else(|| self.goodbye.map(Goodbye::frame)).unwrap_or_default()
    }

    /// All frames.
    pub(super) fn all(self) -> impl Iterator<Item = String> {
        self.messages.into_iter().chain(self.goodbye.map(Goodbye::frame))
    }
}
