//! `assetmill man`: the manual page.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory as _};
use clap_mangen::{Man, generate_to};

use super::{CliError, Ended};
use crate::config::Config;

/// Prints or writes manual pages.
#[derive(Debug, Clone, Args)]
pub struct ManCommand {
    /// The folder to write a page for each command to, such as ~/.local/share/man/man1. Without it, the page of
    /// the program is printed.
    #[arg(long)]
    dir: Option<PathBuf>,
}

pub(super) fn run(command: &ManCommand) -> Result<Ended, CliError> {
    if let Some(folder) = &command.dir {
        let written = write(folder);
        written.map_err(|source| CliError::Write {
            path: folder.clone(),
            source,
        })?;
        return Ok(Ended::Well);
    }
    let mut page = Vec::new();
    Man::new(Config::command()).render(&mut page)?;
    io::stdout().lock().write_all(&page)?;
    Ok(Ended::Well)
}

fn write(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    generate_to(Config::command(), folder)
}
