//! Portions of what expired, each small enough for nobody to wait for it.

use assetmill_core::{Output, OutputKey};
use rusqlite::{Connection, OptionalExtension as _, params};

use crate::retention::Cutoff;
use crate::rows::{self, FLOW};

/// How many rows are deleted in one transaction.
const DELETED: usize = 200;
/// How many rows are looked at in one read.
const LOOKED_AT: usize = 1_000;

/// What a portion of expired batches had.
pub(super) struct Deleted {
    pub(super) batches: usize,
    pub(super) flows: usize,
}

/// Batches that were never accepted, among those that were looked at.
pub(super) struct WithoutBatch {
    pub(super) ids: Vec<String>,
    pub(super) looked_until: String,
}

/// The outputs that some rows name.
pub(super) struct Named {
    pub(super) keys: Vec<OutputKey>,
    pub(super) looked_until: String,
}

/// Deletes some flows of an expired batch, or the batch itself when none is left; `None` if no batch has expired.
pub(super) fn batches(rows: &Connection, gone: Cutoff) -> rusqlite::Result<Option<Deleted>> {
    let expired: Option<String> = rows
        .prepare_cached(
            "SELECT batch_id FROM batches
             WHERE completed_at IS NOT NULL AND follows_open = 0 AND created_at <= ?1
             -- Nothing that is not settled is deleted, whatever its batch says.
             AND NOT EXISTS (SELECT 1 FROM flows WHERE flows.batch_id = batches.batch_id
                AND state IN ('PENDING', 'RUNNING'))
             ORDER BY created_at LIMIT 1",
        )?
        .query_row([gone], |row| row.get(0))
        .optional()?;
    let Some(batch) = expired else {
        return Ok(None);
    };
    let flows = delete_flows(rows, &batch)?;
    if flows == DELETED {
        return Ok(Some(Deleted { batches: 0, flows }));
    }
    rows.prepare_cached("DELETE FROM tallies WHERE batch_id = ?1")?
        .execute([&batch])?;
    let batches = rows
        .prepare_cached("DELETE FROM batches WHERE batch_id = ?1")?
        .execute([&batch])?;
    Ok(Some(Deleted { batches, flows }))
}

fn delete_flows(rows: &Connection, batch: &str) -> rusqlite::Result<usize> {
    let some: Vec<(String, u32)> = rows
        .prepare_cached(
            "SELECT flow_id, place FROM flows WHERE batch_id = ?1 ORDER BY place LIMIT ?2",
        )?
        .query_map(params![batch, DELETED], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let mut flow = rows.prepare_cached("DELETE FROM flows WHERE flow_id = ?1")?;
    let mut tally =
        rows.prepare_cached("DELETE FROM tallies WHERE batch_id = ?1 AND place = ?2")?;
    for (id, place) in &some {
        flow.execute([id])?;
        tally.execute(params![batch, place])?;
    }
    Ok(some.len())
}

/// Looks for flows whose batch has no row; `None` after the last.
pub(super) fn without_batch(
    rows: &Connection,
    after: &str,
    gone: Cutoff,
) -> rusqlite::Result<Option<WithoutBatch>> {
    // From one batch to the next in the index: not every flow is looked at.
    let mut next = rows.prepare_cached(
        "SELECT batch_id, created_at <= ?2 AND NOT EXISTS
            (SELECT 1 FROM batches WHERE batches.batch_id = flows.batch_id)
         FROM flows WHERE batch_id > ?1 ORDER BY batch_id, place LIMIT 1",
    )?;
    let mut ids = Vec::new();
    let mut looked_until = after.to_owned();
    for looked_at in 0..LOOKED_AT {
        let found: Option<(String, bool)> = next
            .query_row(params![looked_until, gone], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        let Some((id, without_batch)) = found else {
            if looked_at == 0 {
                return Ok(None);
            }
            break;
        };
        if without_batch {
            ids.push(id.clone());
        }
        looked_until = id;
    }
    Ok(Some(WithoutBatch { ids, looked_until }))
}

/// Deletes some flows of a batch that has no row.
pub(super) fn flows_of(rows: &Connection, batch: &str, gone: Cutoff) -> rusqlite::Result<usize> {
    // It may have been accepted after all.
    let old = rows
        .prepare_cached(
            "SELECT 1 FROM flows WHERE batch_id = ?1 AND created_at <= ?2
             AND NOT EXISTS (SELECT 1 FROM batches WHERE batch_id = ?1) LIMIT 1",
        )?
        .exists(params![batch, gone])?;
    if old {
        delete_flows(rows, batch)
    } else {
        Ok(0)
    }
}

/// Deletes some remembered work, and claims that nobody holds; `None` if there is none.
pub(super) fn works(rows: &Connection, gone: Cutoff) -> rusqlite::Result<Option<usize>> {
    let deleted = [
        "DELETE FROM works WHERE work_key IN
            (SELECT work_key FROM works WHERE made_at <= ?1 ORDER BY made_at LIMIT ?2)",
        "DELETE FROM works WHERE work_key IN
            (SELECT work_key FROM works WHERE held_until <= ?1 ORDER BY held_until LIMIT ?2)",
    ]
    .into_iter()
    .map(|sql| rows.prepare_cached(sql)?.execute(params![gone, DELETED]))
    .sum::<rusqlite::Result<usize>>()?;
    Ok((deleted > 0).then_some(deleted))
}

/// The outputs that some flows name, by their ids; `None` after the last.
pub(super) fn named_by_flows(rows: &Connection, after: &str) -> rusqlite::Result<Option<Named>> {
    let flows: Vec<_> = rows
        .prepare_cached(&format!(
            "SELECT {FLOW} FROM flows WHERE flow_id > ?1 ORDER BY flow_id LIMIT ?2"
        ))?
        .query_map(params![after, LOOKED_AT], rows::flow)?
        .collect::<rusqlite::Result<_>>()?;
    let keys = flows.iter().flat_map(assetmill_core::Flow::output_keys);
    Ok(flows.last().map(|last| Named {
        keys: keys.collect(),
        looked_until: last.id.to_string(),
    }))
}

/// The outputs that some remembered work names, by its keys; `None` after the last.
pub(super) fn named_by_works(rows: &Connection, after: &str) -> rusqlite::Result<Option<Named>> {
    let works: Vec<(String, Output)> = rows
        .prepare_cached(
            "SELECT work_key, output FROM works WHERE work_key > ?1 AND output IS NOT NULL
             ORDER BY work_key LIMIT ?2",
        )?
        .query_map(params![after, LOOKED_AT], |row| {
            Ok((row.get(0)?, rows::from_json(&row.get::<_, String>(1)?)?))
        })?
        .collect::<rusqlite::Result<_>>()?;
    let looked_until = works.last().map(|(key, _)| key.clone());
    let keys = works.into_iter().map(|(_, output)| output.key).collect();
    Ok(looked_until.map(|looked_until| Named { keys, looked_until }))
}
