//! Positions in a room's log, and the judgement whether a client's position can be honoured.
//! How records are fetched is not known here.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Code, Epoch, Refusal};

/// The number of a record in its room: dense, from 1; 0 is the place before the first.
pub type Seq = u64;

/// A place in a room's log: which life of the log, and the last record that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Which life of the room's log.
    pub epoch: Epoch,
    /// The last record that was seen.
    pub seq: Seq,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.seq)
    }
}

/// A position as a client writes it in text: `<seq>`, which trusts the present epoch, or `<epoch>:<seq>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PositionText {
    /// The epoch, where the client gave one.
    pub epoch: Option<Epoch>,
    /// The sequence number.
    pub seq: Seq,
}

impl PositionText {
    /// Reads a position from a query or a header.
    ///
    /// # Errors
    /// `invalid` with the given field when it is of neither form.
    pub fn parse(text: &str, field: &'static str) -> Result<Self, Refusal> {
        let (epoch, seq) = match text.rsplit_once(':') {
            Some((epoch, seq)) if !epoch.is_empty() => (Some(Epoch::new(epoch)), seq),
            Some(_) => (None, ""),
            None => (None, text),
        };
        // `u64::from_str` also takes a leading plus sign, which is no sequence number.
        match seq.parse() {
            Ok(seq) if !text.contains('+') => Ok(Self { epoch, seq }),
            _ => Err(Refusal::new(Code::Invalid)
                .field(field)
                .message(format!("{field} must be a position: <seq> or <epoch>:<seq>"))),
        }
    }
}

impl From<Position> for PositionText {
    fn from(position: Position) -> Self {
        Self { epoch: Some(position.epoch), seq: position.seq }
    }
}

/// The records that a position missed and that are not handed out, in the present epoch, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The first one, 1 or the oldest that is kept.
    pub from: Seq,
    /// The last one: the head when the position was judged.
    pub to: Seq,
}

/// Whether a client's position can be honoured (promise D3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// Everything after this sequence number follows.
    From(Seq),
    /// Nothing old follows; the range that is missing is there over HTTP.
    Lost(Missing),
}

impl Resume {
    /// Judges a client's position against the head of the room.
    pub fn judge(asked: &PositionText, head: &Position) -> Self {
        let other_epoch = asked.epoch.as_ref().is_some_and(|epoch| *epoch != head.epoch);
        if other_epoch || asked.seq > head.seq {
            return Self::Lost(Missing { from: 1, to: head.seq });
        }
        Self::From(asked.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(epoch: &str, seq: Seq) -> Position {
        Position { epoch: Epoch::new(epoch), seq }
    }

    #[test]
    fn a_position_reads_with_and_without_its_epoch() {
        assert_eq!(PositionText::parse("7", "after").unwrap(), PositionText { epoch: None, seq: 7 });
        assert_eq!(PositionText::parse("e1:0", "after").unwrap(), at("e1", 0).into());
        for bad in ["", ":", ":1", "e:", "-1", "+1", "e:+1", "x", "1.5", "99999999999999999999"] {
            assert_eq!(PositionText::parse(bad, "after").unwrap_err().field, Some("after"), "{bad}");
        }
    }

    #[test]
    fn a_position_is_lost_in_another_epoch_or_above_the_head() {
        let head = at("e1", 5);
        let lost = Resume::Lost(Missing { from: 1, to: 5 });
        assert_eq!(Resume::judge(&at("e1", 5).into(), &head), Resume::From(5));
        assert_eq!(Resume::judge(&at("e1", 0).into(), &head), Resume::From(0));
        assert_eq!(Resume::judge(&at("e1", 6).into(), &head), lost);
        assert_eq!(Resume::judge(&at("e0", 2).into(), &head), lost);
    }
}
