//! Stopping what has not started.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::completion::note_settled;
use super::pages::all_flows_in;
use crate::ports::{Clock, FlowChanges as _, FlowWrites, Unavailable};
use crate::{Batch, BatchId, Cancellation, Counts, Flow, FlowFilter, FlowState, TenantId};

/// How many flows are cancelled at the same time.
const PARALLEL: usize = 64;

/// Cancels batches.
#[derive(Clone)]
pub struct Cancel {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What cancelling a batch did.
#[derive(Debug, Clone, PartialEq)]
pub struct Cancelled {
    /// The batch.
    pub batch: Batch,
    /// How many flows it stopped.
    pub cancelled: u32,
    /// How its flows are now.
    pub counts: Counts,
}

impl Cancel {
    /// Cancels every pending flow of a batch that a filter means; what runs or is settled stays as it is. `None` if
    /// the tenant has no such batch.
    pub async fn run(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<Cancelled>, Unavailable> {
        let Some((batch, pending)) = self.pending(tenant, id, filter).await? else {
            return Ok(None);
        };
        // Workers take the first ones first; from the other end, most are met before them.
        let cancelled: Vec<Flow> = stream::iter(pending.into_iter().rev())
            .map(|flow| self.cancel(tenant, flow))
            .buffer_unordered(PARALLEL)
            .try_filter_map(async |flow| Ok(flow))
            .try_collect()
            .await?;
        let settled: Vec<_> = cancelled.iter().collect();
        note_settled(&*self.flows, &settled, self.clock.now()).await?;
        let number = u32::try_from(cancelled.len()).unwrap_or(u32::MAX);
        tracing::info!(batch_id = %id, %tenant, cancelled = number, "batch cancelled");
        Ok(Some(Cancelled {
            counts: self.flows.counts(tenant, id).await?,
            batch,
            cancelled: number,
        }))
    }

    /// What [`run`](Self::run) would do now, which changes nothing.
    pub async fn preview(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<Cancelled>, Unavailable> {
        let Some((batch, pending)) = self.pending(tenant, id, filter).await? else {
            return Ok(None);
        };
        Ok(Some(Cancelled {
            counts: self.flows.counts(tenant, id).await?,
            batch,
            cancelled: u32::try_from(pending.len()).unwrap_or(u32::MAX),
        }))
    }

    /// A batch with its pending flows that a filter means.
    async fn pending(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<(Batch, Vec<Flow>)>, Unavailable> {
        let Some(batch) = self.flows.batch(tenant, id).await? else {
            return Ok(None);
        };
        let pending = all_flows_in(FlowState::Pending, &*self.flows, tenant, id, filter).await?;
        Ok(Some((batch, pending)))
    }

    async fn cancel(&self, tenant: &TenantId, flow: Flow) -> Result<Option<Flow>, Unavailable> {
        let now = self.clock.now();
        match self.flows.cancel(tenant, &flow, now).await? {
            Cancellation::Cancelled(flow) => Ok(Some(flow)),
            Cancellation::Unchanged(_) | Cancellation::Unknown => Ok(None),
        }
    }
}
