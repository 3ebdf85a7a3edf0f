//! `assetmill run`: an operation on files, folders, URLs and lists of them.

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
mod source;
mod sources;
mod submit;
mod turn;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assetmill_client::{Client, Operation, Problem};
use assetmill_core::MediaType;
use clap::Args;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::journal::{Job, Journal, JournalError};
use self::names::{NameTemplate, SameName};
use self::outputs::Outputs;
use self::paid::PaidCalls;
use self::params::NotAParameter;
use self::report::Report;
use self::running::Running;
use self::sources::{SourceError, Taken};
use super::local_files::LocalFiles;
use super::remote::{Connection, over_network};
use super::{CliError, Ended, Remote};
use crate::config::{Config, DATA};

/// What the journal calls an Assetmill in its own process.
const HERE: &str = "here";
/// Flows that are begun and not settled, at the most: enough for anybody's workers, and few enough to ask about.
const WINDOW: usize = 2_000;

/// Runs an operation on many sources.
#[derive(Debug, Clone, Args)]
pub struct RunCommand {
    /// The operation; `assetmill operations` lists them.
    #[arg(value_name = "OPERATION")]
    operation: String,

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

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// There is no such operation.
    #[error("there is no operation {name}; there are {known}")]
    NoOperation {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// It lacks something.
    #[error("{name} can't run: {reason}")]
    Unavailable {
        /// The operation.
        name: String,
        /// What would help.
        reason: String,
    },
    /// A parameter is none.
    #[error(transparent)]
    Parameter(#[from] NotAParameter),
    /// The sources can't be told.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A source is none to whoever is to run it.
    #[error("{origin}: {problem}")]
    Refused {
        /// Which.
        origin: String,
        /// Why.
        problem: Problem,
    },
    /// Two outputs would have the same name.
    #[error(transparent)]
    SameName(#[from] SameName),
    /// Nothing can be noted.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

pub(super) async fn run(config: &Config, command: &RunCommand) -> Result<Ended, CliError> {
    let out = match &command.output {
        Some(out) => out.clone(),
        None => PathBuf::from(&command.operation),
    };
    let was_there = out.exists();
    let ended = Box::pin(run_into(config, command, &out)).await;
    // A word that is misspelt leaves no folder.
    if !was_there && matches!(&ended, Err(CliError::Run(_))) {
        let _ = std::fs::remove_dir_all(&out);
    }
    ended
}

async fn run_into(config: &Config, command: &RunCommand, out: &Path) -> Result<Ended, CliError> {
    let (journal, history) = Journal::open(&out.join(DATA), out)?;
    let files = LocalFiles::default();
    let Connection { client, here } = connect(config, command, out, files.clone()).await?;
    let operation = operation(&client, &command.operation).await?;
    let params = params::read(&command.params, &operation.params)?;
    let server = command.remote.named()?;
    let job = Job {
        server: server.map_or_else(|| HERE.to_owned(), |(server, _)| server.to_string()),
        operation: operation.name.clone(),
        params,
    };
    let accepts = endings(&operation.accepts);
    let taken = Taken::new(&command.include, &accepts, out).map_err(RunError::from)?;
    let sources = sources::gather(&command.sources, &taken).map_err(RunError::from)?;
    let names = names::assign(
        &sources,
        &command.name,
        &operation.name,
        &history.names(&job),
    )?;
    let open = history.open(&job);
    let left = open.iter().flat_map(|chunk| {
        let settled = &chunk.settled;
        let items = chunk.items.iter().enumerate();
        items.filter_map(|(index, item)| (!settled.contains(&index)).then_some(item))
    });
    let report = Report::new(command.remote.json, &sources);
    let mut left_open = HashSet::new();
    for item in left {
        left_open.insert(item.what());
        report.one_more(&item.source);
        if let Some(file) = &item.file {
            files.know(&item.asset, PathBuf::from(&item.source), file.stamp());
        }
    }
    let running = Arc::new(Running {
        client,
        job,
        journal,
        history,
        open: left_open,
        outputs: Outputs::open(out.to_owned(), &out.join(DATA), command.force)?,
        endings: endings(&operation.produces),
        report,
        // On AWS others work on the same flows, and have not these files.
        files: (here.is_some() && !config.aws).then_some(files),
        retry_unconfirmed: command.retry_unconfirmed,
        window: Semaphore::new(WINDOW),
        stop: CancellationToken::new(),
        ended: CancellationToken::new(),
    });
    // Elsewhere there are calls of others among them.
    let paid = if operation.paid && here.is_some() {
        Some(PaidCalls::begin(&running.client).await?)
    } else {
        None
    };
    let pipeline = Box::pin(pipeline::run(&running, sources, names, open));
    let interrupted = turn::take(&running, here, paid.as_ref(), pipeline).await?;
    let paid = match paid {
        Some(paid) => Some(paid.until_now(&running.client).await?),
        None => None,
    };
    Ok(turn::conclude(&running, out, interrupted, paid))
}

async fn connect(
    config: &Config,
    command: &RunCommand,
    out: &Path,
    files: LocalFiles,
) -> Result<Connection, CliError> {
    if let Some((server, key)) = command.remote.named()? {
        return Ok(Connection {
            client: over_network(server, key.as_deref())?,
            here: None,
        });
    }
    let folder = config.data.clone().unwrap_or_else(|| out.join(DATA));
    command.remote.open(config, &folder, files).await
}

async fn operation(client: &Client, name: &str) -> Result<Operation, CliError> {
    let operations = client.operations().await?.operations;
    let known: Vec<_> = operations.iter().map(|it| it.name.clone()).collect();
    let operation = operations.into_iter().find(|it| it.name == name);
    let operation = operation.ok_or_else(|| RunError::NoOperation {
        name: name.to_owned(),
        known: known.join(", "),
    })?;
    match &operation.unavailable_reason {
        None => Ok(operation),
        Some(reason) => Err(RunError::Unavailable {
            name: name.to_owned(),
            reason: reason.clone(),
        }
        .into()),
    }
}

/// What files of these media types end in; nothing where they may be anything.
fn endings(media_types: &[String]) -> Vec<&'static str> {
    let known = media_types.iter().filter_map(|it| it.parse().ok());
    known.map(|it: MediaType| it.extension()).collect()
}

macro_rules! not_run {
    ($($error:ty),+) => {
        $(impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::Run(error.into())
            }
        })+
    };
}

not_run!(NotAParameter, SameName, JournalError);

impl From<getrandom::Error> for CliError {
    fn from(error: getrandom::Error) -> Self {
        Self::Io(io::Error::other(error))
    }
}
