use assetmill_core::ports::{
    Completion, FlowWrites, Rule, SettledCount, SingleChange, Unavailable,
};
use assetmill_core::{Batch, BatchId, Flow, FlowId, FlowRef};
use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::SqliteFlows;
use crate::retention::Cutoff;
use crate::rows::{self, BATCH, FLOW};

impl SqliteFlows {
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let written = self.database.write(work).await;
        written.map_err(|error| error.of("flows"))
    }
}

#[async_trait]
impl FlowWrites for SqliteFlows {
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable> {
        let flows = flows.to_vec();
        self.write(move |rows| flows.iter().try_for_each(|flow| rows::put_flow(rows, flow)))
            .await
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let batch = batch.clone();
        self.write(move |rows| put_batch(rows, &batch)).await
    }

    async fn accept(&self, batch: &Batch, flows: &[Flow]) -> Result<(), Unavailable> {
        let (batch, flows) = (batch.clone(), flows.to_vec());
        self.write(move |rows| {
            flows
                .iter()
                .try_for_each(|flow| rows::put_flow(rows, flow))?;
            put_batch(rows, &batch)
        })
        .await
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        self.write(move |rows| {
            rows.prepare_cached(
                "UPDATE batches SET dispatched_at = ?2
                 WHERE batch_id = ?1 AND dispatched_at IS NULL",
            )?
            .execute(params![id.to_string(), now.as_millisecond()])?;
            Ok(())
        })
        .await
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches WHERE dispatched_at IS NULL AND created_at < ?1
                 ORDER BY created_at LIMIT ?2"
            ))?
            .query_map(params![created_before.as_millisecond(), limit], rows::batch)?
            .collect()
        })
        .await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {FLOW} FROM flows WHERE due_at <= ?1 ORDER BY due_at LIMIT ?2"
            ))?
            .query_map(params![now.as_millisecond(), limit], rows::flow)?
            .collect()
        })
        .await
    }

    /// The row is at hand: no guess is needed.
    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        let gone = self.retention.cutoff();
        self.write(move |rows| {
            let changed = change(rows, flow.id(), &rule, gone)?;
            Ok(changed.map(|(before, _)| before))
        })
        .await
    }

    async fn change_single(
        &self,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Option<SingleChange>, Unavailable> {
        let gone = self.retention.cutoff();
        self.write(move |rows| {
            let Some((before, changed)) = change(rows, flow.id(), &rule, gone)? else {
                return Ok(None);
            };
            let after = changed.as_ref().unwrap_or(&before);
            let completion = match after.status.settled_at() {
                Some(now)
                    if count_settled(rows, after.batch_id, &[after.index])?
                        == SettledCount::Complete =>
                {
                    Some(mark_completed(rows, after.batch_id, now)?)
                }
                _ => None,
            };
            Ok(Some(SingleChange { before, completion }))
        })
        .await
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        indexes: &[u32],
    ) -> Result<SettledCount, Unavailable> {
        let indexes = indexes.to_vec();
        self.write(move |rows| count_settled(rows, batch, &indexes))
            .await
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        self.write(move |rows| mark_completed(rows, batch, now))
            .await
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.read(move |rows| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches
                 WHERE follows_open = 1 AND completed_at < ?1 ORDER BY completed_at LIMIT ?2"
            ))?
            .query_map(
                params![completed_before.as_millisecond(), limit],
                rows::batch,
            )?
            .collect()
        })
        .await
    }

    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        self.write(move |rows| {
            rows.prepare_cached("UPDATE batches SET follows_open = 0 WHERE batch_id = ?1")?
                .execute([batch.to_string()])?;
            Ok(())
        })
        .await
    }
}

fn put_batch(rows: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    rows.prepare_cached(
        "INSERT INTO batches (batch_id, tenant, operation, params, size,
            retry_of, created_at, dispatched_at, completed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (batch_id) DO NOTHING",
    )?
    .execute(params![
        batch.id.to_string(),
        batch.tenant.as_str(),
        batch.operation.as_str(),
        batch.params.canonical(),
        batch.size,
        batch.retry_of.map(|id| id.to_string()),
        batch.created_at.as_millisecond(),
        batch.dispatched_at.map(Timestamp::as_millisecond),
        batch.completed_at.map(Timestamp::as_millisecond),
    ])?;
    Ok(())
}

/// The flow before, and after if that is another; `None` if there is none.
fn change(
    rows: &Connection,
    id: FlowId,
    rule: &Rule,
    gone: Cutoff,
) -> rusqlite::Result<Option<(Flow, Option<Flow>)>> {
    let Some(before) = rows::find_flow(rows, &id.to_string(), gone)? else {
        return Ok(None);
    };
    let ((), changed) = before.apply(&**rule);
    if let Some(changed) = &changed {
        rows::put_flow(rows, changed)?;
    }
    Ok(Some((before, changed)))
}

fn count_settled(
    rows: &Connection,
    batch: BatchId,
    indexes: &[u32],
) -> rusqlite::Result<SettledCount> {
    let batch = batch.to_string();
    let mut insert =
        rows.prepare_cached("INSERT OR IGNORE INTO tallies (batch_id, place) VALUES (?1, ?2)")?;
    let mut added = 0;
    for index in indexes {
        added += insert.execute(params![batch, index])?;
    }
    let complete = rows
        .prepare_cached(
            "UPDATE batches SET settled = settled + ?2 WHERE batch_id = ?1
             RETURNING settled >= size",
        )?
        .query_row(params![batch, added], |row| row.get(0))
        .optional()?;
    Ok(match complete {
        Some(true) => SettledCount::Complete,
        Some(false) | None => SettledCount::Open,
    })
}

fn mark_completed(
    rows: &Connection,
    batch: BatchId,
    now: Timestamp,
) -> rusqlite::Result<Completion> {
    let marked = rows
        .prepare_cached(
            "UPDATE batches
             SET completed_at = ?2, follows_open = 1,
                 dispatched_at = coalesce(dispatched_at, ?2)
             WHERE batch_id = ?1 AND completed_at IS NULL",
        )?
        .execute(params![batch.to_string(), now.as_millisecond()])?;
    Ok(match marked {
        0 => Completion::Already,
        _ => Completion::First,
    })
}
