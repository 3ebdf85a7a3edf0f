//! Flows and batches in SQLite.

mod statements;
mod writes;

use assetmill_core::ports::{FlowPage, FlowReads, Unavailable};
use assetmill_core::{Batch, BatchId, Counts, Flow, FlowId, FlowState, TenantId};
use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension as _, named_params, params};

use super::database::Database;

use super::retention::{self, Retention};
use super::rows::{self, BATCH, FLOW};
use super::webhooks::SqliteWebhooks;

/// Rows of flows and batches in SQLite.
#[derive(Debug, Clone)]
pub struct SqliteFlows {
    database: Database,
    retention: Retention,
}

impl SqliteFlows {
    pub(super) fn new(database: Database, retention: Retention) -> Self {
        Self {
            database,
            retention,
        }
    }

    /// Where it is noted what endpoints are to be told.
    pub(super) fn outbox(&self) -> SqliteWebhooks {
        SqliteWebhooks::new(self.database.clone(), self.retention.clone())
    }

    async fn read_for<T: Send + 'static>(
        &self,
        tenant: &TenantId,
        work: impl Fn(&Connection, &TenantId) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let read = self.database.read_for(tenant, work).await;
        read.map_err(|error| error.of("flows"))
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Unavailable> {
        let read = self.database.read(work).await;
        read.map_err(|error| error.of("flows"))
    }
}

#[async_trait]
impl FlowReads for SqliteFlows {
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable> {
        let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
        let gone = self.retention.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            ids.iter()
                .map(|id| rows::find_flow_of(rows, id, tenant, gone))
                .collect()
        })
        .await
    }

    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable> {
        let gone = self.retention.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches WHERE batch_id = ?1 AND tenant = ?2 AND {}",
                retention::batch_lives("?3")
            ))?
            .query_row(params![id.to_string(), tenant.as_str(), gone], rows::batch)
            .optional()
        })
        .await
    }

    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let gone = self.retention.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            rows.prepare_cached(&format!(
                "SELECT {BATCH} FROM batches
                 WHERE tenant = ?1 AND (?2 IS NULL OR batch_id < ?2) AND {}
                 ORDER BY batch_id DESC LIMIT ?3",
                retention::batch_lives("?4")
            ))?
            .query_map(
                params![
                    tenant.as_str(),
                    before.map(|id| id.to_string()),
                    limit,
                    gone
                ],
                rows::batch,
            )?
            .collect()
        })
        .await
    }

    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable> {
        // One more than asked for tells whether there is a next page.
        let more = limit + 1;
        let by_state = if state.is_some() {
            "AND state = :state"
        } else {
            "AND :state IS NULL"
        };
        let sql = format!(
            "SELECT {FLOW} FROM flows WHERE batch_id = :batch_id {by_state} AND place > :after
             AND EXISTS (SELECT 1 FROM batches
                WHERE batch_id = :batch_id AND tenant = :tenant AND {lives})
             ORDER BY place LIMIT :limit",
            lives = retention::batch_lives(":gone")
        );
        let gone = self.retention.cutoff();
        let mut flows: Vec<Flow> = self
            .read_for(tenant, move |rows, tenant| {
                rows.prepare_cached(&sql)?
                    .query_map(
                        named_params! {
                            ":batch_id": id.to_string(),
                            ":tenant": tenant.as_str(),
                            ":gone": gone,
                            ":state": state.map(FlowState::as_str),
                            ":after": after.map_or(-1, i64::from),
                            ":limit": more,
                        },
                        rows::flow,
                    )?
                    .collect()
            })
            .await?;
        let next = (flows.len() > limit).then(|| {
            flows.truncate(limit);
            flows.last().map(|flow| flow.index)
        });
        Ok(FlowPage {
            flows,
            next: next.flatten(),
        })
    }

    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable> {
        let gone = self.retention.cutoff();
        self.read_for(tenant, move |rows, tenant| {
            let mut counts = Counts::default();
            // The tenant of the batch, and not of each flow: the index alone tells all that is counted.
            let mut query = rows.prepare_cached(&format!(
                "SELECT state, count(*) FROM flows WHERE batch_id = ?1
                 AND EXISTS (SELECT 1 FROM batches
                    WHERE batch_id = ?1 AND tenant = ?2 AND {})
                 GROUP BY state",
                retention::batch_lives("?3")
            ))?;
            let mut groups = query.query(params![id.to_string(), tenant.as_str(), gone])?;
            while let Some(group) = groups.next()? {
                counts.add(rows::parsed(group, "state")?, group.get(1)?);
            }
            Ok(counts)
        })
        .await
    }

    /// What runs is found by an index, and is never many.
    async fn progress(&self, batch: &Batch) -> Result<Counts, Unavailable> {
        if let Some(counts) = batch.final_counts() {
            return Ok(counts);
        }
        if batch.completed_at.is_some() {
            return self.counts(&batch.tenant, batch.id).await;
        }
        let (id, size, counted) = (batch.id.to_string(), batch.size, batch.counted);
        self.read_for(&batch.tenant, move |rows, _| {
            let running = rows
                .prepare_cached(
                    "SELECT count(*) FROM flows WHERE batch_id = ?1 AND state = 'RUNNING'",
                )?
                .query_row([&id], |row| row.get(0))?;
            let open = size.saturating_sub(counted.total());
            Ok(Counts {
                pending: open.saturating_sub(running),
                running: running.min(open),
                ..counted
            })
        })
        .await
    }

    /// Counted by triggers: see `migrations/0009_open_flows.sql`.
    async fn open_flows(&self, tenant: &TenantId, _: u64) -> Result<u64, Unavailable> {
        self.read_for(tenant, move |rows, tenant| {
            let open = rows
                .prepare_cached("SELECT flows FROM open_flows WHERE tenant = ?1")?
                .query_row([tenant.as_str()], |row| row.get(0))
                .optional()?;
            Ok(open.unwrap_or_default())
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use assetmill_contract::samples;
    use assetmill_core::ports::{FlowReads as _, FlowWrites as _, SystemClock};

    use crate::Store;

    /// Reading another's row would take longer than finding none: it is not even looked at.
    #[tokio::test]
    async fn the_row_of_another_tenant_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), Arc::new(SystemClock))
            .await
            .unwrap();
        let rows = store.flows();
        let (_, flows) = samples::batch(1);
        rows.put_flows(&flows).await.unwrap();
        let broken = rows
            .database
            .write(|rows| rows.execute("UPDATE flows SET params = '?'", []));
        assert_eq!(broken.await.unwrap(), 1);
        let ids = [flows[0].id];
        assert!(rows.flows(&samples::tenant(), &ids).await.is_err());
        let other = "other".parse().unwrap();
        assert_eq!(rows.flows(&other, &ids).await.unwrap(), [None]);
    }
}
