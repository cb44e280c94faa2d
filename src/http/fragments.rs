//! The pieces of a WebSocket message that came in several frames, put together within a bound.
//! Which pieces may follow each other is checked by the frame codec before.

use bytes::{Bytes, BytesMut};

use crate::domain::CloseCode;

/// A text message on its way.
#[derive(Debug)]
pub(super) struct Fragments {
    pieces: BytesMut,
    most: usize,
}

impl Fragments {
    /// Nothing yet; a whole message may have `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { pieces: BytesMut::new(), most }
    }

    /// Adds a piece.
    ///
    /// # Errors
    /// [`CloseCode::MessageTooBig`] when the message is longer than it may be.
    pub(super) fn add(&mut self, piece: &Bytes) -> Result<(), CloseCode> {
        if self.pieces.len() + piece.len() > self.most {
            return Err(CloseCode::MessageTooBig);
        }
        self.pieces.extend_from_slice(piece);
        Ok(())
    }

    /// Adds the last piece and gives the message.
    ///
    /// # Errors
    /// As [`Self::add`], and [`CloseCode::InvalidUtf8`].
    pub(super) fn finish(&mut self, piece: &Bytes) -> Result<String, CloseCode> {
        self.add(piece)?;
        let whole = std::mem::take(&mut self.pieces);
        String::from_utf8(whole.to_vec()).map_err(|_| CloseCode::InvalidUtf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_message_within_the_bound() {
        let mut fragments = Fragments::new(8);
        // A character may be cut by a fragment's end.
        fragments.add(&Bytes::from_static(b"a\xed\x95")).unwrap();
        assert_eq!(fragments.finish(&Bytes::from_static(b"\x9cb")).unwrap(), "a한b");
        assert_eq!(fragments.add(&Bytes::from_static(b"123456789")), Err(CloseCode::MessageTooBig));
        assert_eq!(fragments.finish(&Bytes::from_static(b"\xff")), Err(CloseCode::InvalidUtf8));
    }
}
