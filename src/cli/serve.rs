//! `klatsch serve`: runs a node.
//! Not the node; that is `crate::app`.

use super::settings::SettingsArgs;
use crate::app;

/// Runs a node until it is told to stop.
pub(super) fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    app::serve(args.load_and_log()?)
}
