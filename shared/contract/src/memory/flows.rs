use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use assetmill_core::ports::{
    Completion, FlowPage, FlowReads, FlowWrites, Outbox, Rule, SettledCount, Unavailable,
};
use assetmill_core::{
    Batch, BatchId, Counts, Flow, FlowId, FlowRef, FlowState, SettledFlow, TenantId, Webhook,
    WebhookDelivery,
};
use async_trait::async_trait;
use jiff::Timestamp;

use super::MemoryWebhooks;

/// Flows and batches in memory.
#[derive(Debug, Default)]
pub struct MemoryFlows(Mutex<Rows>, Arc<MemoryWebhooks>);

#[derive(Debug, Default)]
struct Rows {
    flows: HashMap<FlowId, Flow>,
    batches: BTreeMap<BatchId, Batch>,
    settled: HashMap<BatchId, BTreeMap<u32, FlowState>>,
    /// How often each flow entered a terminal state.
    settlements: HashMap<FlowId, u32>,
    /// Completed batches from whose completion not all has followed.
    completions: BTreeSet<BatchId>,
}

impl MemoryFlows {
    /// None yet, with these endpoints to be told what follows from them.
    pub fn told_to(webhooks: MemoryWebhooks) -> Self {
        Self(Mutex::default(), Arc::new(webhooks))
    }

    /// The endpoints that are told what follows from these flows.
    pub fn webhooks(&self) -> Arc<MemoryWebhooks> {
        self.1.clone()
    }

    /// How often a flow entered a terminal state, before it was put too, unless it was never claimed.
    pub fn settlements(&self, id: FlowId) -> u32 {
        let rows = self.0.lock().unwrap();
        rows.settlements.get(&id).copied().unwrap_or_default()
    }

    /// Every flow there is, those too whose batch was never written.
    pub fn every_flow(&self) -> Vec<Flow> {
        self.0.lock().unwrap().flows.values().cloned().collect()
    }

    /// Every batch there is, the earliest first.
    pub fn every_batch(&self) -> Vec<Batch> {
        self.0.lock().unwrap().batches.values().cloned().collect()
    }
}

impl Rows {
    fn in_batch(&self, tenant: &TenantId, id: BatchId) -> BTreeMap<u32, &Flow> {
        self.flows
            .values()
            .filter(|flow| flow.batch_id == id && flow.tenant == *tenant)
            .map(|flow| (flow.index, flow))
            .collect()
    }
}

#[async_trait]
impl FlowReads for MemoryFlows {
    async fn flows(
        &self,
        tenant: &TenantId,
        ids: &[FlowId],
    ) -> Result<Vec<Option<Flow>>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(ids
            .iter()
            .map(|id| rows.flows.get(id).filter(|flow| flow.tenant == *tenant))
            .map(Option::<&Flow>::cloned)
            .collect())
    }

    async fn batch(&self, tenant: &TenantId, id: BatchId) -> Result<Option<Batch>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows
            .batches
            .get(&id)
            .filter(|batch| batch.tenant == *tenant)
            .cloned())
    }

    async fn batches(
        &self,
        tenant: &TenantId,
        before: Option<BatchId>,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows
            .batches
            .values()
            .rev()
            .filter(|batch| batch.tenant == *tenant)
            .filter(|batch| before.is_none_or(|before| batch.id < before))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn batch_flows(
        &self,
        tenant: &TenantId,
        id: BatchId,
        state: Option<FlowState>,
        after: Option<u32>,
        limit: usize,
    ) -> Result<FlowPage, Unavailable> {
        let rows = self.0.lock().unwrap();
        let mut flows: Vec<_> = rows
            .in_batch(tenant, id)
            .into_values()
            .filter(|flow| after.is_none_or(|after| flow.index > after))
            .filter(|flow| state.is_none_or(|state| flow.state() == state))
            .take(limit + 1)
            .cloned()
            .collect();
        let next = (flows.len() > limit).then(|| flows[limit - 1].index);
        flows.truncate(limit);
        Ok(FlowPage { flows, next })
    }

    async fn counts(&self, tenant: &TenantId, id: BatchId) -> Result<Counts, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(Counts::of(
            rows.in_batch(tenant, id).into_values().map(Flow::state),
        ))
    }

    async fn open_flows(&self, tenant: &TenantId, _: u64) -> Result<u64, Unavailable> {
        let rows = self.0.lock().unwrap();
        let is_open = |batch: &&Batch| {
            batch.tenant == *tenant && batch.dispatched_at.is_some() && batch.completed_at.is_none()
        };
        let open = rows.batches.values().filter(is_open);
        Ok(open.map(|batch| u64::from(batch.size)).sum())
    }
}

#[async_trait]
impl Outbox for MemoryFlows {
    async fn webhooks(&self, tenant: &TenantId) -> Result<Vec<Webhook>, Unavailable> {
        self.1.webhooks(tenant).await
    }

    async fn put_deliveries(&self, deliveries: &[WebhookDelivery]) -> Result<(), Unavailable> {
        self.1.put_deliveries(deliveries).await
    }
}

#[async_trait]
impl FlowWrites for MemoryFlows {
    async fn put_flows(&self, flows: &[Flow]) -> Result<(), Unavailable> {
        let rows = &mut *self.0.lock().unwrap();
        for flow in flows {
            let before = rows.flows.insert(flow.id, flow.clone());
            let settled = before.is_some_and(|before| before.state().is_settled());
            if flow.fence > 0 && flow.state().is_settled() && !settled {
                *rows.settlements.entry(flow.id).or_default() += 1;
            }
        }
        Ok(())
    }

    async fn put_batch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let mut rows = self.0.lock().unwrap();
        if let Some(webhook) = &batch.webhook {
            self.1.put_of_batch(batch.id, webhook);
        }
        rows.batches
            .entry(batch.id)
            .or_insert_with(|| batch.clone());
        Ok(())
    }

    async fn mark_dispatched(&self, id: BatchId, now: Timestamp) -> Result<(), Unavailable> {
        if let Some(batch) = self.0.lock().unwrap().batches.get_mut(&id) {
            batch.dispatched_at.get_or_insert(now);
        }
        Ok(())
    }

    async fn undispatched(
        &self,
        created_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let rows = self.0.lock().unwrap();
        Ok(rows
            .batches
            .values()
            .filter(|batch| batch.dispatched_at.is_none() && batch.created_at < created_before)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Flow>, Unavailable> {
        let rows = self.0.lock().unwrap();
        let mut due: Vec<_> = rows
            .flows
            .values()
            .filter(|flow| flow.due_at.is_some_and(|due_at| due_at <= now))
            .cloned()
            .collect();
        due.sort_by_key(|flow| flow.due_at);
        due.truncate(limit);
        Ok(due)
    }

    async fn change(&self, flow: FlowRef, rule: Rule) -> Result<Option<Flow>, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        let Some(before) = rows.flows.get(&flow.id()).cloned() else {
            return Ok(None);
        };
        if let Some(guess) = flow.guess()
            && guess.revision == before.revision
        {
            // An adapter would write what the rule makes of the guess.
            assert_eq!(*guess, before, "a guess of the right revision is wrong");
        }
        if let ((), Some(changed)) = before.apply(&*rule) {
            if changed.state() != before.state() && changed.state().is_settled() {
                *rows.settlements.entry(changed.id).or_default() += 1;
            }
            rows.flows.insert(changed.id, changed);
        }
        Ok(Some(before))
    }

    async fn count_settled(
        &self,
        batch: BatchId,
        settled: &[SettledFlow],
    ) -> Result<SettledCount, Unavailable> {
        let rows = &mut *self.0.lock().unwrap();
        let noted = rows.settled.entry(batch).or_default();
        noted.extend(settled.iter().map(|flow| (flow.index, flow.state)));
        let Some(batch) = rows.batches.get_mut(&batch) else {
            return Ok(SettledCount::Open);
        };
        batch.counted = Counts::of(noted.values().copied());
        Ok(match batch.final_counts() {
            Some(_) => SettledCount::Complete,
            None => SettledCount::Open,
        })
    }

    async fn mark_completed(
        &self,
        batch: BatchId,
        now: Timestamp,
    ) -> Result<Completion, Unavailable> {
        let mut rows = self.0.lock().unwrap();
        let rows = &mut *rows;
        Ok(match rows.batches.get_mut(&batch) {
            Some(row) if row.completed_at.is_none() => {
                row.completed_at = Some(now);
                row.dispatched_at.get_or_insert(now);
                rows.completions.insert(batch);
                Completion::First
            }
            _ => Completion::Already,
        })
    }

    async fn completions(
        &self,
        completed_before: Timestamp,
        limit: usize,
    ) -> Result<Vec<Batch>, Unavailable> {
        let rows = self.0.lock().unwrap();
        let batches = rows.completions.iter().map(|id| rows.batches[id].clone());
        let is_due = |batch: &Batch| batch.completed_at.is_some_and(|at| at < completed_before);
        Ok(batches.filter(is_due).take(limit).collect())
    }

    async fn completion_done(&self, batch: BatchId) -> Result<(), Unavailable> {
        self.0.lock().unwrap().completions.remove(&batch);
        Ok(())
    }
}
