//! `[telemetry]`: what a node tells about itself.
//! Not the logger and not the registry; those are `crate::telemetry`.

use serde::{Deserialize, Serialize};

/// Settings of logs and metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// What is logged.
    pub log: LogFilter,
    /// What a line of the log looks like.
    pub log_format: LogFormat,
    /// Whether `/metrics` answers.
    pub metrics: bool,
}

/// Levels for the whole program or for parts of it, such as `info,klatsch::storage=debug`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LogFilter(String);

impl LogFilter {
    /// The filter as `env_logger` reads it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for LogFilter {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_level = |level: &str| level.parse::<log::LevelFilter>().is_ok();
        let is_directive = |directive: &str| match directive.split_once('=') {
            Some((target, level)) => !target.is_empty() && is_level(level),
            None => is_level(directive),
        };
        if text.split(',').map(str::trim).all(is_directive) {
            Ok(Self(text))
        } else {
            Err("off, error, warn, info, debug or trace, also as target=level, with commas between")
        }
    }
}

impl From<LogFilter> for String {
    fn from(filter: LogFilter) -> Self {
        filter.0
    }
}

/// What a line of the log looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LogFormat {
    /// For people.
    Text,
    /// A JSON object a line, for programs.
    Json,
}

impl TryFrom<String> for LogFormat {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json"),
        }
    }
}

impl From<LogFormat> for String {
    fn from(format: LogFormat) -> Self {
        match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels() {
        for good in ["info", "WARN", "info,klatsch=debug", "warn, actix_web=off"] {
            assert!(LogFilter::try_from(good.to_owned()).is_ok(), "{good}");
        }
        for bad in ["", "loud", "klatsch", "klatsch=loud", "=info", "info,"] {
            assert!(LogFilter::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
