//! The command line: a client of the API, which finds Assetmill over the network or is one itself.

mod batches;
mod cancel;
mod completions;
mod doctor;
mod ended;
mod flow;
mod in_process;
mod local_files;
mod login;
mod man;
mod meant;
mod meanwhile;
mod operations;
mod print;
mod profiles;
pub(crate) mod remote;
mod results;
mod retry;
pub mod run;
mod since;
mod watch;
mod webhook;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use assetmill_client::{ClientError, Unreachable};
use assetmill_core::NotAWebhookSecret;
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
    /// Lists batches, the latest first.
    Batches(batches::BatchesCommand),
    /// Explains one flow: where it stands, what it waits for, what happened to it, and what would mend it.
    Flow(flow::FlowCommand),
    /// Lists the flows of a batch, one JSON object a line.
    Results(results::ResultsCommand),
    /// Follows batches until they are done. On a folder that nobody serves, it works on them.
    Watch(watch::WatchCommand),
    /// Runs failed flows again, in new batches.
    Retry(retry::RetryCommand),
    /// Stops flows that wait for a worker or for another try.
    Cancel(cancel::CancelCommand),
    /// Keeps a server and the key for it under a name. The key is asked for, or read from stdin.
    Login(login::LoginCommand),
    /// Looks whether all is as it should be, here or at a server, and says what to do where it is not.
    Doctor(doctor::DoctorCommand),
    /// Endpoints that are told what happens.
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Prints what a shell completes command lines by.
    Completions(completions::CompletionsCommand),
    /// Prints the manual page, or writes one for each command.
    Man(man::ManCommand),
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
    /// What was answered is not what it should be.
    #[error("what was answered is not Assetmill's: {0}; is it of another version?")]
    NotUnderstood(serde_json::Error),
    /// The environment names a server that is none.
    #[error("ASSETMILL_SERVER: {0}")]
    Server(String),
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}; choose another with --port")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// Something can't be written.
    #[error("{path} can't be written: {source}", path = path.display())]
    Write {
        /// Which folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A secret is none.
    #[error("--secret: {0}")]
    Secret(#[from] NotAWebhookSecret),
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

impl CliError {
    /// As a terminal shows it: what came from elsewhere does nothing to it.
    pub fn shown(&self) -> String {
        let text = self.to_string();
        let lines: Vec<_> = text.lines().map(print::clean).collect();
        lines.join("\n")
    }
}

/// Does what a command says.
///
/// # Errors
/// [`CliError`] says why it was not done.
pub async fn run(config: &Config, command: &ClientCommand) -> Result<Ended, CliError> {
    let done = match command {
        ClientCommand::Run(command) => Box::pin(run::run(config, command)).await,
        ClientCommand::Operations(command) => operations::run(config, command).await,
        ClientCommand::Batches(command) => batches::run(config, command).await,
        ClientCommand::Flow(command) => flow::run(config, command).await,
        ClientCommand::Results(command) => results::run(config, command).await,
        ClientCommand::Watch(command) => watch::run(config, command).await,
        ClientCommand::Retry(command) => retry::run(config, command).await,
        ClientCommand::Cancel(command) => cancel::run(config, command).await,
        ClientCommand::Login(command) => login::run(command).await,
        ClientCommand::Doctor(command) => doctor::run(config, command).await,
        ClientCommand::Webhook(command) => webhook::run(config, command).await,
        ClientCommand::Completions(command) => completions::run(command),
        ClientCommand::Man(command) => man::run(command),
    };
    match done {
        // Whoever read it has seen enough.
        Err(CliError::Io(error)) if print::is_unread(&error) => Ok(Ended::Well),
        done => done,
    }
}
