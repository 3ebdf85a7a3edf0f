//! `assetmill run`: an operation on files, folders, URLs and lists of them.

mod error;
mod follow;
mod journal;
mod list;
mod names;
mod outputs;
mod paid;
mod params;
mod pipeline;
mod prepare;
mod report;
mod running;
mod set_up;
mod source;
mod sources;
mod submit;
mod turn;

use std::path::{Path, PathBuf};

use assetmill_core::OperationName;
use clap::Args;

use self::names::NameTemplate;
use self::paid::PaidCalls;
use self::set_up::{Ready, set_up};
use self::sources::SourceError;
use super::{CliError, Ended, Remote};
use crate::config::{Config, DATA};

pub use self::error::RunError;

/// Runs an operation on many sources.
#[derive(Debug, Clone, Args)]
pub struct RunCommand {
    /// The operation; `assetmill operations` lists them.
    #[arg(value_name = "OPERATION")]
    operation: OperationName,

    /// Files, folders (with all in them), http and https URLs, @LIST for a file that lists them (one a line, CSV or NDJSON),
    /// or - for such lines on stdin.
    #[arg(value_name = "SOURCE", required = true)]
    sources: Vec<String>,

    /// A parameter of the operation, as name=value; as often as needed.
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    params: Vec<String>,

    /// The folder to write into; without it, one that is called as the operation is. What it knows of its runs is in its
    /// folder `.assetmill`.
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Which files of folders are taken, such as '*.jpg'; as often as needed. Without it, those that the operation takes.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,

    /// What outputs are called, of {dir}, {stem}, {file} and {operation}; their endings say what they are.
    #[arg(long, value_name = "TEMPLATE", default_value_t)]
    name: NameTemplate,

    /// Writes over files that no run wrote.
    #[arg(long)]
    force: bool,

    /// Runs again, too, what somebody may have been paid for without an output: it may be paid for twice.
    #[arg(long)]
    retry_unconfirmed: bool,

    #[command(flatten)]
    remote: Remote,
}

pub(super) async fn run(config: &Config, command: &RunCommand) -> Result<Ended, CliError> {
    let operation = command.operation.to_string();
    let out = command.output.clone().unwrap_or_else(|| operation.into());
    let made = make(&out)?;
    let set_up = Box::pin(set_up(config, command, &out)).await;
    let Ready {
        running,
        here,
        is_paid,
        pipeline,
    } = match set_up {
        Ok(ready) => ready,
        Err(error) => {
            // A word that is misspelt leaves no folder, unless somebody else began to use it.
            if made && !matches!(&error, CliError::Run(RunError::Journal(_))) {
                let _ = std::fs::remove_dir_all(out.join(DATA));
                let _ = std::fs::remove_dir(&out);
            }
            return Err(error);
        }
    };
    // Elsewhere there are calls of others among them.
    let paid = if is_paid && here.is_some() {
        Some(PaidCalls::begin(&running.client).await?)
    } else {
        None
    };
    let pipeline = Box::pin(pipeline::run(&running, pipeline));
    let interrupted = turn::take(&running, here, paid.as_ref(), pipeline).await?;
    let paid = match paid {
        Some(paid) => Some(paid.until_now(&running.client).await?),
        None => None,
    };
    turn::conclude(&running, &out, interrupted, paid)
}

/// Makes the folder of outputs, with the modes that other folders of its user have; whether it was not there.
fn make(out: &Path) -> Result<bool, CliError> {
    let made = match out.parent() {
        Some(above) if above.as_os_str().is_empty() => std::fs::create_dir(out),
        Some(above) => std::fs::create_dir_all(above).and_then(|()| std::fs::create_dir(out)),
        None => return Ok(false),
    };
    match made {
        Ok(()) => Ok(true),
        Err(_) if out.is_dir() => Ok(false),
        Err(source) => Err(SourceError::File {
            path: out.to_owned(),
            source,
        }
        .into()),
    }
}
