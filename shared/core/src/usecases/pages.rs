//! Lists, read to their end.

use crate::ports::{FlowReads, Unavailable};
use crate::{BatchId, Flow, FlowFilter, FlowState, TenantId};

const PAGE: usize = 1_000;

/// Tells of each flow of a batch of the tenant that is meant, by its index.
pub(super) async fn flow_pages(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    id: BatchId,
    filter: &FlowFilter,
    mut tell: impl FnMut(Flow) + Send,
) -> Result<(), Unavailable> {
    let mut after = None;
    loop {
        let state = filter.only_state();
        let page = flows.batch_flows(tenant, id, state, after, PAGE).await?;
        let meant = page.flows.into_iter().filter(|flow| filter.matches(flow));
        meant.for_each(&mut tell);
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// Those of the flows that are meant that are in this state.
pub(super) async fn all_flows_in(
    state: FlowState,
    flows: &dyn FlowReads,
    tenant: &TenantId,
    id: BatchId,
    filter: &FlowFilter,
) -> Result<Vec<Flow>, Unavailable> {
    match filter.within(state) {
        Some(filter) => all_flows(flows, tenant, id, &filter).await,
        None => Ok(Vec::new()),
    }
}

/// The flows of a batch of the tenant that are meant, by their index.
pub(super) async fn all_flows(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    id: BatchId,
    filter: &FlowFilter,
) -> Result<Vec<Flow>, Unavailable> {
    let mut all = Vec::new();
    flow_pages(flows, tenant, id, filter, |flow| all.push(flow)).await?;
    Ok(all)
}
