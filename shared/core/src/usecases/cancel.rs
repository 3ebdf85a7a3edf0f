//! Stopping what has not started.

use std::sync::Arc;

use super::completion::note_settled;
use crate::ports::{Cancellation, Clock, FlowWrites, Unavailable};
use crate::{BatchId, FlowState, TenantId};

const PAGE: usize = 500;

/// Cancels batches.
#[derive(Clone)]
pub struct Cancel {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// What cancelling a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cancelled {
    /// How many flows it stopped.
    pub cancelled: u32,
}

impl Cancel {
    /// Cancels every pending flow of a batch; what runs or is settled stays as it is. `None` if
    /// the tenant has no such batch.
    pub async fn run(
        &self,
        tenant: &TenantId,
        id: BatchId,
    ) -> Result<Option<Cancelled>, Unavailable> {
        if self.flows.batch(tenant, id).await?.is_none() {
            return Ok(None);
        }
        let mut cancelled = 0;
        let mut after = None;
        loop {
            let page = self
                .flows
                .batch_flows(id, Some(FlowState::Pending), after, PAGE)
                .await?;
            for flow in &page.flows {
                let now = self.clock.now();
                if let Cancellation::Cancelled(flow) =
                    self.flows.cancel(tenant, flow.id, now).await?
                {
                    note_settled(&*self.flows, &flow, now).await?;
                    cancelled += 1;
                }
            }
            after = page.next;
            if after.is_none() {
                tracing::info!(batch_id = %id, %tenant, cancelled, "batch cancelled");
                return Ok(Some(Cancelled { cancelled }));
            }
        }
    }
}
