//! The option that every command with settings takes, and what a command does with them first.
//! Not the settings; those are `crate::config`.

use std::{env, path::PathBuf};

use anyhow::Context;

use crate::{
    config::{LogFormat, Settings, TelemetrySettings},
    telemetry::logging,
};

/// Where settings come from besides the defaults and the environment.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsArgs {
    /// Settings that differ from the defaults, as TOML; KLATSCH__SECTION__KEY in the environment wins over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl SettingsArgs {
    /// The settings in force.
    pub(super) fn load(&self) -> anyhow::Result<Settings> {
        let environment = env::vars_os()
            .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        Ok(Settings::load(self.config.as_deref(), environment)?)
    }

    /// The settings in force, with the process's logger set up as they say.
    pub(super) fn load_and_log(&self) -> anyhow::Result<Settings> {
        let settings = self.load()?;
        start_logging(&settings.telemetry).context("cannot start logging")?;
        Ok(settings)
    }
}

fn start_logging(settings: &TelemetrySettings) -> Result<(), log::SetLoggerError> {
    let filter = settings.log.as_str();
    match settings.log_format {
        LogFormat::Text => logging::as_text(filter),
        LogFormat::Json => logging::as_json(filter),
    }
}
