//! What operators do to the topics of the Kafka log from the command line, with a node's settings.
//! No node runs here, and what is found is shown elsewhere.

use anyhow::Context as _;

use crate::{
    config::Settings,
    log::kafka::{KafkaOptions, Partition, dead_letters::DeadLetters, topics::Topics},
    telemetry::Metrics,
    wire::log_record,
};

pub use crate::log::kafka::{Finding, dead_letters::Buried, topics::Made};

/// What became of a replay.
#[derive(Debug)]
pub enum Replay {
    /// It is in its room's partition again.
    Done,
    /// It was replayed before, so it was left where it is.
    Before,
    /// It would be a dead letter again, for this reason.
    Useless(String),
}

/// Makes the topics that are missing; `partitions` are those of the rooms' topic, also where it is there.
///
/// # Errors
/// Why it could not.
pub fn create_topics(
    settings: &Settings,
    partitions: Option<Partition>,
) -> anyhow::Result<Vec<(String, Made)>> {
    let options = options(settings)?;
    let done = wait_for(async { Topics::new(&options)?.create(partitions).await })?;
    done.context("cannot create the topics")
}

/// Compares the topics with what they should be like.
///
/// # Errors
/// Why it could not.
pub fn check_topics(settings: &Settings) -> anyhow::Result<Vec<(String, Vec<Finding>)>> {
    let options = options(settings)?;
    let done = wait_for(async { Topics::new(&options)?.check().await })?;
    done.context("cannot check the topics")
}

/// All dead letters.
///
/// # Errors
/// Why they could not be read.
pub fn dead_letters(settings: &Settings) -> anyhow::Result<Vec<Buried>> {
    DeadLetters::new(&options(settings)?).read().context("cannot read the dead letters")
}

/// Which dead letters are replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// Those that can be decoded and were not replayed before.
    Sensible,
    /// All of them.
    Forced,
}

/// Appends dead letters to their partitions again.
///
/// # Errors
/// The first that the brokers did not take.
pub fn replay(settings: &Settings, letters: &[Buried], care: Care) -> anyhow::Result<Vec<Replay>> {
    let dead_letters = DeadLetters::new(&options(settings)?);
    let replaying = async {
        let mut fates = Vec::new();
        for letter in letters {
            let fate = if care == Care::Forced { Replay::Done } else { judge(letter) };
            if matches!(fate, Replay::Done) {
                let number = letter.number;
                let context = || format!("cannot replay dead letter {number}");
                dead_letters.replay(letter).await.with_context(context)?;
            }
            fates.push(fate);
        }
        Ok(fates)
    };
    wait_for(replaying)?
}

fn judge(letter: &Buried) -> Replay {
    if letter.is_replayed {
        return Replay::Before;
    }
    match log_record::decode(&letter.value) {
        Err(error) => Replay::Useless(error.to_string()),
        Ok(_) if letter.key.is_none() => Replay::Useless("it names no room".to_owned()),
        Ok(_) => Replay::Done,
    }
}

fn options(settings: &Settings) -> anyhow::Result<KafkaOptions> {
    let options = KafkaOptions::new(&settings.kafka, settings.node.id.as_str(), Metrics::new())?;
    options.check()?;
    Ok(options)
}

fn wait_for<T>(work: impl Future<Output = T>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    Ok(runtime.context("cannot start a runtime")?.block_on(work))
}
