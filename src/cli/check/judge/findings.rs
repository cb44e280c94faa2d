//! What a judge found: how many of each anomaly, with a few examples.
//! Only counts; what is an anomaly the judge's other files say.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// What can be wrong with a room. The first nine are Jepsen's anomalies of logs, applied to (room, seq).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Anomaly {
    /// Acknowledged and not in the history; or in the history and never shown to who should have seen it.
    Lost,
    /// One message in two records, or one record twice within a subscription or across a resume.
    Duplicated,
    /// A record after a later one, two readers of one node who disagree, a message before one that was
    /// acknowledged before it was sent.
    Reordered,
    /// A message that nobody sent, or that was refused for good, or a record that no history has.
    Invented,
    /// Two nodes that differ about what stands at a place, or where a room ends.
    Diverging,
    /// A record that came live and stands differently in the history of the same node.
    HistoryAgainstLive,
    /// An acknowledgement with another place or time than the record's.
    WronglyAcknowledged,
    /// Places that a subscription or a history left out without saying so.
    Gap,
    /// A record with an earlier time than the one before it.
    TimeBackwards,
    /// A position that a node gave out and later, or on another node, was not honoured.
    Forgotten,
}

impl Anomaly {
    /// Every anomaly, in the order of a report.
    pub const ALL: [Self; 10] = [
        Self::Lost,
        Self::Duplicated,
        Self::Reordered,
        Self::Invented,
        Self::Diverging,
        Self::HistoryAgainstLive,
        Self::WronglyAcknowledged,
        Self::Gap,
        Self::TimeBackwards,
        Self::Forgotten,
    ];

    /// Its name in a report for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Duplicated => "duplicated",
            Self::Reordered => "reordered",
            Self::Invented => "invented",
            Self::Diverging => "diverging between nodes",
            Self::HistoryAgainstLive => "history against live",
            Self::WronglyAcknowledged => "wrongly acknowledged",
            Self::Gap => "gap",
            Self::TimeBackwards => "time going backwards",
            Self::Forgotten => "position forgotten",
        }
    }
}

/// One anomaly: how often, and what it looked like.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Found {
    /// How often.
    pub count: u64,
    /// Some of them, in words.
    pub examples: Vec<String>,
}

/// Everything that was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    #[serde(skip)]
    limit: usize,
    #[serde(flatten)]
    found: BTreeMap<Anomaly, Found>,
}

impl Findings {
    /// Nothing found yet; of each anomaly at most `limit` examples are kept.
    pub fn new(limit: usize) -> Self {
        let found = Anomaly::ALL.iter().map(|anomaly| (*anomaly, Found::default())).collect();
        Self { limit, found }
    }

    /// Counts one more.
    pub fn add(&mut self, anomaly: Anomaly, example: fmt::Arguments<'_>) {
        self.add_many(anomaly, 1, example);
    }

    /// Counts `count` more, which one sentence describes.
    pub fn add_many(&mut self, anomaly: Anomaly, count: u64, example: fmt::Arguments<'_>) {
        if count == 0 {
            return;
        }
        let found = self.found.entry(anomaly).or_default();
        found.count += count;
        if found.examples.len() < self.limit {
            found.examples.push(example.to_string());
        }
    }

    /// Takes in what was found elsewhere.
    pub fn merge(&mut self, other: Self) {
        for (anomaly, theirs) in other.found {
            let ours = self.found.entry(anomaly).or_default();
            ours.count += theirs.count;
            let room_left = self.limit.saturating_sub(ours.examples.len());
            ours.examples.extend(theirs.examples.into_iter().take(room_left));
        }
    }

    /// How many of this anomaly there are.
    pub fn count(&self, anomaly: Anomaly) -> u64 {
        self.found.get(&anomaly).map_or(0, |found| found.count)
    }

    /// How many anomalies there are of any kind.
    pub fn total(&self) -> u64 {
        self.found.values().map(|found| found.count).sum()
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        self.total() == 0
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (anomaly, Found { count, examples }) in &self.found {
            writeln!(f, "{:<24} {count}", anomaly.name())?;
            for example in examples {
                writeln!(f, "    {example}")?;
            }
        }
        Ok(())
    }
}
