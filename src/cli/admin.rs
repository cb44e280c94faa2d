//! `klatsch admin`: makes the first admin of a server, who can make others.
//! What an account must be like is decided in `auth`; this only asks for it.

use std::{
    fs, io,
    io::IsTerminal,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Subcommand;

use super::settings::SettingsArgs;
use crate::app;

/// What is to be done about admins.
#[derive(Debug, clap::Args)]
pub(super) struct AdminArgs {
    #[command(subcommand)]
    command: AdminCommand,
}

#[derive(Debug, Subcommand)]
enum AdminCommand {
    /// Make an account of an admin; the password is the first line of a file or of standard input
    Create {
        #[command(flatten)]
        settings: SettingsArgs,
        /// What the admin logs in by
        #[arg(long)]
        login: String,
        /// The admin's nickname; the login if it is not given
        #[arg(long)]
        nickname: Option<String>,
        /// The admin's address
        #[arg(long)]
        email: Option<String>,
        /// The file with the password
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
}

/// Does it and ends.
pub(super) fn run(args: AdminArgs) -> anyhow::Result<()> {
    let AdminCommand::Create { settings, login, nickname, email, password_file } = args.command;
    let settings = settings.load_and_log()?;
    let password = password(password_file.as_deref())?;
    let nickname = nickname.unwrap_or_else(|| login.clone());
    let made = app::create_admin(settings, app::NewAdmin { login, nickname, email, password })?;
    eprintln!("{made} is an admin of this server");
    Ok(())
}

/// The first line; nothing of it is shown, here or in an error.
fn password(file: Option<&Path>) -> anyhow::Result<String> {
    let text = match file {
        Some(file) => fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        None => {
            if io::stdin().is_terminal() {
                eprintln!("The password, which is shown as you type it:");
            }
            let mut line = String::new();
            io::stdin().read_line(&mut line).context("cannot read the password from standard input")?;
            line
        }
    };
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
