//! The pieces of a WebSocket message that came in several frames, put together within a bound.
//! Which pieces may follow each other is checked by the frame codec before.

use bytes::{Bytes, BytesMut};

use crate::domain::CloseCode;

/// A message on its way.
#[derive(Debug)]
pub(super) struct Fragments {
    kind: Kind,
    pieces: BytesMut,
    most: usize,
}

/// What a message is said to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Binary,
}

/// A message whose pieces are all there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Whole {
    Text(String),
    Binary(Bytes),
}

impl Fragments {
    /// Nothing yet; a whole message may have `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { kind: Kind::Text, pieces: BytesMut::new(), most }
    }

    /// Begins a message with its first piece.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub(super) fn begin(&mut self, kind: Kind, piece: &Bytes) -> Result<(), CloseCode> {
        self.kind = kind;
        self.add(piece)
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
    pub(super) fn finish(&mut self, piece: &Bytes) -> Result<Whole, CloseCode> {
        self.add(piece)?;
        let whole = std::mem::take(&mut self.pieces);
        match self.kind {
            Kind::Binary => Ok(Whole::Binary(whole.freeze())),
            Kind::Text => {
                let text = String::from_utf8(whole.to_vec()).map_err(|_| CloseCode::InvalidUtf8)?;
                Ok(Whole::Text(text))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_one_message_within_the_bound() {
        let mut fragments = Fragments::new(8);
        // A character may be cut by a fragment's end.
        fragments.begin(Kind::Text, &Bytes::from_static(b"a\xed\x95")).unwrap();
        assert_eq!(fragments.finish(&Bytes::from_static(b"\x9cb")).unwrap(), Whole::Text("a한b".to_owned()));
        assert_eq!(
            fragments.begin(Kind::Binary, &Bytes::from_static(b"123456789")),
            Err(CloseCode::MessageTooBig)
        );
        fragments.begin(Kind::Text, &Bytes::new()).unwrap();
        assert_eq!(fragments.finish(&Bytes::from_static(b"\xff")), Err(CloseCode::InvalidUtf8));
    }
}
