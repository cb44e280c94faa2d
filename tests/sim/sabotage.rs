//! Ways to break a promise on purpose, so that it can be seen that the judge notices.
//! They live in the virtual parts of a run; the product has no such switches.

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sabotage {
    /// The database stores a batch wherever its partitions stand.
    SkipTheFence,
    /// A consumer begins behind the entry that it was told to begin with.
    DropAtAttach,
    /// A producer says that it is done before the log has it.
    AckBeforeDurable,
    /// A node forgets what clients call their messages.
    ForgetDedup,
    /// A room is opened without waiting for what is in the log already.
    SkipTheWatermark,
    /// A partition's place is read a while after the state of the room.
    ReadInTwoInstants,
    /// Openings of a room are called alike, whichever node they are on.
    ShareRuns,
    /// Dead letters are lost on their way.
    LoseDeadLetters,
    /// A node hands over what it fetched in another order.
    Reorder,
    /// A room says what is not so without looking whether others made it so.
    TrustTheState,
    /// Who belongs to a room is not stored with its records.
    LoseMemberships,
}

impl Sabotage {
    /// All of them.
    pub(crate) const ALL: [Self; 11] = [
        Self::SkipTheFence,
        Self::DropAtAttach,
        Self::AckBeforeDurable,
        Self::ForgetDedup,
        Self::SkipTheWatermark,
        Self::ReadInTwoInstants,
        Self::ShareRuns,
        Self::LoseDeadLetters,
        Self::Reorder,
        Self::TrustTheState,
        Self::LoseMemberships,
    ];
}
