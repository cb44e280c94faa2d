//! What happened in runs and how often, so that it can be seen that they try what they should.
//! No judgement: that something happened is neither good nor bad.

use std::collections::BTreeMap;

/// Something that is worth being counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Happening {
    NodeKilled,
    NodePaused,
    BrokersStopped,
    DatabaseStopped,
    AppendFailedAndStored,
    AppendLost,
    EntriesReadAgain,
    EntryLeftOut,
    PartitionLost,
    OutOfRange,
    StateOlderThanMemory,
    ReadApart,
    RoomOpened,
    RoomSlept,
    RoomLostItsSink,
    ResumedElsewhere,
    CommandHeld,
    CaughtUpFromRows,
    CaughtUpFromTheLog,
    RepeatedSendAcknowledged,
    BatchStored,
    BatchStoredAndReportedAsFailed,
    BatchStoredLate,
    LateBatchFenced,
    TwinFenced,
    SaverPutOut,
    DeadLettersWritten,
    DeedDone,
    Refused,
}

impl Happening {
    /// All of them.
    pub(crate) const ALL: [Self; 29] = [
        Self::NodeKilled,
        Self::NodePaused,
        Self::BrokersStopped,
        Self::DatabaseStopped,
        Self::AppendFailedAndStored,
        Self::AppendLost,
        Self::EntriesReadAgain,
        Self::EntryLeftOut,
        Self::PartitionLost,
        Self::OutOfRange,
        Self::StateOlderThanMemory,
        Self::ReadApart,
        Self::RoomOpened,
        Self::RoomSlept,
        Self::RoomLostItsSink,
        Self::ResumedElsewhere,
        Self::CommandHeld,
        Self::CaughtUpFromRows,
        Self::CaughtUpFromTheLog,
        Self::RepeatedSendAcknowledged,
        Self::BatchStored,
        Self::BatchStoredAndReportedAsFailed,
        Self::BatchStoredLate,
        Self::LateBatchFenced,
        Self::TwinFenced,
        Self::SaverPutOut,
        Self::DeadLettersWritten,
        Self::DeedDone,
        Self::Refused,
    ];
}

/// How often each happened.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Tally(BTreeMap<Happening, u64>);

impl Tally {
    /// It happened once more.
    pub(crate) fn count(&mut self, happening: Happening) {
        *self.0.entry(happening).or_default() += 1;
    }

    /// How often it happened.
    pub(crate) fn of(&self, happening: Happening) -> u64 {
        self.0.get(&happening).copied().unwrap_or(0)
    }

    /// Adds what happened in another run.
    pub(crate) fn add(&mut self, other: &Self) {
        for (happening, times) in &other.0 {
            *self.0.entry(*happening).or_default() += times;
        }
    }
}
