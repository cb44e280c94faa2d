//! Where `log` records go: standard error, as lines for people or as JSON for programs.
//! Not a decision about what is worth a line; a filter says that.

use std::io::Write;

use env_logger::{Builder, fmt::Formatter};
use log::{Record, SetLoggerError};
use serde_json::json;

/// Logs lines for people; `filter` is as `env_logger` reads it, such as `info,klatsch::storage=debug`.
///
/// # Errors
///
/// If the process has a logger already.
pub fn as_text(filter: &str) -> Result<(), SetLoggerError> {
    Builder::new().parse_filters(filter).format_timestamp_millis().try_init()
}

/// Logs a JSON object a line with `at` (RFC 3339, UTC, milliseconds), `level`, `target` and `message`.
///
/// # Errors
///
/// If the process has a logger already.
pub fn as_json(filter: &str) -> Result<(), SetLoggerError> {
    Builder::new()
        .parse_filters(filter)
        .format(|formatter, record| {
            let line = json_line(&formatter.timestamp_millis().to_string(), record);
            writeln!(formatter as &mut Formatter, "{line}")
        })
        .try_init()
}

fn json_line(at: &str, record: &Record<'_>) -> String {
    json!({
        "at": at,
        "level": record.level().as_str().to_ascii_lowercase(),
        "target": record.target(),
        "message": record.args().to_string(),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use log::Level;

    #[test]
    fn a_json_line_is_one_line_whatever_the_message_holds() {
        let record = Record::builder()
            .level(Level::Warn)
            .target("klatsch::storage")
            .args(format_args!("said \"no\"\nand left"))
            .build();
        assert_eq!(
            json_line("2026-01-02T03:04:05.678Z", &record),
            r#"{"at":"2026-01-02T03:04:05.678Z","level":"warn","message":"said \"no\"\nand left","target":"klatsch::storage"}"#
        );
    }
}
