//! Lists, read to their end.

use crate::ports::{FlowReads, Unavailable};
use crate::{BatchId, Flow, FlowFilter, FlowState, TenantId};

const PAGE: usize = 1_000;

/// Tells of each flow of a batch of the tenant that is meant, by its index, or by its id where ids are given.
pub(super) async fn flow_pages(
    flows: &dyn FlowReads,
    tenant: &TenantId,
    id: BatchId,
    filter: &FlowFilter,
    mut tell: impl FnMut(Flow) + Send,
) -> Result<(), Unavailable> {
    if let Some(ids) = &filter.ids {
        let ids: Vec<_> = ids.iter().copied().collect();
        let found = flows.flows(tenant, &ids).await?.into_iter().flatten();
        let meant = found.filter(|flow| flow.batch_id == id && filter.matches(flow));
        meant.for_each(&mut tell);
        return Ok(());
    }
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

/// The flows of a batch of the tenant that are meant, in the order of [`flow_pages`].
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
