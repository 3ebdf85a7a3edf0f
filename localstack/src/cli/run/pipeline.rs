//! From sources to outputs: they are looked at, given away, submitted and followed, all at the same time.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::follow::follow;
use super::journal::{Item, OpenChunk};
use super::prepare::{Prepared, prepare};
use super::running::Running;
use super::source::Source;
use super::submit::{MOST_FLOWS, resume, submit};
use crate::cli::CliError;

/// Sources that are read, or sent, at the same time.
const PREPARED: usize = 8;
/// How long a batch waits for more sources once it has one.
const LINGER: Duration = Duration::from_millis(300);

/// What a run begins with.
pub(super) struct Begun {
    pub(super) sources: Vec<Source>,
    /// Where the output of each goes.
    pub(super) names: Vec<String>,
    /// What earlier runs left open.
    pub(super) open: Vec<OpenChunk>,
}

/// Brings all sources to their end, and what earlier runs left open; or stops when the run is to stop.
pub(super) async fn run(running: &Arc<Running>, begun: Begun) -> Result<(), CliError> {
    let Begun {
        sources,
        names,
        open,
    } = begun;
    let (items, prepared_items) = mpsc::channel(MOST_FLOWS);
    let (batches, collected) = mpsc::channel(1);
    let prepared = prepare_all(running, sources, names, items);
    let collecting = collect_all(running, prepared_items, batches);
    let ended = submit_all(running, open, collected);
    let (prepared, (), ended) = tokio::join!(prepared, collecting, ended);
    // Whose receiver is gone can't go on; why that is gone is the reason.
    ended.and(prepared)
}

async fn prepare_all(
    running: &Arc<Running>,
    sources: Vec<Source>,
    names: Vec<String>,
    items: mpsc::Sender<Item>,
) -> Result<(), CliError> {
    let mut prepared = stream::iter(sources.into_iter().zip(names))
        .map(|(source, name)| {
            let running = running.clone();
            async move {
                let prepared = prepare(&running, &source, &name).await;
                (source, prepared)
            }
        })
        .buffered(PREPARED);
    while let Some(Some((source, prepared))) =
        running.stop.run_until_cancelled(prepared.next()).await
    {
        let identity = source.identity();
        match prepared? {
            Prepared::Item(item) => {
                if items.send(item).await.is_err() {
                    return Ok(());
                }
            }
            Prepared::Followed => {}
            Prepared::Unchanged(written) => {
                let path = running.outputs.path(&written.output);
                running.report.unchanged(&identity, &path, &written);
            }
            Prepared::Failed { error, unconfirmed } => {
                running.report.failed(&identity, &error, None, unconfirmed);
            }
        }
    }
    Ok(())
}

/// Makes batches of items. Apart from whoever submits them, which may be interrupted at any time and would lose items.
async fn collect_all(
    running: &Running,
    mut items: mpsc::Receiver<Item>,
    batches: mpsc::Sender<Vec<Item>>,
) {
    while let Some(batch) = next_batch(running, &mut items).await {
        if batches.send(batch).await.is_err() {
            return;
        }
    }
}

async fn submit_all(
    running: &Arc<Running>,
    open: Vec<OpenChunk>,
    mut batches: mpsc::Receiver<Vec<Item>>,
) -> Result<(), CliError> {
    let mut followed = JoinSet::new();
    for mut chunk in open {
        resume(running, &mut chunk).await?;
        followed.spawn(follow(running.clone(), chunk));
    }
    loop {
        let batch = tokio::select! {
            batch = batches.recv() => batch,
            Some(ended) = followed.join_next() => {
                of_task(ended)?;
                continue;
            }
        };
        let Some(batch) = batch else { break };
        let chunk = submit(running, batch).await?;
        followed.spawn(follow(running.clone(), chunk));
    }
    while let Some(ended) = followed.join_next().await {
        of_task(ended)?;
    }
    Ok(())
}

/// As many items as come within a moment; `None` where there will be no more.
async fn next_batch(running: &Running, items: &mut mpsc::Receiver<Item>) -> Option<Vec<Item>> {
    let first = running.stop.run_until_cancelled(items.recv()).await??;
    let mut batch = vec![first];
    let until = Instant::now() + LINGER;
    while batch.len() < MOST_FLOWS {
        match timeout_at(until, items.recv()).await {
            Ok(Some(item)) => batch.push(item),
            Ok(None) | Err(_) => break,
        }
    }
    let places = u32::try_from(batch.len()).unwrap_or(u32::MAX);
    let places = running.window.acquire_many(places);
    match running.stop.run_until_cancelled(places).await? {
        Ok(places) => places.forget(),
        Err(_) => return None,
    }
    Some(batch)
}

fn of_task(ended: Result<Result<(), CliError>, tokio::task::JoinError>) -> Result<(), CliError> {
    match ended {
        Ok(ended) => ended,
        Err(error) => Err(CliError::Io(std::io::Error::other(error))),
    }
}
