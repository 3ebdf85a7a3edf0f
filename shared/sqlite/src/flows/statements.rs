//! What a write does, as a part of a transaction.

use assetmill_core::ports::{Completion, CountedChange, Rule, SettledCount};
use assetmill_core::{
    Batch, BatchId, BatchName, Counts, Flow, FlowId, SettledFlow, WebhookDelivery,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::retention::Cutoff;
use crate::rows;
use crate::webhooks;

pub(super) fn put_flows(rows: &Connection, flows: &[Flow]) -> rusqlite::Result<()> {
    let mut flows = flows.iter();
    flows.try_for_each(|flow| rows::put_flow(rows, flow))
}

pub(super) fn put_batch(rows: &Connection, batch: &Batch) -> rusqlite::Result<()> {
    let labels = match &batch.labels {
        none if none.is_empty() => None,
        labels => Some(rows::to_json(labels)?),
    };
    rows.prepare_cached(
        "INSERT INTO batches (batch_id, tenant, operation, params, size,
            retry_of, created_at, dispatched_at, completed_at, name, labels, webhook)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
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
        batch.name.as_ref().map(BatchName::as_str),
        labels,
        batch.webhook.as_ref().map(rows::to_json).transpose()?,
    ])?;
    Ok(())
}

/// The flow before, and after if that is another; `None` if there is none.
pub(super) fn change(
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

/// As [`FlowWrites::change_and_count`](assetmill_core::ports::FlowWrites::change_and_count) promises.
pub(super) fn change_and_count(
    rows: &Connection,
    id: FlowId,
    rule: &Rule,
    gone: Cutoff,
) -> rusqlite::Result<Option<CountedChange>> {
    let Some((before, changed)) = change(rows, id, rule, gone)? else {
        return Ok(None);
    };
    let after = changed.as_ref().unwrap_or(&before);
    for told in WebhookDelivery::of_settled(after) {
        webhooks::put(rows, &told)?;
    }
    let completion = match after.status.settled_at() {
        Some(now)
            if count_settled(rows, after.batch_id, &[after.into()])? == SettledCount::Complete =>
        {
            Some(mark_completed(rows, after.batch_id, now)?)
        }
        _ => None,
    };
    Ok(Some(CountedChange { before, completion }))
}

pub(super) fn count_settled(
    rows: &Connection,
    batch: BatchId,
    settled: &[SettledFlow],
) -> rusqlite::Result<SettledCount> {
    let batch = batch.to_string();
    let mut insert =
        rows.prepare_cached("INSERT OR IGNORE INTO tallies (batch_id, place) VALUES (?1, ?2)")?;
    let mut added = Counts::default();
    for SettledFlow { index, state } in settled {
        if insert.execute(params![batch, index])? > 0 {
            added.add(*state, 1);
        }
    }
    let complete = rows
        .prepare_cached(
            "UPDATE batches SET settled = settled + ?2, completed = completed + ?3,
                failed = failed + ?4, cancelled = cancelled + ?5
             WHERE batch_id = ?1 RETURNING settled >= size",
        )?
        .query_row(
            params![
                batch,
                added.total(),
                added.completed,
                added.failed,
                added.cancelled
            ],
            |row| row.get(0),
        )
        .optional()?;
    Ok(match complete {
        Some(true) => SettledCount::Complete,
        Some(false) | None => SettledCount::Open,
    })
}

pub(super) fn mark_completed(
    rows: &Connection,
    batch: BatchId,
    now: Timestamp,
) -> rusqlite::Result<Completion> {
    // One machine has no bus.
    let heard: Option<bool> = rows
        .prepare_cached(
            "UPDATE batches
             SET completed_at = ?2, dispatched_at = coalesce(dispatched_at, ?2),
                 follows_open = webhook IS NOT NULL OR EXISTS (
                     SELECT 1 FROM webhooks WHERE webhooks.tenant = batches.tenant)
             WHERE batch_id = ?1 AND completed_at IS NULL RETURNING follows_open",
        )?
        .query_row(params![batch.to_string(), now.as_millisecond()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(match heard {
        None => Completion::Already,
        Some(true) => Completion::First,
        Some(false) => Completion::Unheard,
    })
}
