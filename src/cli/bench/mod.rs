//! `klatsch bench`: loads a running server over real sockets and says how it did.
//! A client through and through: nothing here uses the server's own code.

pub mod body;
mod chat;
mod chat_report;
mod compare;
mod compare_report;
mod idle;
pub mod ledger;
mod listener;
mod member;
mod node;
pub mod process;
mod process_tree;
mod tally;

use std::fmt::Display;
use std::fs;
use std::io::{Write as _, stdout};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use serde::Serialize;

/// Which load to put on a server.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    #[command(subcommand)]
    load: Load,
}

#[derive(Debug, clap::Subcommand)]
enum Load {
    /// Members talk in rooms; checks that nothing is lost, doubled or out of order
    Chat(chat::ChatArgs),
    /// Starts a server on the embedded log and one on Kafka, and sets them beside each other
    Compare(compare::CompareArgs),
    /// Connections join and stay silent; reads what each costs the server in memory
    Idle(idle::IdleArgs),
}

/// Runs the load and prints its report. Exit code 1 means that the server broke a promise.
///
/// # Errors
/// If the load could not be put on the server, or the report could not be written.
pub fn run(args: BenchArgs) -> anyhow::Result<ExitCode> {
    actix_rt::System::new().block_on(async {
        match args.load {
            Load::Chat(args) => {
                let report = chat::run(&args, || Ok(())).await?;
                publish(&report, args.json())?;
                Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Load::Compare(args) => {
                let report = compare::run(&args).await?;
                publish(&report, args.json())?;
                Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
            }
            Load::Idle(args) => {
                publish(&idle::run(&args).await?, args.json())?;
                Ok(ExitCode::SUCCESS)
            }
        }
    })
}

fn publish<Report: Display + Serialize>(report: &Report, json: Option<&PathBuf>) -> anyhow::Result<()> {
    write!(stdout().lock(), "{report}")?;
    let Some(file) = json else { return Ok(()) };
    let text = serde_json::to_string_pretty(report)?;
    fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}
