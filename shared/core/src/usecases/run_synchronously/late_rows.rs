//! Rows that are written when something is about to be paid for, and not before.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;

use super::Accepted;
use crate::ports::{
    ClaimOfWork, Claiming, Completion, CountedChange, FlowPage, FlowReads, FlowWrites, MadeWork,
    Outbox, Rule, SettledCount, Unavailable,
};
use crate::{
    Batch, BatchId, Counts, Flow, FlowId, FlowRef, FlowState, Progress, SettledFlow, Status,
    TenantId, Webhook, WebhookDelivery,
};

/// The rows of one batch whose caller waits. They are here alone until one of its flows is about to make a paid call,
/// has made something that is kept, or is to be tried again: then all of them are written, which accepts the batch. A
/// crash before that loses what nobody was told of and nobody paid for.
pub(super) struct LateRows {
    written: Arc<dyn FlowWrites>,
    batch: Batch,
    rows: Mutex<Rows>,
    /// What is done once the caller is answered.
    behind: TaskTracker,
}

struct Rows {
    /// As they are known.
    flows: Vec<Flow>,
    accepted: bool,
    /// Whether some were settled before they were accepted, of which nobody has told the batch.
    untold: bool,
}

/// How a batch stands when its caller is to be answered. Its rows are written.
pub(super) struct Ended {
    pub(super) flows: Vec<Flow>,
    /// Whether whoever settled its flows has told the batch: then there is nothing left to send for it.
    pub(super) told: bool,
}

impl LateRows {
    pub(super) fn new(
        written: Arc<dyn FlowWrites>,
        accepted: &Accepted,
        behind: TaskTracker,
    ) -> Self {
        Self {
            written,
            batch: accepted.batch.clone(),
            rows: Mutex::new(Rows {
                flows: accepted.flows.clone(),
                accepted: false,
                untold: false,
            }),
            behind,
        }
    }

    /// Writes what is not written, and tells how the flows are.
    pub(super) async fn end(&self) -> Result<Ended, Unavailable> {
        let mut rows = self.rows.lock().await;
        self.accept(&mut rows).await?;
        if rows.flows.iter().all(is_settled) {
            let (flows, told) = (rows.flows.clone(), !rows.untold);
            return Ok(Ended { flows, told });
        }
        let ids: Vec<_> = rows.flows.iter().map(|flow| flow.id).collect();
        let found = self.written.flows(&self.batch.tenant, &ids).await?;
        // Every flow was just written; one that is not found stays as it was.
        let flows = found
            .into_iter()
            .zip(&rows.flows)
            .map(|(row, known)| row.unwrap_or_else(|| known.clone()))
            .collect();
        let told = false;
        Ok(Ended { flows, told })
    }

    async fn accept(&self, rows: &mut Rows) -> Result<(), Unavailable> {
        if !rows.accepted {
            self.written.accept(None, &self.batch, &rows.flows).await?;
            rows.set_accepted();
        }
        Ok(())
    }

    /// Changes a flow that is here alone. `None` where it has to be changed where rows are written.
    async fn change_here(&self, id: FlowId, rule: &Rule) -> Result<Option<Flow>, Unavailable> {
        let mut rows = self.rows.lock().await;
        let Some(place) = rows.place_here(id) else {
            return Ok(None);
        };
        let before = rows.flows[place].clone();
        if let ((), Some(changed)) = before.apply(&**rule) {
            let needed = is_needed(&changed);
            rows.flows[place] = changed;
            if needed && let Err(error) = self.accept(&mut rows).await {
                rows.flows[place] = before;
                return Err(error);
            }
        }
        Ok(Some(before))
    }

    /// Claims work for a flow that is here alone, and accepts its batch with it. `None` where the flow has to be changed
    /// where rows are written.
    async fn claim_here(
        &self,
        claim: ClaimOfWork<'_>,
        id: FlowId,
        rule: &Rule,
    ) -> Result<Option<Claiming<Option<Flow>>>, Unavailable> {
        let mut rows = self.rows.lock().await;
        let Some(place) = rows.place_here(id) else {
            return Ok(None);
        };
        let mut flows = rows.flows.clone();
        let before = flows[place].clone();
        if let ((), Some(changed)) = before.apply(&**rule) {
            flows[place] = changed;
        }
        let accepted = self
            .written
            .accept(Some(claim), &self.batch, &flows)
            .await?;
        Ok(Some(accepted.map(|()| {
            rows.flows = flows;
            rows.set_accepted();
            Some(before)
        })))
    }

    /// Notes what a rule made of a flow where rows are written.
    async fn note(&self, before: &Flow, rule: &Rule) {
        let after = before.apply(&**rule).1.unwrap_or_else(|| before.clone());
        let mut rows = self.rows.lock().await;
        if let Some(known) = rows.flows.iter_mut().find(|known| known.id == after.id) {
            *known = after;
        }
    }
}

impl Rows {
    /// Where a flow is that is here alone.
    fn place_here(&self, id: FlowId) -> Option<usize> {
        let mut flows = self.flows.iter();
        let place = flows.position(|flow| flow.id == id);
        place.filter(|_| !self.accepted)
    }

    fn set_accepted(&mut self) {
        self.accepted = true;
        self.untold = self.flows.iter().any(is_settled);
    }
}

fn is_settled(flow: &Flow) -> bool {
    flow.state().is_settled()
}

/// Whether others have to know of a flow that is like this. Who claimed it, and that it ended before anything was paid
/// for, is nobody else's matter.
fn is_needed(flow: &Flow) -> bool {
    match flow.status {
        Status::Pending { .. } | Status::Cancelled { .. } => true,
        Status::Running { .. } | Status::Completed { .. } | Status::Failed { .. } => {
            flow.unconfirmed_calls > 0 || flow.progress != Progress::default()
        }
    }
}

#[async_trait]
impl FlowReads for LateRows {
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable> {
        self.written.flows(tenant, ids).await
    }

    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable> {
        self.written.batch(tenant, id).await
    }

    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.written.batches(tenant, before, limit).await
    }

    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable> {
        self.written
            .batch_flows(tenant, id, state, after, limit)
            .await
    }

    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable> {
        self.written.counts(tenant, id).await
    }

    async fn open_flows(&self, tenant: &TenantId, enough: u64) -> Result<u64, Unavailable> {
        self.written.open_flows(tenant, enough).await
    }
}

#[async_trait]
impl Outbox for LateRows {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.written.webhooks(tenant).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        self.written.put_deliveries(deliveries).await
    }

    fn has_bus(&self) -> bool {
        self.written.has_bus()
    }
}

#[async_trait]
impl FlowWrites for LateRows {
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable> {
        self.written.put_flows(flows).await
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        self.written.put_batch(batch).await
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        self.written.mark_dispatched(id, now).await
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.written.undispatched(created_before, limit).await
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        self.written.due(now, limit).await
    }

    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        if let Some(before) = self.change_here(flow.id(), &rule).await? {
            return Ok(Some(before));
        }
        let before = self.written.change(flow, rule.clone()).await?;
        if let Some(before) = &before {
            self.note(before, &rule).await;
        }
        Ok(before)
    }

    async fn change_claiming(
        &self,
        claim: ClaimOfWork<'_>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Claiming<Option<Flow>>, Unavailable> {
        if let Some(claimed) = self.claim_here(claim, flow.id(), &rule).await? {
            return Ok(claimed);
        }
        let changed = self
            .written
            .change_claiming(claim, flow, rule.clone())
            .await?;
        if let Claiming::Claimed(Some(before)) = &changed {
            self.note(before, &rule).await;
        }
        Ok(changed)
    }

    /// Nothing is counted of a batch that is not accepted: who accepts it counts what is settled.
    async fn change_and_count(
        &self,
        made: Option<MadeWork<'_>>,
        flow: FlowRef,
        rule: Rule,
    ) -> Result<Option<CountedChange>, Unavailable> {
        if let Some(before) = self.change_here(flow.id(), &rule).await? {
            if let Some(made) = made {
                made.results.complete(made.key, made.output).await?;
            }
            let completion = None;
            return Ok(Some(CountedChange { before, completion }));
        }
        let changed = self
            .written
            .change_and_count(made, flow, rule.clone())
            .await?;
        if let Some(CountedChange { before, .. }) = &changed {
            self.note(before, &rule).await;
        }
        Ok(changed)
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        if self.rows.lock().await.accepted {
            self.written.count_settled(batch, settled).await
        } else {
            Ok(SettledCount::Open)
        }
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        self.written.mark_completed(batch, now).await
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        self.written.completions(completed_before, limit).await
    }

    /// After the caller is answered; if it fails, the sweep does it.
    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        let written = self.written.clone();
        self.behind.spawn(async move {
            if let Err(error) = written.completion_done(batch).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(batch_id = %batch, error, "completion is left to the sweep");
            }
        });
        Ok(())
    }
}
