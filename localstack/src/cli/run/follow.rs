//! A batch until its end: what comes out is written as it comes.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use assetmill_client::{FlowError, FlowRow, FlowState};
use assetmill_core::MediaType;
use futures_util::{StreamExt as _, stream};

use super::journal::{Entry, Item, OpenChunk};
use super::running::Running;
use crate::cli::CliError;

/// Outputs on their way at the same time, of one batch.
const DOWNLOADS: usize = 4;
/// A batch is asked about less often when less than one in so many of its flows have settled since.
const WORTH_ASKING: usize = 8;
/// How often the bytes of one output are asked for before that is left to the next run.
const MOST_TRIES: u32 = 3;

/// What of a batch is not settled, by the ids of its flows.
type Outstanding = HashMap<String, (usize, Item)>;

/// Follows a batch until all of it is settled, or until the run is to stop and nothing works on it any more.
pub(super) async fn follow(run: Arc<Running>, chunk: OpenChunk) -> Result<(), CliError> {
    let ids = chunk.flow_ids.into_iter().flatten();
    let items = chunk.items.into_iter().enumerate();
    let mut outstanding: Outstanding = ids
        .zip(items)
        .filter(|(_, (index, _))| !chunk.settled.contains(index))
        .collect();
    let mut tries: HashMap<String, u32> = HashMap::new();
    let (shortest, longest) = run.polling();
    let mut wait = shortest;
    while !outstanding.is_empty() {
        let last = run.ended.is_cancelled();
        let asked = outstanding.len();
        let settled = poll(&run, &chunk.key, &mut outstanding, &mut tries).await?;
        if last {
            break;
        }
        wait = next_wait(wait, settled * WORTH_ASKING >= asked, shortest, longest);
        // What ended meanwhile is still seen.
        let _ = run
            .ended
            .run_until_cancelled(tokio::time::sleep(wait))
            .await;
    }
    run.report.waits(&chunk.key, BTreeMap::new());
    Ok(())
}

fn next_wait(wait: Duration, worth: bool, shortest: Duration, longest: Duration) -> Duration {
    if worth {
        (wait / 2).max(shortest)
    } else {
        (wait * 3 / 2).min(longest)
    }
}

/// Asks how the flows are doing, and deals with those that are settled; how many.
async fn poll(
    run: &Arc<Running>,
    chunk: &str,
    outstanding: &mut Outstanding,
    tries: &mut HashMap<String, u32>,
) -> Result<usize, CliError> {
    let ids: Vec<&str> = outstanding.keys().map(String::as_str).collect();
    let rows = run.client.results(&ids).await?.flows;
    let mut waiting = BTreeMap::new();
    for row in &rows {
        if let Some(wait) = &row.waiting {
            *waiting.entry(wait.reason.clone()).or_default() += 1;
        }
    }
    run.report.waits(chunk, waiting);
    let settled = rows.into_iter().filter(|row| row.state.is_settled());
    let settled = settled.filter_map(|row| {
        let (index, item) = outstanding.get(&row.flow_id)?;
        Some((row, *index, item.clone()))
    });
    let dealt: Vec<_> = stream::iter(settled.collect::<Vec<_>>())
        .map(|(row, index, item)| async move {
            let done = settle(run, chunk, index, &item, &row).await;
            (row.flow_id, done)
        })
        .buffer_unordered(DOWNLOADS)
        .collect()
        .await;
    let mut ended = 0;
    for (flow_id, done) in dealt {
        if let Err(message) = done? {
            let count = tries.entry(flow_id.clone()).or_default();
            *count += 1;
            if *count < MOST_TRIES {
                continue;
            }
            // Not noted: it is there, and the next run fetches it.
            let error = FlowError {
                code: "not_written".to_owned(),
                message,
                retryable: true,
            };
            if let Some((_, item)) = outstanding.get(&flow_id) {
                run.report
                    .failed(&item.source, &error, Some(&flow_id), false);
            }
        }
        outstanding.remove(&flow_id);
        run.window.add_permits(1);
        ended += 1;
    }
    Ok(ended)
}

/// Notes how a flow ended, with its output where it belongs. `Err` says why it could not be put there.
async fn settle(
    run: &Arc<Running>,
    chunk: &str,
    index: usize,
    item: &Item,
    row: &FlowRow,
) -> Result<Result<(), String>, CliError> {
    if run.is_superseded(&item.name, &item.work) {
        run.journal.note(&Entry::Superseded {
            chunk: chunk.to_owned(),
            index,
        })?;
        return Ok(Ok(()));
    }
    let Some(result) = &row.result else {
        failed(run, chunk, index, item, row)?;
        return Ok(Ok(()));
    };
    let content = match run.client.download(&result.url, result.bytes).await {
        Ok(content) => content,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let ending = result
        .media_type
        .parse()
        .unwrap_or_else(|_| MediaType::unknown())
        .extension();
    let written = {
        let (run, item, sha256) = (run.clone(), item.clone(), result.sha256.clone());
        let write = move || {
            let may_replace = |output: &str| run.history.wrote_of(output, &item.source);
            let outputs = &run.outputs;
            outputs.write(&item.name, ending, &content, &sha256, may_replace)
        };
        tokio::task::spawn_blocking(write).await
    };
    let written = match written {
        Ok(Ok(written)) => written,
        Ok(Err(error)) => return Ok(Err(error.to_string())),
        Err(error) => return Ok(Err(error.to_string())),
    };
    run.journal.note(&Entry::Written {
        chunk: chunk.to_owned(),
        index,
        written: written.clone(),
    })?;
    let path = run.outputs.path(&written.output);
    run.report
        .written(&item.source, &path, &written, &row.flow_id);
    Ok(Ok(()))
}

fn failed(
    run: &Running,
    chunk: &str,
    index: usize,
    item: &Item,
    row: &FlowRow,
) -> Result<(), CliError> {
    let told = |code: &str, message: &str| FlowError {
        code: code.to_owned(),
        message: message.to_owned(),
        retryable: true,
    };
    let error = match (&row.error, row.state) {
        (Some(error), _) => error.clone(),
        (None, FlowState::Cancelled) => {
            told("flow_cancelled", "it was cancelled before it was begun")
        }
        (None, _) => told(
            "flow_not_found",
            "nothing is known of it any more, as of flows older than their retention",
        ),
    };
    let unconfirmed = row.unconfirmed_calls > 0;
    run.journal.note(&Entry::Failed {
        chunk: chunk.to_owned(),
        index,
        error: error.clone(),
        unconfirmed,
    })?;
    run.report
        .failed(&item.source, &error, Some(&row.flow_id), unconfirmed);
    Ok(())
}
