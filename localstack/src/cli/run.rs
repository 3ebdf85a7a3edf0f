//! `assetmill run`: an operation on files, folders, URLs and lists of them.

mod follow;
mod journal;
mod list;
mod names;
mod outputs;
mod params;
mod pipeline;
mod prepare;
mod report;
mod source;
mod sources;
mod submit;

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use assetmill_client::{Client, Operation};
use assetmill_core::{MediaType, Sha256Digest};
use clap::Args;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use self::journal::{History, Job, Journal, JournalError};
use self::names::{NameTemplate, SameName};
use self::outputs::Outputs;
use self::params::NotAParameter;
use self::report::Report;
use self::sources::{SourceError, Taken};
use super::in_process::InProcess;
use super::local_files::LocalFiles;
use super::remote::{Connection, over_network};
use super::{CliError, Ended, Remote};
use crate::config::{Config, DATA};
use crate::serve::ServeError;
use crate::signals;

/// What the journal calls an Assetmill in its own process.
const HERE: &str = "here";
/// Flows that are begun and not settled, at the most: enough for anybody's workers, and few enough to ask about.
const WINDOW: usize = 2_000;
/// How long what is in work may take after a signal to stop.
const GRACEFUL: Duration = Duration::from_mins(1);

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
    /// Two outputs would have the same name.
    #[error(transparent)]
    SameName(#[from] SameName),
    /// Nothing can be noted.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// What a run has and knows, for all its parts.
struct Running {
    client: Client,
    job: Job,
    journal: Journal,
    history: History,
    /// What earlier runs left open: what, and where it goes.
    open: HashSet<(String, String)>,
    outputs: Outputs,
    /// What outputs may end in.
    endings: Vec<&'static str>,
    report: Report,
    /// Files are taken from here, where Assetmill is in this process.
    files: Option<LocalFiles>,
    retry_unconfirmed: bool,
    /// Room for flows that are not settled.
    window: Semaphore,
    /// Nothing more is begun.
    stop: CancellationToken,
    /// Nothing works on flows any more, or nobody waits for it.
    ended: CancellationToken,
}

impl Running {
    /// The digest of what is done to something.
    fn work(&self, what: &str) -> String {
        // Parameters in the order of their names, as `Map` has them.
        let params = Value::Object(self.job.params.clone()).to_string();
        Sha256Digest::of_parts([&self.job.operation, &params[..], what]).to_string()
    }

    /// How often flows are asked about: from, to.
    fn polling(&self) -> (Duration, Duration) {
        match self.files {
            Some(_) => (Duration::from_millis(20), Duration::from_millis(500)),
            None => (Duration::from_millis(300), Duration::from_secs(5)),
        }
    }
}

pub(super) async fn run(config: &Config, command: &RunCommand) -> Result<Ended, CliError> {
    let out = match &command.output {
        Some(out) => out.clone(),
        None => PathBuf::from(&command.operation),
    };
    let was_there = out.exists();
    let ended = run_into(config, command, &out).await;
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
        outputs: Outputs::new(out.to_owned(), command.force),
        endings: endings(&operation.produces),
        report,
        files: here.is_some().then_some(files),
        retry_unconfirmed: command.retry_unconfirmed,
        window: Semaphore::new(WINDOW),
        stop: CancellationToken::new(),
        ended: CancellationToken::new(),
    });
    let paid_before = paid_calls(&running, &operation, here.is_some()).await?;
    let interrupted = in_turn(
        &running,
        here,
        pipeline::run(&running, sources, names, open),
    )
    .await?;
    let paid_after = paid_calls(&running, &operation, running.files.is_some()).await?;
    let paid = paid_before
        .zip(paid_after)
        .map(|(before, after)| after.saturating_sub(before));
    Ok(conclude(&running, out, interrupted, paid))
}

/// Has the pipeline run to its end, or until a signal to stop; whether there was one.
async fn in_turn(
    running: &Arc<Running>,
    here: Option<InProcess>,
    pipeline: impl Future<Output = Result<(), CliError>>,
) -> Result<bool, CliError> {
    let at_work = match here {
        Some(here) => Some(here.work().await?),
        None => None,
    };
    let mut pipeline = std::pin::pin!(pipeline);
    let interrupted = tokio::select! {
        done = &mut pipeline => {
            done?;
            false
        }
        signal = signals::stop() => {
            signal?;
            true
        }
    };
    running.stop.cancel();
    if !interrupted {
        running.ended.cancel();
        if let Some(at_work) = at_work {
            at_work.end(tokio::time::sleep(GRACEFUL)).await?;
        }
        return Ok(false);
    }
    let end = async {
        if let Some(at_work) = at_work {
            running
                .report
                .say("Stopping: what is in work may end within a minute, or Ctrl-C again.");
            at_work.end(tokio::time::sleep(GRACEFUL)).await?;
        }
        running.ended.cancel();
        Ok::<_, ServeError>(())
    };
    // What was in work is written, too.
    let (ended, done) = tokio::join!(end, pipeline);
    ended?;
    done?;
    Ok(true)
}

fn conclude(running: &Running, out: &Path, interrupted: bool, paid: Option<u64>) -> Ended {
    let summary = running.report.end();
    running.report.print_summary(&summary, interrupted, paid);
    running.report.say(&summary.line(out, paid));
    if summary.unconfirmed > 0 {
        running.report.say(&format!(
            "{} may have been paid for without an output; --retry-unconfirmed runs them again, and may pay twice.",
            summary.unconfirmed
        ));
    }
    if interrupted {
        running.report.say("Interrupted; the same command goes on.");
        return Ended::Interrupted;
    }
    if summary.failed.is_empty() {
        Ended::Well
    } else {
        Ended::SomeFailed
    }
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

/// How many paid calls there were lately. Elsewhere there are others' among them, and it is not asked.
async fn paid_calls(
    running: &Running,
    operation: &Operation,
    here: bool,
) -> Result<Option<u64>, CliError> {
    if !here || !operation.paid {
        return Ok(None);
    }
    let activity: Value = running.client.get("api/v2/activity", &[]).await?;
    let points = activity["points"].as_array().into_iter().flatten();
    let calls = points.filter_map(|point| point["paid_calls"].as_u64());
    Ok(Some(calls.sum()))
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
