//! The counts of one run, shared by its members.
//! Only adds up; what is a fault the ledger judges, and what is printed the report decides.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cli::latency::Latency;

/// What all members of a run have seen so far. Times count from the start of the run.
#[derive(Default)]
pub(super) struct Tally {
    /// Members whose first join was answered.
    pub(super) joined: u64,
    /// Messages acknowledged.
    pub(super) acked: u64,
    /// Messages refused for good.
    pub(super) refused: u64,
    /// Sends repeated after a cut or a refusal.
    pub(super) repeated: u64,
    /// Messages that reached a member, live or replayed.
    pub(super) deliveries: u64,
    /// Those of them that came because a member resumed.
    pub(super) replayed: u64,
    /// Resumes by members who dropped their own socket.
    pub(super) drops: u64,
    /// Sockets ended by the server, by close code; 1006 where there was none.
    pub(super) cuts: BTreeMap<u16, u64>,
    /// Refusals, by code.
    pub(super) refusals: BTreeMap<String, u64>,
    /// Send to ack, of messages sent once.
    pub(super) response: Latency,
    /// Send to record, of live records of messages sent once.
    pub(super) delivery: Latency,
    /// When the last ack came.
    pub(super) last_ack: Duration,
    /// When the last message reached a member.
    pub(super) last_delivery: Duration,
}

impl Tally {
    /// Messages that will not be heard of again.
    pub(super) fn settled(&self) -> u64 {
        self.acked + self.refused
    }

    /// Counts a socket that the server ended.
    pub(super) fn cut(&mut self, code: Option<u16>) {
        *self.cuts.entry(code.unwrap_or(NO_CLOSE_FRAME)).or_default() += 1;
    }

    /// Counts a refusal.
    pub(super) fn refusal(&mut self, code: String) {
        *self.refusals.entry(code).or_default() += 1;
    }
}

/// RFC 6455: the code of a connection that ended without a close frame.
const NO_CLOSE_FRAME: u16 = 1006;
