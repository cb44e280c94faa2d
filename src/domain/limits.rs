//! The bounds of values that people choose, as one argument to whatever parses them.
//! They are settings, so only parsing and `decide` may look at them, never `apply`.

/// Upper bounds of names, bodies and client ids; the lower bound is always 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Unicode scalar values of a prepared nickname.
    pub nickname_chars: usize,
    /// Unicode scalar values of a prepared room name.
    pub room_name_chars: usize,
    /// Bytes of a message body in UTF-8.
    pub body_bytes: usize,
    /// Unicode scalar values of a client's message id.
    pub client_id_chars: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nickname_chars: 32, room_name_chars: 80, body_bytes: 8 * 1024, client_id_chars: 64 }
    }
}
