//! What failed, by what it has in common.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::pages::flow_pages;
use crate::ports::{FlowReads, Unavailable};
use crate::{
    Batch, BatchId, Catalogue, FailureCode, FailureGroupId, Flow, FlowFilter, FlowState,
    OperationName, Status, Step, TenantId,
};

/// How many batches of a tenant are looked through for failures.
pub const MOST_BATCHES: usize = 200;
/// How many of them at the same time.
const BATCHES_AT_ONCE: usize = 8;

/// Groups failures.
#[derive(Clone)]
pub struct Failures {
    /// Rows.
    pub flows: Arc<dyn FlowReads>,
    /// Which steps operations have.
    pub catalogue: Catalogue,
}

/// Failures that are alike.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureGroup {
    /// Its id.
    pub id: FailureGroupId,
    /// What was done to the assets.
    pub operation: OperationName,
    /// Which of its steps failed, if it has several and the catalogue still says which.
    pub step: Option<OperationName>,
    /// Why.
    pub code: FailureCode,
    /// The message, without what differs.
    pub message: String,
    /// How many.
    pub count: u32,
    /// Whether the same request may succeed at another time, of any of them.
    pub retryable: bool,
    /// One of them.
    pub example: Flow,
}

type Groups = HashMap<FailureGroupId, FailureGroup>;

impl FailureGroup {
    /// Takes in another that is alike.
    fn take_in(&mut self, other: &Self) {
        self.count += other.count;
        self.retryable |= other.retryable;
    }
}

impl Failures {
    /// The failures of a batch that a filter means, those with the most first. `None` if the tenant has no such batch.
    pub async fn of_batch(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<Vec<FailureGroup>>, Unavailable> {
        if self.flows.batch(tenant, id).await?.is_none() {
            return Ok(None);
        }
        let groups = self.groups(tenant, id, filter).await?;
        Ok(Some(sorted(groups)))
    }

    /// The failures of all batches of a tenant that a filter means, in the same groups; the filter says since when. The
    /// latest batches are looked at first, and no more than [`MOST_BATCHES`]: whether those are all.
    pub async fn of_tenant(
        &self,
        tenant: &TenantId,
        filter: &FlowFilter,
    ) -> Result<(Vec<FailureGroup>, bool), Unavailable> {
        let batches = self.flows.batches(tenant, None, MOST_BATCHES + 1).await?;
        let found = batches.len();
        let oldest = filter.accepted_since();
        let looked_at: Vec<_> = batches
            .into_iter()
            .take(MOST_BATCHES)
            .take_while(|batch| batch.created_at >= oldest)
            .collect();
        let complete = found <= MOST_BATCHES || looked_at.len() < MOST_BATCHES;
        let failed = filter.within(FlowState::Failed);
        let may_have = |batch: &Batch| {
            let failed = failed.as_ref();
            failed.is_some_and(|filter| filter.may_mean_some_of(batch))
        };
        // Of each batch the groups alone are at hand, and not all its flows.
        let mut found = stream::iter(looked_at.into_iter().filter(may_have))
            .map(|batch| self.groups(tenant, batch.id, filter))
            .buffered(BATCHES_AT_ONCE);
        let mut groups = Groups::new();
        while let Some(more) = found.try_next().await? {
            for (id, group) in more {
                match groups.entry(id) {
                    Entry::Vacant(none) => {
                        none.insert(group);
                    }
                    Entry::Occupied(mut earlier) => earlier.get_mut().take_in(&group),
                }
            }
        }
        Ok((sorted(groups), complete))
    }

    async fn groups(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Groups, Unavailable> {
        let mut groups = Groups::new();
        if let Some(failed) = filter.within(FlowState::Failed) {
            let add = |flow| self.add(&mut groups, flow);
            flow_pages(&*self.flows, tenant, id, &failed, add).await?;
        }
        Ok(groups)
    }

    fn add(&self, groups: &mut Groups, flow: Flow) {
        let (Some(id), Status::Failed { failure, .. }) = (FailureGroupId::of(&flow), &flow.status)
        else {
            return;
        };
        let failure = failure.clone();
        let group = groups.entry(id).or_insert_with(|| FailureGroup {
            id,
            operation: flow.operation.clone(),
            step: self.step_of(&flow),
            code: failure.code,
            message: failure.shape(),
            count: 0,
            retryable: failure.retryable,
            example: flow,
        });
        group.count += 1;
        group.retryable |= failure.retryable;
    }

    fn step_of(&self, flow: &Flow) -> Option<OperationName> {
        let operation = self.catalogue.get(flow.operation.as_str())?;
        let steps = Step::all_of(operation, &flow.params);
        if steps.len() < 2 {
            return None;
        }
        let step = steps.get(usize::from(flow.last_step()))?;
        Some(step.operation.description().name.clone())
    }
}

fn sorted(groups: Groups) -> Vec<FailureGroup> {
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let rank = |group: &FailureGroup| (group.example.batch_id, group.example.index);
        b.count.cmp(&a.count).then_with(|| rank(a).cmp(&rank(b)))
    });
    groups
}
