//! The command line: which command was asked for and with which settings.
//! No command does its work here; each has a file and calls what it needs.

mod admin;
pub mod bench;
pub mod check;
pub mod client;
mod config;
mod dlt;
pub mod latency;
mod migrate;
mod serve;
mod settings;
mod topics;
mod verify;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::settings::SettingsArgs;

/// An actor-based chat engine: one node on its embedded default, or a part of a cluster.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a node until it gets SIGTERM or SIGINT
    Serve(SettingsArgs),
    /// Bring the database's tables up to date and end; `serve` does so too
    Migrate(SettingsArgs),
    /// Make the first admin of a server
    Admin(admin::AdminArgs),
    /// Print the settings in force as TOML, with secrets hidden
    Config(SettingsArgs),
    /// Make the topics of the Kafka log, or compare them with the settings
    Topics(topics::TopicsArgs),
    /// Show or replay records of the Kafka log that could not be decoded or applied
    Dlt(dlt::DltArgs),
    /// Hold the database against the Kafka log, record by record
    Verify(verify::VerifyArgs),
    /// Put load on a running server (with limits.enabled=false) and judge what comes back
    Bench(bench::BenchArgs),
    /// Use one or more nodes while you break things, then judge what was seen
    Check(check::CheckArgs),
}

/// Runs the command that the process was started with and says how it went: a failure is one line on standard
/// error and exit code 1; a command line that nobody understands is 2.
pub fn run() -> ExitCode {
    match execute(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("klatsch: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => serve::run(&args)?,
        Command::Migrate(args) => migrate::run(&args)?,
        Command::Admin(args) => admin::run(args)?,
        Command::Config(args) => config::run(&args)?,
        Command::Topics(args) => return topics::run(&args),
        Command::Dlt(args) => return dlt::run(&args),
        Command::Verify(args) => return verify::run(&args),
        Command::Bench(args) => return bench::run(args),
        Command::Check(args) => return Ok(check::run(&args)),
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Cli::command().debug_assert();
    }
}
