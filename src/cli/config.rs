//! `klatsch config`: prints the settings in force.
//! Secrets are hidden, so the answer can be shown to somebody.

use std::io::{self, Write};

use anyhow::Context;

use super::settings::SettingsArgs;

/// Prints the settings as TOML that loads again.
pub(super) fn run(args: &SettingsArgs) -> anyhow::Result<()> {
    let toml = args.load()?.to_toml();
    io::stdout().write_all(toml.as_bytes()).context("cannot write to standard output")
}
