//! What the program does, other than to serve.

use std::path::PathBuf;

use clap::Subcommand;
use url::Url;

use crate::cli::ClientCommand;
use crate::keys::KeyCommand;

/// What to do, other than to serve.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Makes the table, the queues and the bucket that --aws uses, where they are not there.
    Init,
    /// Invokes functions that run by themselves, as under `cargo lambda watch`, with the messages of the queues
    /// that --aws uses.
    Poll(Polled),
    /// What can be done with one operation of the catalogue.
    #[command(subcommand)]
    Operation(OperationCommand),
    /// The keys that callers have.
    #[command(subcommand)]
    Key(KeyCommand),
    /// What a client does.
    #[command(flatten)]
    Client(ClientCommand),
}

/// The functions that messages are handed to.
#[derive(Debug, Clone, clap::Args)]
pub struct Polled {
    /// Where the functions are.
    #[arg(long, value_name = "URL")]
    pub invoke: Url,

    /// What the worker is called there; under `sam local start-lambda`, it is `WorkerFunction`.
    #[arg(long, value_name = "NAME", default_value = "worker")]
    pub worker: String,

    /// What the janitor is called there; under `sam local start-lambda`, it is `JanitorFunction`.
    #[arg(long, value_name = "NAME", default_value = "janitor")]
    pub janitor: String,
}

/// What can be done with one operation.
#[derive(Debug, Clone, Subcommand)]
pub enum OperationCommand {
    /// Runs it on one asset and shows what went to and fro, secrets masked. A vendor's call is charged as
    /// any other.
    Try(TryOperation),
}

/// One run of one operation.
#[derive(Debug, Clone, clap::Args)]
pub struct TryOperation {
    /// The operation.
    pub name: String,

    /// The asset: a file, or an http or https URL. Vendors that are given a URL need one.
    pub asset: String,

    /// A parameter, as name=value; as often as needed.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,

    /// The file to write the result to; without it, one in the folder `tried` of --data, named after the
    /// operation.
    #[arg(long)]
    pub output: Option<PathBuf>,
}
