//! Rows whose changes are counted.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::Meter;
use crate::ports::{
    ClaimOfWork, Claiming, Completion, CountedChange, FlowPage, FlowReads, FlowWrites, MadeWork,
    Outbox, Rule, SettledCount, Unavailable,
};
use crate::{
    Activity, Batch, BatchId, Counts, Flow, FlowId, FlowRef, FlowState, SettledFlow, TenantId,
    Webhook, WebhookDelivery,
};

/// Rows whose changes are counted, whoever makes them and however: a row enters a final state once, and so it is
/// counted once. What is settled when it is written first counts then; that is so too where its batch is never accepted,
/// as where an equal request came before it.
///
/// Every method of the port is handed on, those too that have a body there: adapters have better ones.
pub(super) struct Metered {
    pub(super) flows: Arc<dyn FlowWrites>,
    pub(super) meter: Meter,
}

impl Metered {
    fn count_change(&self, before: &Flow, rule: &Rule) {
        if before.state().is_settled() {
            return;
        }
        if let ((), Some(after)) = before.apply(&**rule) {
            let activity = Activity::of_change(before, &after);
            self.meter.count(&after.tenant, activity);
            if after.state().is_settled() {
                self.meter.note_progress(&self.flows, &after);
            }
        }
    }

    fn count_new(&self, flows: &[Flow]) {
        let settled = |flow: &&Flow| flow.state().is_settled();
        for flow in flows.iter().filter(settled) {
            self.meter.count(&flow.tenant, Activity::of_new(flow));
        }
    }
}

#[async_trait]
impl FlowReads for Metered {
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable> {
        self.flows.flows(tenant, ids).await
    }

    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable> {
        self.flows.batch(tenant, id).await
    }

    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.flows.batches(tenant, before, limit).await
    }

    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable> {
        self.flows
            .batch_flows(tenant, id, state, after, limit)
            .await
    }

    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable> {
        self.flows.counts(tenant, id).await
    }

    async fn progress(&self, batch: &Batch) -> Result<Counts, Unavailable> {
        self.flows.progress(batch).await
    }

    async fn open_flows(&self, tenant: &TenantId, enough: u64) -> Result<u64, Unavailable> {
        self.flows.open_flows(tenant, enough).await
    }
}

#[async_trait]
impl Outbox for Metered {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.flows.webhooks(tenant).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        self.flows.put_deliveries(deliveries).await
    }

    fn has_bus(&self) -> bool {
        self.flows.has_bus()
    }
}

#[async_trait]
impl FlowWrites for Metered {
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable> {
        self.flows.put_flows(flows).await?;
        self.count_new(flows);
        Ok(())
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        self.flows.put_batch(batch).await
    }

    async fn accept(
        &self,
        claim: Option<ClaimOfWork<'_>>,
        batch: &Batch,
        flows: &[Flow],
    ) -> Result<Claiming<()>, Unavailable> {
        let accepted = self.flows.accept(claim, batch, flows).await?;
        if let Claiming::Claimed(()) = accepted {
            self.count_new(flows);
        }
        Ok(accepted)
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        self.flows.mark_dispatched(id, now).await
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.flows.undispatched(created_before, limit).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        self.flows.due(now, limit).await
    }

    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        let before = self.flows.change(flow, rule.clone()).await?;
        if let Some(before) = &before {
            self.count_change(before, &rule);
        }
        Ok(before)
    }

    async fn change_all(&self, guesses: Vec<Flow>, rule: Rule) -> Result<Vec<Flow>, Unavailable> {
        let before = self.flows.change_all(guesses, rule.clone()).await?;
        for flow in &before {
            self.count_change(flow, &rule);
        }
        Ok(before)
    }

    async fn change_claiming(
        &self,
        claim: ClaimOfWork<'_>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Claiming<Option<Flow>>, Unavailable> {
        let changed = self
            .flows
            .change_claiming(claim, flow, rule.clone())
            .await?;
        if let Claiming::Claimed(Some(before)) = &changed {
            self.count_change(before, &rule);
        }
        Ok(changed)
    }

    async fn change_and_count(
        &self,
        made: Option<MadeWork<'_>>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Option<CountedChange>, Unavailable> {
        let changed = self
            .flows
            .change_and_count(made, flow, rule.clone())
            .await?;
        if let Some(CountedChange { before, .. }) = &changed {
            self.count_change(before, &rule);
        }
        Ok(changed)
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        self.flows.count_settled(batch, settled).await
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        self.flows.mark_completed(batch, now).await
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.flows.completions(completed_before, limit).await
    }

    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        self.flows.completion_done(batch).await
    }
}
