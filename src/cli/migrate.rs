//! `klatsch migrate`: brings the database's tables up to date.
//! Nothing else starts.

use super::settings::SettingsArgs;
use crate::app;

/// Migrates the database and ends.
pub(super) fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    app::migrate(args.load_and_log()?)
}
