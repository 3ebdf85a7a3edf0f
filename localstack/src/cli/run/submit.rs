//! Batches, begun so that each is begun once.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use assetmill_client::{ClientError, Started, Submission};
use serde_json::Value;

use super::RunError;
use super::journal::{Entry, Item, OpenChunk};
use super::running::Running;
use crate::cli::CliError;

/// The most flows that are asked for at once.
pub(super) const MOST_FLOWS: usize = 250;
/// The label of a batch that says by which line of which journal it was begun.
const LABEL: &str = "run";
/// How long to wait before asking again whom a limit keeps from taking more, where it does not say.
const TAKES_NO_MORE: Duration = Duration::from_secs(5);

/// Notes a batch, and starts it.
pub(super) async fn submit(run: &Running, items: Vec<Item>) -> Result<OpenChunk, CliError> {
    let mut chunk = OpenChunk {
        key: uuid::Uuid::now_v7().to_string(),
        items,
        flow_ids: None,
        settled: HashSet::new(),
    };
    run.journal.note(&Entry::Submitting {
        chunk: chunk.key.clone(),
        job: run.job.clone(),
        items: chunk.items.clone(),
    })?;
    start(run, &mut chunk).await?;
    Ok(chunk)
}

/// Makes sure that a batch of an earlier run was started.
pub(super) async fn resume(run: &Running, chunk: &mut OpenChunk) -> Result<(), CliError> {
    if chunk.flow_ids.is_some() {
        return Ok(());
    }
    // Its key may have expired; its label does not.
    let label = format!("{LABEL}:{}", chunk.key);
    let found: Value = run
        .client
        .get("api/v2/batches", &[("labels", &label)])
        .await?;
    let Some(batch_id) = found["batches"][0]["batch_id"].as_str() else {
        return start(run, chunk).await;
    };
    let path = format!("api/v2/batches/{batch_id}");
    let batch: Value = run.client.get(&path, &[("limit", "1000")]).await?;
    let flows = batch["flows"].as_array().into_iter().flatten();
    let flow_ids = flows.filter_map(|flow| flow["flow_id"].as_str());
    accepted(
        run,
        chunk,
        Started {
            batch_id: batch_id.to_owned(),
            flow_ids: flow_ids.map(ToOwned::to_owned).collect(),
        },
    )
}

async fn start(run: &Running, chunk: &mut OpenChunk) -> Result<(), CliError> {
    let submission = Submission {
        digital_asset_urls: chunk.items.iter().map(|item| item.asset.clone()).collect(),
        operation: run.job.operation.clone(),
        params: run.job.params.clone(),
        labels: BTreeMap::from([(LABEL.to_owned(), chunk.key.clone())]),
    };
    loop {
        let error = match run.client.submit(&submission, &chunk.key).await {
            Ok(started) => return accepted(run, chunk, started),
            Err(error) => error,
        };
        // A tenant has so many open flows: its own, which end.
        let ClientError::Refused {
            problem,
            retry_after,
        } = &error
        else {
            return Err(error.into());
        };
        if problem.status != 429 {
            let meant = problem.pointer.as_deref().and_then(|pointer| {
                let index = pointer.strip_prefix("/digital_asset_urls/")?;
                chunk.items.get(index.parse::<usize>().ok()?)
            });
            return Err(match meant {
                Some(item) => RunError::Refused {
                    origin: run.report.named(&item.source),
                    problem: problem.clone(),
                }
                .into(),
                None => error.into(),
            });
        }
        let wait = tokio::time::sleep(retry_after.unwrap_or(TAKES_NO_MORE));
        if run.stop.run_until_cancelled(wait).await.is_none() {
            return Err(error.into());
        }
    }
}

fn accepted(run: &Running, chunk: &mut OpenChunk, started: Started) -> Result<(), CliError> {
    let distinct: HashSet<_> = started.flow_ids.iter().collect();
    if distinct.len() != chunk.items.len() || started.flow_ids.len() != chunk.items.len() {
        return Err(RunError::WrongFlows(run.client.server().clone()).into());
    }
    run.journal.note(&Entry::Accepted {
        chunk: chunk.key.clone(),
        batch_id: started.batch_id,
        flow_ids: started.flow_ids.clone(),
    })?;
    chunk.flow_ids = Some(started.flow_ids);
    Ok(())
}
