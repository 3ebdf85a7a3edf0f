//! Rows of whose changes the bus is told.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Announcer;
use crate::ports::{
    ClaimOfWork, Claiming, Completion, FlowPage, FlowReads, FlowWrites, Outbox, Rule, SettledCount,
    Unavailable,
};
use crate::{
    Batch, BatchId, Counts, Flow, FlowId, FlowRef, FlowState, SettledFlow, TenantId, Webhook,
    WebhookDelivery, WebhookId,
};

/// Rows of whose changes the bus is told: in the moment in which it would be noted for an endpoint, so that whoever does that
/// again after a crash tells it again.
pub(super) struct Announced {
    pub(super) flows: Arc<dyn FlowWrites>,
    pub(super) announcer: Announcer,
}

/// Methods that are handed on, those too that have a body in the port: adapters have better ones.
macro_rules! handed_on {
    ($trait:ident: $($method:ident($($name:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl $trait for Announced {
            $(async fn $method(&self, $($name: $type),*) -> Result<$answer, Unavailable> {
                self.flows.$method($($name),*).await
            })*
        }
    };
}

#[async_trait]
impl Outbox for Announced {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.flows.webhooks(tenant).await
    }

    /// What endpoints are told is noted before the bus is told: they don't wait for it.
    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        let (to_bus, to_endpoints): (Vec<_>, Vec<_>) = deliveries
            .iter()
            .cloned()
            .partition(|delivery| delivery.webhook_id == WebhookId::BUS);
        if !to_endpoints.is_empty() {
            self.flows.put_deliveries(&to_endpoints).await?;
        }
        if to_bus.is_empty() {
            return Ok(());
        }
        self.announcer.announce(to_bus, &*self.flows).await
    }

    fn has_bus(&self) -> bool {
        true
    }
}

handed_on! { FlowReads:
    flows(tenant: &TenantId, ids: &[FlowId]) -> Vec<Option<Flow>>;
    batch(tenant: &TenantId, id: BatchId) -> Option<Batch>;
    batches(tenant: &TenantId, before: Option<BatchId>, limit: usize) -> Vec<Batch>;
    batch_flows(tenant: &TenantId, id: BatchId, state: Option<FlowState>, after: Option<u32>, limit: usize) -> FlowPage;
    counts(tenant: &TenantId, id: BatchId) -> Counts;
    progress(batch: &Batch) -> Counts;
    open_flows(tenant: &TenantId, enough: u64) -> u64;
}

// `change_and_count` alone is as the port has it: it is what follows from a flow that settled, step by step, and the bus is
// told between two of them.
handed_on! { FlowWrites:
    put_flows(flows: &[Flow]) -> ();
    put_batch(batch: &Batch) -> ();
    accept(claim: Option<ClaimOfWork<'_>>, batch: &Batch, flows: &[Flow]) -> Claiming<()>;
    mark_dispatched(id: BatchId, now: Timestamp) -> ();
    undispatched(created_before: Timestamp, limit: usize) -> Vec<Batch>;
    due(now: Timestamp, limit: usize) -> Vec<Flow>;
    change(flow: FlowRef, rule: Rule) -> Option<Flow>;
    change_all(guesses: Vec<Flow>, rule: Rule) -> Vec<Flow>;
    change_claiming(claim: ClaimOfWork<'_>, flow: FlowRef, rule: Rule) -> Claiming<Option<Flow>>;
    count_settled(batch: BatchId, settled: &[SettledFlow]) -> SettledCount;
    mark_completed(batch: BatchId, now: Timestamp) -> Completion;
    completions(completed_before: Timestamp, limit: usize) -> Vec<Batch>;
    completion_done(batch: BatchId) -> ();
}
