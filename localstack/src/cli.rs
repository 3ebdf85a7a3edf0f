//! The command line: a client of the API, which finds Assetmill over the network or is one itself.

mod ended;
mod in_process;
mod local_files;
mod operations;
mod profiles;
pub(crate) mod remote;
pub mod run;

use std::io;
use std::path::PathBuf;

use assetmill_client::{ClientError, Unreachable};
use clap::Subcommand;

use crate::config::Config;
use crate::serve::ServeError;

pub use ended::Ended;
pub use profiles::ProfileError;
pub use remote::Remote;

/// What a client does.
#[derive(Debug, Clone, Subcommand)]
pub enum ClientCommand {
    /// Runs an operation on files, folders, URLs or lists of them, and writes what comes out into a folder. What is
    /// there already is not done again, and what is interrupted goes on with the same command.
    Run(run::RunCommand),
    /// Lists the operations that there are, and whether they can run.
    Operations(operations::OperationsCommand),
}

/// Why a command has no result.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A call failed.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// There is no HTTP client.
    #[error("{0}")]
    Network(Unreachable),
    /// The Assetmill in this process can't start.
    #[error(transparent)]
    Here(#[from] ServeError),
    /// There is nothing to ask.
    #[error(
        "nothing is kept in {path}; name another folder with --data, or an Assetmill with --server or --profile",
        path = .0.display()
    )]
    NoData(PathBuf),
    /// A profile can't be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Nothing was run.
    #[error(transparent)]
    Run(#[from] run::RunError),
    /// Nothing can be printed any more.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Does what a command says.
///
/// # Errors
/// [`CliError`] says why it was not done.
pub async fn run(config: &Config, command: &ClientCommand) -> Result<Ended, CliError> {
    match command {
        ClientCommand::Run(command) => run::run(config, command).await,
        ClientCommand::Operations(command) => operations::run(config, command).await,
    }
}
