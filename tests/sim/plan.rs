//! What a run is like: how large the cluster is, which faults there are and how often. A seed chooses all of it.
//! Each kind of fault is absent from some runs, for faults can hide each other.

use crate::{chance::Chance, schedule::Millis};

/// How often something goes wrong, in a thousand times.
pub(crate) type PerMille = u64;

/// The plan of one run.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) nodes: usize,
    pub(crate) partitions: i32,
    pub(crate) rooms: usize,
    pub(crate) clients: usize,
    pub(crate) users: usize,
    /// Until then clients begin new things and faults happen; afterwards everything must come to rest.
    pub(crate) quiet_from: Millis,
    /// The longest pause of a client between two things that it does.
    pub(crate) leisure: Millis,
    /// The longest way between two machines, most of the time.
    pub(crate) way: Millis,
    /// Bytes of recent entries that a node keeps of a partition.
    pub(crate) ring_bytes: usize,
    /// Records that a room keeps in memory.
    pub(crate) recent: usize,
    /// After this long without readers and requests a room sleeps.
    pub(crate) idle: Millis,
    /// Records in a page of history.
    pub(crate) page: usize,
    /// Entries that a consumer gets at once.
    pub(crate) fetch: usize,
    /// Entries that a saver stores at once.
    pub(crate) batch: usize,
    /// Members and sends that a saver keeps in memory.
    pub(crate) fold_weight: usize,
    pub(crate) snapshot_every: u64,
    /// How often it takes a hundred times as long from one machine to another.
    pub(crate) slow: PerMille,
    /// Appends that fail, that fail and are stored, and that are refused at once.
    pub(crate) append_lost: PerMille,
    pub(crate) append_doubtful: PerMille,
    pub(crate) append_refused: PerMille,
    /// Fetches that begin a little earlier than they should.
    pub(crate) again: PerMille,
    /// Fetches of savers that leave out what comes first, once.
    pub(crate) left_out: PerMille,
    /// Queries and transactions that fail, and commits that are reported as failed and were not.
    pub(crate) database_fails: PerMille,
    pub(crate) commit_doubtful: PerMille,
    /// Messages of clients that go through some other node, and twice.
    pub(crate) elsewhere: PerMille,
    pub(crate) twice: PerMille,
    /// The pause between two faults of a kind; none where that kind is absent.
    pub(crate) crashes: Option<Millis>,
    pub(crate) pauses: Option<Millis>,
    pub(crate) rebalances: Option<Millis>,
    pub(crate) poison: Option<Millis>,
    pub(crate) losses: Option<Millis>,
    pub(crate) broker_stops: Option<Millis>,
    pub(crate) database_stops: Option<Millis>,
    pub(crate) retention: Option<Millis>,
    pub(crate) gaps: Option<Millis>,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn choose(chance: &mut Chance) -> Self {
        let clients = chance.between(2, 7) as usize;
        Self {
            nodes: chance.between(1, 3) as usize,
            partitions: chance.between(1, 3) as i32,
            rooms: chance.between(1, 3) as usize,
            clients,
            users: chance.between(1, clients as i64) as usize,
            quiet_from: chance.between(5_000, 20_000),
            leisure: chance.pick(&[200, 600, 2_000]),
            way: chance.pick(&[1, 5, 40]),
            ring_bytes: chance.pick(&[0, 600, 2_000, 10_000, 1_000_000]),
            recent: chance.pick(&[0, 3, 20, 1_000]),
            idle: chance.pick(&[300, 2_000, 10_000]),
            page: chance.pick(&[3, 20, 200]),
            fetch: chance.pick(&[1, 3, 20, 500]),
            batch: chance.pick(&[1, 3, 20, 500]),
            fold_weight: chance.pick(&[0, 10, 10_000]),
            snapshot_every: chance.pick(&[2, 10, 50]),
            slow: some(chance, 20),
            append_lost: some(chance, 50),
            append_doubtful: some(chance, 50),
            append_refused: some(chance, 20),
            again: some(chance, 100),
            left_out: some(chance, 50),
            database_fails: some(chance, 60),
            commit_doubtful: some(chance, 60),
            elsewhere: some(chance, 200),
            twice: some(chance, 200),
            crashes: pause(chance, 6_000),
            pauses: pause(chance, 4_000),
            rebalances: pause(chance, 2_000),
            poison: pause(chance, 1_000),
            losses: pause(chance, 4_000),
            broker_stops: pause(chance, 8_000),
            database_stops: pause(chance, 8_000),
            retention: pause(chance, 2_000),
            gaps: pause(chance, 2_000),
        }
    }

    /// How long something takes from one machine to another.
    pub(crate) fn delay(&self, chance: &mut Chance) -> Millis {
        let longest = if chance.hits(self.slow) { 100 * self.way } else { self.way };
        chance.between(0, longest)
    }
}

fn some(chance: &mut Chance, most: PerMille) -> PerMille {
    if chance.hits(500) { chance.between(1, most.cast_signed()).unsigned_abs() } else { 0 }
}

fn pause(chance: &mut Chance, usual: Millis) -> Option<Millis> {
    chance.hits(500).then(|| chance.between(usual / 4, 2 * usual))
}
