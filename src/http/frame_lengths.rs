//! Follows the frames in a WebSocket's bytes by their headers (RFC 6455, section 5.2), so that one that
//! announces too much is refused before its payload is read. Decoding is the codec's business.

/// A frame announced more than it may have.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Where the bytes so far end: in a header, or in a payload.
#[derive(Debug)]
pub(super) struct FrameLengths {
    most: u64,
    header: [u8; 14],
    header_length: usize,
    payload_left: u64,
}

impl FrameLengths {
    /// Before the first frame; a payload may have `most` bytes.
    pub(super) fn new(most: usize) -> Self {
        Self { most: most as u64, header: [0; 14], header_length: 0, payload_left: 0 }
    }

    /// Follows the next bytes.
    ///
    /// # Errors
    /// [`TooLong`] at the header that announces too much.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Result<(), TooLong> {
        loop {
            let skipped = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
            self.payload_left -= skipped as u64;
            bytes = &bytes[skipped..];
            let Some((first, rest)) = bytes.split_first() else { return Ok(()) };
            self.header[self.header_length] = *first;
            self.header_length += 1;
            bytes = rest;
            if let Some(length) = self.whole_header() {
                if length > self.most {
                    return Err(TooLong);
                }
                self.header_length = 0;
                self.payload_left = length;
            }
        }
    }

    /// The length of the payload, once the header is whole.
    fn whole_header(&self) -> Option<u64> {
        let header = self.header.get(..self.header_length)?;
        let (first, extended) = header.split_at_checked(2)?;
        let mask = if first[1] & 0x80 == 0 { 0 } else { 4 };
        let size = match first[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if extended.len() < size + mask {
            return None;
        }
        Some(match size {
            0 => u64::from(first[1] & 0x7f),
            _ => extended[..size].iter().fold(0, |length, byte| length << 8 | u64::from(*byte)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: [u8; 9] = [0x81, 0x83, 1, 2, 3, 4, b'a', b'b', b'c'];

    fn follow(bytes: &[u8], at_once: usize) -> Result<(), TooLong> {
        let mut lengths = FrameLengths::new(300);
        bytes.chunks(at_once).try_for_each(|chunk| lengths.follow(chunk))
    }

    #[test]
    fn frames_are_followed_however_they_are_cut() {
        let mut bytes = Vec::new();
        for _ in 0..3 {
            bytes.extend(SMALL);
            bytes.extend([0x82, 0xfe, 0x01, 0x2c, 1, 2, 3, 4]);
            bytes.extend([0xff; 300]);
            bytes.extend([0x89, 0x80, 1, 2, 3, 4]);
        }
        for at_once in [1, 2, 3, 7, 1000] {
            assert_eq!(follow(&bytes, at_once), Ok(()), "{at_once} at once");
        }
    }

    #[test]
    fn a_frame_that_announces_too_much_is_refused_at_its_header() {
        let mut bytes = SMALL.to_vec();
        bytes.extend([0x81, 0xfe, 0x01, 0x2d, 1, 2, 3, 4]);
        assert_eq!(follow(&bytes, 1), Err(TooLong));
        assert_eq!(follow(&[0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0], 3), Err(TooLong));
    }
}
