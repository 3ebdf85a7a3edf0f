//! What a run needs before it begins anything.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assetmill_client::{Client, Operation};
use assetmill_core::MediaType;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::journal::{Job, Journal, OpenChunk};
use super::outputs::Outputs;
use super::pipeline::Begun;
use super::report::Report;
use super::running::{Running, UPLOADED_MIB, WINDOW};
use super::sources::{self, Taken};
use super::{RunCommand, RunError, names, params};
use crate::cli::CliError;
use crate::cli::in_process::InProcess;
use crate::cli::local_files::LocalFiles;
use crate::cli::remote::Connection;
use crate::config::{Config, DATA};

/// What the journal calls an Assetmill in its own process.
const HERE: &str = "here";

/// A run that can begin.
pub(super) struct Ready {
    pub(super) running: Arc<Running>,
    pub(super) here: Option<InProcess>,
    pub(super) is_paid: bool,
    pub(super) pipeline: Begun,
}

/// Looks at everything that can be wrong before anything is begun.
pub(super) async fn set_up(
    config: &Config,
    command: &RunCommand,
    out: &Path,
) -> Result<Ready, CliError> {
    let (journal, history) = Journal::open(&out.join(DATA), out)?;
    let files = LocalFiles::default();
    let elsewhere = command.remote.named()?;
    let server = elsewhere
        .as_ref()
        .map_or_else(|| HERE.to_owned(), |(server, _)| server.to_string());
    let Connection { client, here } = match elsewhere {
        Some((server, key)) => Connection::over_network(server, key.as_deref())?,
        None => open_here(config, command, out, files.clone()).await?,
    };
    let operation = operation(&client, command.operation.as_str()).await?;
    let params = params::read(&command.params, &operation.params)?;
    let job = Job {
        server,
        operation: operation.name.clone(),
        params,
    };
    let accepts = endings(&operation.accepts);
    let taken = Taken::new(&command.include, &accepts, out)?;
    let sources = sources::gather(&command.sources, &taken, |output| history.wrote(output))?;
    let earlier = history.names(&job);
    let names = names::assign(&sources, &command.name, &operation.name, &earlier)?;
    let open = history.open(&job);
    let report = Report::new(command.remote.json, &sources);
    let mut left_open = HashSet::new();
    for item in open.iter().flat_map(OpenChunk::unsettled) {
        left_open.insert(item.what());
        report.one_more(&item.source);
        if let Some(file) = &item.file {
            files.know(&item.asset, PathBuf::from(&item.source), file.stamp());
        }
    }
    let outputs = Outputs::open(out.to_owned(), &out.join(DATA), command.force, &sources)?;
    let running = Arc::new(Running {
        client,
        // In the order of their names, as `Map` has them.
        params: serde_json::Value::Object(job.params.clone()).to_string(),
        job,
        journal,
        history,
        open: left_open,
        latest: std::sync::Mutex::default(),
        outputs,
        endings: endings(&operation.produces),
        report,
        // On AWS others work on the same flows, and have not these files.
        files: (here.is_some() && !config.aws).then_some(files),
        retry_unconfirmed: command.retry_unconfirmed,
        window: Semaphore::new(WINDOW),
        uploads: Semaphore::new(UPLOADED_MIB as usize),
        stop: CancellationToken::new(),
        ended: CancellationToken::new(),
    });
    Ok(Ready {
        running,
        here,
        is_paid: operation.paid,
        pipeline: Begun {
            sources,
            names,
            open,
        },
    })
}

/// Opens the folder of --data, or a store in the folder of outputs.
async fn open_here(
    config: &Config,
    command: &RunCommand,
    out: &Path,
    files: LocalFiles,
) -> Result<Connection, CliError> {
    if let Some(folder) = &config.data {
        return command.remote.open(config, folder, files).await;
    }
    // A store of its own, which nobody else calls: whoever may read its folder may do everything.
    let folder = out.join(DATA);
    let own = Config {
        data: Some(folder.clone()),
        api_keys: None,
        callers: None,
        ..config.clone()
    };
    command.remote.open(&own, &folder, files).await
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
