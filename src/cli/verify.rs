//! `klatsch verify`: says whether the database holds what the log makes, and lists every difference.
//! How they are compared stands in `crate::log`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;

use super::settings::SettingsArgs;
use crate::app::verify::{self, Verdict};

/// Differences that are listed; further ones are counted.
const LISTED: usize = 100;

/// What counts as a difference.
#[derive(Debug, Args)]
pub(super) struct VerifyArgs {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Count what is not stored yet as a difference
    #[arg(long)]
    complete: bool,
    /// With --complete: wait at most so long until what is in the log now is stored
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "complete")]
    wait: u64,
}

/// Compares; the exit code is 1 if something differs.
pub(super) fn run(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let patience = if args.complete { Duration::from_secs(args.wait) } else { Duration::ZERO };
    let verdict = verify::verify(&args.settings.load_and_log()?, patience)?;
    let (text, code) = told(&verdict, if args.complete { 0 } else { u64::MAX });
    io::stdout().write_all(text.as_bytes()).context("cannot write to standard output")?;
    Ok(code)
}

fn told(verdict: &Verdict, most_lag: u64) -> (String, ExitCode) {
    let Verdict { partitions, rooms, entries, dead, lag, differences } = verdict;
    let mut text = String::new();
    for difference in differences.iter().take(LISTED) {
        writeln!(text, "{difference}").expect(INFALLIBLE);
    }
    if differences.len() > LISTED {
        writeln!(text, "and {} more", differences.len() - LISTED).expect(INFALLIBLE);
    }
    writeln!(
        text,
        "{partitions} partitions, {rooms} rooms, {entries} entries of which {dead} change no room; \
         {lag} not stored yet"
    )
    .expect(INFALLIBLE);
    let is_well = differences.is_empty() && *lag <= most_lag;
    let judgement = if is_well { "the database is what the log makes of it" } else { "THEY DIFFER" };
    writeln!(text, "{judgement}").expect(INFALLIBLE);
    (text, if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

const INFALLIBLE: &str = "a string takes every write";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::verify::Difference;

    #[test]
    fn a_lag_is_a_difference_only_where_everything_must_be_stored() {
        let verdict =
            Verdict { partitions: 12, rooms: 3, entries: 99, dead: 1, lag: 5, ..Verdict::default() };
        let (text, code) = told(&verdict, u64::MAX);
        assert_eq!(
            text,
            "12 partitions, 3 rooms, 99 entries of which 1 change no room; 5 not stored yet\n\
             the database is what the log makes of it\n"
        );
        assert_eq!(code, ExitCode::SUCCESS);
        assert_eq!(told(&verdict, 0).1, ExitCode::FAILURE);
        assert_eq!(told(&Verdict { lag: 0, ..verdict }, 0).1, ExitCode::SUCCESS);
    }

    #[test]
    fn every_difference_is_told_up_to_a_hundred() {
        let difference = Difference { partition: 3, room: None, fault: "it is odd".to_owned() };
        let verdict = Verdict { differences: vec![difference; 102], ..Verdict::default() };
        let (text, code) = told(&verdict, u64::MAX);
        assert_eq!(code, ExitCode::FAILURE);
        assert_eq!(text.lines().filter(|line| *line == "partition 3: it is odd").count(), 100);
        assert!(text.contains("and 2 more\n") && text.ends_with("THEY DIFFER\n"), "{text}");
    }
}
