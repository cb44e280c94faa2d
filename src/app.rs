//! Puts a node together and runs it.
//! Placeholder of the house; the real one comes with the actors.

use crate::config::Settings;

/// Runs a node until it is told to stop.
pub fn serve(settings: Settings) -> anyhow::Result<()> {
    anyhow::bail!("cannot serve at {} yet", settings.server.listen.as_str())
}

/// Brings the database's tables up to date.
pub fn migrate(settings: Settings) -> anyhow::Result<()> {
    anyhow::bail!("cannot migrate {} yet", settings.database.url)
}
