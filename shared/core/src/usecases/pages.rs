//! Lists, read to their end.

use crate::ports::{FlowReads, Unavailable};
use crate::{BatchId, Flow, FlowState, TenantId};

const PAGE: usize = 1_000;

/// The flows of a batch of the tenant by their index; only those in `state` when one is given.
pub(super) async fn all_flows(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    id: BatchId,
    state: Option<FlowState>,
) -> Result<Vec<Flow>, Unavailable> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = flows.batch_flows(tenant, id, state, after, PAGE).await?;
        all.extend(page.flows);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}
