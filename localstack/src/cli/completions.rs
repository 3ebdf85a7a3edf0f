//! `assetmill completions`: what a shell completes command lines by.

use std::io::{self, Write as _};

use clap::{Args, CommandFactory as _};
use clap_complete::{Shell, generate};

use super::{CliError, Ended};
use crate::config::Config;

/// Prints completions.
#[derive(Debug, Clone, Args)]
pub struct CompletionsCommand {
    /// The shell.
    shell: Shell,
}

pub(super) fn run(command: &CompletionsCommand) -> Result<Ended, CliError> {
    // What generates them takes no error of whoever they are printed to.
    let mut script = Vec::new();
    generate(
        command.shell,
        &mut Config::command(),
        "assetmill",
        &mut script,
    );
    io::stdout().lock().write_all(&script)?;
    Ok(Ended::Well)
}
