//! `klatsch topics`: makes the topics of the Kafka log and says what differs from what they should be like.
//! What that is stands in `crate::log`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::settings::SettingsArgs;
use crate::app::kafka_tools::{self, Finding, Made};

/// What to do with the topics.
#[derive(Debug, Args)]
pub(super) struct TopicsArgs {
    #[command(subcommand)]
    command: TopicsCommand,
}

#[derive(Debug, Subcommand)]
enum TopicsCommand {
    /// Make the topics that are missing; those that are there keep their settings
    Create {
        #[command(flatten)]
        settings: SettingsArgs,
        /// Partitions of the rooms' topic; added where it has fewer. No room moves, and new ones use them
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=10_000))]
        partitions: Option<i32>,
    },
    /// Compare the topics with the settings; exit code 1 if something breaks a promise
    Check(SettingsArgs),
}

/// Makes or checks the topics.
pub(super) fn run(args: &TopicsArgs) -> anyhow::Result<ExitCode> {
    let (text, code) = match &args.command {
        TopicsCommand::Create { settings, partitions } => {
            let made = kafka_tools::create_topics(&settings.load_and_log()?, *partitions)?;
            (made.iter().map(created).collect(), ExitCode::SUCCESS)
        }
        TopicsCommand::Check(settings) => checked(&kafka_tools::check_topics(&settings.load_and_log()?)?),
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(code)
}

fn created((topic, made): &(String, Made)) -> String {
    match made {
        Made::Created(partitions) => format!("{topic}: created with {}\n", counted(*partitions)),
        Made::Kept(partitions) => format!("{topic}: is there with {}\n", counted(*partitions)),
        Made::Grown(from, to) => format!("{topic}: had {}, has {} now\n", counted(*from), counted(*to)),
    }
}

fn counted(partitions: i32) -> String {
    format!("{partitions} partition{}", if partitions == 1 { "" } else { "s" })
}

fn checked(topics: &[(String, Vec<Finding>)]) -> (String, ExitCode) {
    let (mut text, mut code) = (String::new(), ExitCode::SUCCESS);
    for (topic, findings) in topics {
        let is_well = !findings.iter().any(|finding| matches!(finding, Finding::Fault(_)));
        writeln!(text, "{topic}: {}", if is_well { "ok" } else { "DIFFERS" }).expect(INFALLIBLE);
        if !is_well {
            code = ExitCode::FAILURE;
        }
        for finding in findings {
            match finding {
                Finding::Fault(fault) => writeln!(text, "  fault: {fault}"),
                Finding::Note(note) => writeln!(text, "  note: {note}"),
            }
            .expect(INFALLIBLE);
        }
    }
    (text, code)
}

const INFALLIBLE: &str = "a string takes every write";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_no_failure_and_a_fault_is_one() {
        let note = vec![Finding::Note("worth knowing".to_owned())];
        let fault = vec![Finding::Fault("broken".to_owned())];
        let (text, code) = checked(&[("a".to_owned(), vec![]), ("b".to_owned(), note)]);
        assert_eq!(text, "a: ok\nb: ok\n  note: worth knowing\n");
        assert_eq!(code, ExitCode::SUCCESS);
        let (text, code) = checked(&[("a".to_owned(), fault)]);
        assert_eq!(text, "a: DIFFERS\n  fault: broken\n");
        assert_eq!(code, ExitCode::FAILURE);
    }

    #[test]
    fn what_was_made_is_told_in_words() {
        assert_eq!(created(&("a".to_owned(), Made::Created(1))), "a: created with 1 partition\n");
        assert_eq!(
            created(&("a".to_owned(), Made::Grown(1, 12))),
            "a: had 1 partition, has 12 partitions now\n"
        );
    }
}
