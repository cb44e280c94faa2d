//! A refusal: the code from the table, and what is particular to this one.
//! How it looks on a wire is not known here.

use std::{borrow::Cow, fmt};

use super::{Code, Missing, Position, Rate, Reason, RoomInfo, Timestamp};

/// Why a request was not done. Nothing has changed when one is given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The row of the table.
    pub code: Code,
    /// A sentence for people; the table's own where nothing more is to say.
    pub message: Cow<'static, str>,
    /// The field that is wrong, where it is one.
    pub field: Option<&'static str>,
    /// When it is worth trying again, in milliseconds, where that is known.
    pub retry_after_ms: Option<u64>,
    /// What the client needs to go on.
    pub about: Option<Box<About>>,
}

/// What a refusal hands to the client so that it can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The room that has the name already.
    Room(RoomInfo),
    /// The present head, and what the position missed.
    Lost {
        /// The room's newest position.
        head: Position,
        /// The range that is not handed out.
        missing: Missing,
    },
    /// The limit that was reached, by its name.
    Rate {
        /// Which one.
        policy: &'static str,
        /// How often it allows it.
        rate: Rate,
    },
    /// What is held against who asks.
    Penalty {
        /// Until when; for ever where nothing is said.
        until: Option<Timestamp>,
        /// Why, in the words of who did it.
        reason: Option<Reason>,
    },
}

impl Refusal {
    /// A refusal with the table's own sentence.
    pub const fn new(code: Code) -> Self {
        let message = Cow::Borrowed(code.sentence());
        Self { code, message, field: None, retry_after_ms: None, about: None }
    }

    /// Names the wrong field.
    #[must_use]
    pub const fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// Says it in other words than the table.
    #[must_use]
    pub fn message(mut self, message: impl Into<Cow<'static, str>>) -> Self {
        self.message = message.into();
        self
    }

    /// Until when something is held against who asks (none for ever), and why; nothing where it is about something else.
    pub fn penalty(&self) -> (Option<Option<Timestamp>>, Option<&str>) {
        match self.about.as_deref() {
            Some(About::Penalty { until, reason }) => (Some(*until), reason.as_ref().map(Reason::as_str)),
            Some(About::Room(_) | About::Lost { .. } | About::Rate { .. }) | None => (None, None),
        }
    }

    /// Hands over what the client needs to go on.
    #[must_use]
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(Box::new(about));
        self
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for Refusal {}
