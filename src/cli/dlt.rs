//! `klatsch dlt`: shows records that could not be decoded or applied, and appends them again.
//! What makes a record such a one is not decided here.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::settings::SettingsArgs;
use crate::app::kafka_tools::{self, Buried, Care, Replay};

/// What to do with the dead letters.
#[derive(Debug, Args)]
pub(super) struct DltArgs {
    #[command(subcommand)]
    command: DltCommand,
}

#[derive(Debug, Subcommand)]
enum DltCommand {
    /// List the dead letters: number, when it was put aside, where from, room, error
    List(SettingsArgs),
    /// Show one dead letter in full
    Show {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Its number in the list
        number: i64,
    },
    /// Append dead letters to their partitions again, once each, if they can be decoded now
    Replay {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Their numbers in the list
        #[arg(required_unless_present = "all", value_name = "NUMBER")]
        numbers: Vec<i64>,
        /// All of them that were not replayed yet
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        /// Also those that cannot be decoded or were replayed before
        #[arg(long)]
        force: bool,
    },
}

/// Shows or replays dead letters.
pub(super) fn run(args: &DltArgs) -> anyhow::Result<ExitCode> {
    let (text, code) = match &args.command {
        DltCommand::List(settings) => {
            let letters = kafka_tools::dead_letters(&settings.load_and_log()?)?;
            (list(&letters), ExitCode::SUCCESS)
        }
        DltCommand::Show { settings, number } => {
            let letters = kafka_tools::dead_letters(&settings.load_and_log()?)?;
            (show(find(&letters, *number)?), ExitCode::SUCCESS)
        }
        DltCommand::Replay { settings, numbers, all, force } => {
            let settings = settings.load_and_log()?;
            let mut letters = kafka_tools::dead_letters(&settings)?;
            if *all {
                letters.retain(|letter| *force || !letter.is_replayed);
            } else {
                letters = numbers
                    .iter()
                    .map(|number| find(&letters, *number).cloned())
                    .collect::<Result<_, _>>()?;
            }
            let care = if *force { Care::Forced } else { Care::Sensible };
            replayed(&letters, &kafka_tools::replay(&settings, &letters, care)?)
        }
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(code)
}

fn find(letters: &[Buried], number: i64) -> anyhow::Result<&Buried> {
    match letters.iter().find(|letter| letter.number == number) {
        Some(letter) => Ok(letter),
        None => bail!("there is no dead letter {number}; `klatsch dlt list` has them all"),
    }
}

fn list(letters: &[Buried]) -> String {
    let mut text = String::new();
    for letter in letters {
        let Buried { number, buried_at, from, error, .. } = letter;
        let place = format!("{}:{}", from.partition, from.offset);
        let replayed = if letter.is_replayed { "replayed; " } else { "" };
        let (room, error) = (room(letter), on_one_line(error));
        writeln!(text, "{number}\t{buried_at}\t{place}\t{room}\t{replayed}{error}").expect(INFALLIBLE);
    }
    text
}

fn show(letter: &Buried) -> String {
    let Buried { number, buried_at, from, at, error, value, .. } = letter;
    let replayed = if letter.is_replayed { "yes" } else { "no" };
    let (place, bytes) = (format!("{} {}:{}", from.topic, from.partition, from.offset), value.len());
    format!(
        "number: {number}\nfrom: {place}\nappended at: {at}\nput aside at: {buried_at}\nroom: {}\nerror: {}\n\
         replayed: {replayed}\nvalue ({bytes} bytes):\n{}\n",
        room(letter),
        on_one_line(error),
        shown(value),
    )
}

fn replayed(letters: &[Buried], fates: &[Replay]) -> (String, ExitCode) {
    let (mut text, mut code) = (String::new(), ExitCode::SUCCESS);
    for (Buried { number, from, .. }, fate) in letters.iter().zip(fates) {
        let said = match fate {
            Replay::Done => format!("appended to partition {} again", from.partition),
            Replay::Before => "was replayed before; --force does so again".to_owned(),
            Replay::Useless(why) => format!("left alone, for it would come back: {}", on_one_line(why)),
        };
        writeln!(text, "{number}\t{said}").expect(INFALLIBLE);
        if matches!(fate, Replay::Useless(_)) {
            code = ExitCode::FAILURE;
        }
    }
    (text, code)
}

/// The key, which names the room, as it can be shown.
fn room(letter: &Buried) -> String {
    letter.key.as_ref().map_or("-".to_owned(), |key| on_one_line(&String::from_utf8_lossy(key)))
}

/// Text without what would break a line or a terminal.
fn on_one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// A value as it can be shown: text as it is, anything else with escapes.
fn shown(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) if !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') => text.to_owned(),
        _ => value.escape_ascii().to_string(),
    }
}

const INFALLIBLE: &str = "a string takes every write";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_shown_breaks_a_line_or_a_terminal() {
        assert_eq!(on_one_line("a\nb\u{1b}[31m"), "a\u{fffd}b\u{fffd}[31m");
        assert_eq!(shown("{\n\t\"한글\"}".as_bytes()), "{\n\t\"한글\"}");
        assert_eq!(shown(b"\x1b[31m\xff"), "\\x1b[31m\\xff");
    }
}
