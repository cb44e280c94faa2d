//! Which of a room's records a client asks for, and whether that can be honoured.
//! Pure: how the records are read, and how long one waits for them, is decided by the handler.

use std::time::Duration;

use crate::{
    domain::{About, Code, Position, PositionText, Refusal, Resume},
    http::{error::invalid, query::Query},
    log::Page,
};

/// The records that `before`, `after` and `wait` select.
#[derive(Debug, PartialEq)]
pub(super) enum Selection {
    /// The newest.
    Newest,
    /// The last ones before a position.
    Before(PositionText),
    /// The first ones after a position; where there is none, one may wait for it.
    After(PositionText, Option<Duration>),
}

impl Selection {
    /// Reads it from a query.
    ///
    /// # Errors
    /// `invalid` with the field.
    pub(super) fn parse(query: &Query) -> Result<Self, Refusal> {
        match (query.position("before")?, query.position("after")?, query.wait()?) {
            (Some(_), Some(_), _) => Err(invalid("before", "and after exclude each other")),
            (_, None, Some(_)) => Err(invalid("wait", "needs after")),
            (None, None, None) => Ok(Self::Newest),
            (Some(before), None, None) => Ok(Self::Before(before)),
            (None, Some(after), wait) => Ok(Self::After(after, wait.filter(|wait| !wait.is_zero()))),
        }
    }

    /// The page that is meant, now that the room's head is known.
    ///
    /// # Errors
    /// `position_lost` when the position is of another epoch or, with `after`, above the head.
    pub(super) fn page(&self, head: &Position) -> Result<Page, Refusal> {
        match self {
            Self::Newest => Ok(Page::Before(head.seq.saturating_add(1))),
            Self::After(asked, _) => Ok(Page::After(judge(asked, head)?)),
            Self::Before(asked) => {
                // Before what is not there yet means the newest, so only the epoch is left to judge.
                judge(&PositionText { epoch: asked.epoch.clone(), seq: 0 }, head)?;
                Ok(Page::Before(asked.seq.min(head.seq.saturating_add(1))))
            }
        }
    }
}

fn judge(asked: &PositionText, head: &Position) -> Result<u64, Refusal> {
    match Resume::judge(asked, head) {
        Resume::From(seq) => Ok(seq),
        Resume::Lost(missing) => {
            Err(Refusal::new(Code::PositionLost).about(About::Lost { head: head.clone(), missing }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Epoch;

    fn page(query: &str) -> Result<Page, Refusal> {
        let head = Position { epoch: Epoch::new("e1"), seq: 5 };
        Selection::parse(&Query::parse(query))?.page(&head)
    }

    #[test]
    fn a_page_is_newest_before_or_after() {
        for (query, meant) in [
            ("", Page::Before(6)),
            ("before=3", Page::Before(3)),
            ("before=e1:99", Page::Before(6)),
            ("before=0", Page::Before(0)),
            ("after=0", Page::After(0)),
            ("after=e1:5&wait=3", Page::After(5)),
        ] {
            assert_eq!(page(query), Ok(meant), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_honoured_is_lost() {
        for query in ["after=6", "after=e0:1", "before=e0:1"] {
            assert_eq!(page(query).unwrap_err().code, Code::PositionLost, "{query}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_invalid() {
        for (query, field) in [
            ("before=1&after=1", "before"),
            ("wait=1", "wait"),
            ("before=1&wait=1", "wait"),
            ("after=x", "after"),
            ("before=", "before"),
        ] {
            assert_eq!(page(query).unwrap_err().field, Some(field), "{query}");
        }
    }
}
