//! What failed, by what it has in common.

use std::collections::HashMap;
use std::sync::Arc;

use super::pages::flow_pages;
use crate::ports::{FlowReads, Unavailable};
use crate::{
    BatchId, Catalogue, FailureCode, Flow, FlowFilter, FlowState, OperationName, Status, Step,
    TenantId,
};

/// Groups failures.
#[derive(Clone)]
pub struct Failures {
    /// Rows.
    pub flows: Arc<dyn FlowReads>,
    /// Which steps operations have.
    pub catalogue: Catalogue,
}

/// Failures that are alike: of one operation, at one step, with one code, and messages of one shape.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureGroup {
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

#[derive(PartialEq, Eq, Hash)]
struct Alike {
    operation: OperationName,
    step: Option<OperationName>,
    code: FailureCode,
    message: String,
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
        let filter = FlowFilter {
            state: Some(FlowState::Failed),
            ..filter.clone()
        };
        let mut groups = HashMap::new();
        flow_pages(&*self.flows, tenant, id, &filter, |flow| {
            self.add(&mut groups, flow);
        })
        .await?;
        Ok(Some(sorted(groups)))
    }

    fn add(&self, groups: &mut HashMap<Alike, FailureGroup>, flow: Flow) {
        let Status::Failed { failure, .. } = &flow.status else {
            return;
        };
        let alike = Alike {
            operation: flow.operation.clone(),
            step: self.step_of(&flow),
            code: failure.code,
            message: failure.shape(),
        };
        let retryable = failure.retryable;
        let group = groups
            .entry(alike)
            .or_insert_with_key(|alike| FailureGroup {
                operation: alike.operation.clone(),
                step: alike.step.clone(),
                code: alike.code,
                message: alike.message.clone(),
                count: 0,
                retryable,
                example: flow,
            });
        group.count += 1;
        group.retryable |= retryable;
    }

    fn step_of(&self, flow: &Flow) -> Option<OperationName> {
        let operation = self.catalogue.get(flow.operation.as_str())?;
        let steps = Step::all_of(operation, &flow.params);
        if steps.len() < 2 {
            return None;
        }
        let step = steps.get(flow.progress.done_of(&steps))?;
        Some(step.operation.description().name.clone())
    }
}

fn sorted(groups: HashMap<Alike, FailureGroup>) -> Vec<FailureGroup> {
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by(|a, b| {
        let rank = |group: &FailureGroup| (group.example.batch_id, group.example.index);
        b.count.cmp(&a.count).then_with(|| rank(a).cmp(&rank(b)))
    });
    groups
}
