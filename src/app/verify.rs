//! Holds a node's database against its log, from the command line.
//! No node runs here, and what is found is shown elsewhere.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use tokio::time::sleep;

use super::database;
use crate::{
    config::{LogKind, Settings},
    log::kafka::{
        KafkaOptions,
        cluster::Cluster,
        tail::Tails,
        verify::{Verifier, VerifyError},
    },
    storage::Store,
    telemetry::Metrics,
};

pub use crate::log::kafka::verify::{Difference, Verdict};

/// Time between two looks at how far the log is stored.
const LOOK: Duration = Duration::from_millis(200);

/// Compares the log with the database, once what is in the log now is stored or `patience` has passed.
///
/// # Errors
/// Why it could not.
pub fn verify(settings: &Settings, patience: Duration) -> anyhow::Result<Verdict> {
    ensure!(
        settings.log.kind == LogKind::Kafka,
        "log.kind is embedded: the database is the log, and there is nothing to compare it with"
    );
    let options = KafkaOptions::new(&settings.kafka, settings.node.id.as_str(), Metrics::new())?;
    options.check()?;
    let store = Store::new(database(settings)?, 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("cannot start a runtime")?.block_on(async {
        let verifier = Verifier::new(store, Cluster::new(&options)?, Tails::new(&options));
        wait(&verifier, patience).await?;
        verifier.verify().await.context("cannot compare")
    })
}

async fn wait(verifier: &Verifier, patience: Duration) -> Result<(), VerifyError> {
    if patience.is_zero() {
        return Ok(());
    }
    let (since, ends) = (Instant::now(), verifier.ends().await?);
    while !verifier.is_stored(&ends).await? && since.elapsed() < patience {
        sleep(LOOK).await;
    }
    Ok(())
}
