//! Running again what failed in several batches: for each, a new one.

use std::collections::HashSet;

use super::{Retry, RetryError};
use crate::ports::Unavailable;
use crate::usecases::once::{Begun, KeyedRequest, Once, OnceError};
use crate::usecases::pages::{all_flows_in, flow_pages};
use crate::usecases::selection::{Affected, AffectedBatch, Parts, Selection, SelectionError};
use crate::usecases::transform_request::TransformRequest;
use crate::{Batch, BatchId, Flow, FlowFilter, FlowState, TenantId};

impl Retry {
    /// The batches with failed flows that are selected and can be run again, and how many. Those whose operation is
    /// not available any more are left out, and flows that a later batch ran again already, unless they are named: what
    /// failed again is a failure of that batch, and is not to be run twice.
    ///
    /// # Errors
    /// [`SelectionError`].
    pub async fn preview_everywhere(
        &self,
        tenant: &TenantId,
        selection: &Selection,
    ) -> Result<Affected, SelectionError> {
        let flows = &*self.submit.flows;
        let mut parts = Parts::new(flows, tenant, selection, FlowState::Failed).await?;
        let mut batches = Vec::new();
        while let Some((id, filter)) = parts.next().await? {
            let filter = self
                .not_retried(tenant, id, filter, parts.retries_of(id))
                .await?;
            if let Some(order) = self.possible(tenant, id, &filter).await? {
                let flows = order.sources.as_slice().len();
                let flows = u32::try_from(flows).unwrap_or(u32::MAX);
                batches.push(AffectedBatch { id, flows, filter });
            }
        }
        Ok(Affected {
            batches,
            complete: parts.complete(),
        })
    }

    /// What means those failures of a batch that none of these, its retries, runs again.
    async fn not_retried(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: FlowFilter,
        retries: &[BatchId],
    ) -> Result<FlowFilter, Unavailable> {
        if retries.is_empty() {
            return Ok(filter);
        }
        let flows = &*self.submit.flows;
        let mut again = HashSet::new();
        for retry in retries {
            let note = |flow: Flow| {
                again.insert(flow.source);
            };
            flow_pages(flows, tenant, *retry, &FlowFilter::default(), note).await?;
        }
        let failed = all_flows_in(FlowState::Failed, flows, tenant, id, &filter).await?;
        let left = failed
            .into_iter()
            .filter(|flow| !again.contains(&flow.source));
        Ok(FlowFilter {
            ids: Some(left.map(|flow| flow.id).collect()),
            ..filter
        })
    }

    /// Runs again what was found so. The new batches.
    pub async fn everywhere(
        &self,
        tenant: &TenantId,
        affected: &Affected,
    ) -> Result<Vec<Batch>, Unavailable> {
        let mut started = Vec::with_capacity(affected.batches.len());
        for AffectedBatch { id, filter, .. } in &affected.batches {
            if let Some(order) = self.possible(tenant, *id, filter).await? {
                started.push(self.submit.start_as(order, Some(*id)).await?.batch);
            }
        }
        Ok(started)
    }

    /// The same, once for a request that may be sent again: whoever does goes on where another stopped. What an
    /// [earlier](Once::find) one began stands under the request's key, and each of the other batches under a key that
    /// follows from it. What failed after the first of them was begun is not meant by the request.
    ///
    /// # Errors
    /// [`OnceError`].
    pub async fn everywhere_once(
        &self,
        once: &Once,
        request: &KeyedRequest,
        earlier: Option<Begun>,
        affected: &Affected,
    ) -> Result<Vec<Batch>, OnceError> {
        let first = match earlier {
            Some(begun) => Some(begun),
            None => self.begin_first(once, request, affected).await?,
        };
        let Some(first) = first else {
            return Ok(Vec::new());
        };
        let first = once.start(first).await?.batch;
        let others = (affected.batches.iter()).filter(|batch| Some(batch.id) != first.retry_of);
        let mut started = vec![first.clone()];
        for AffectedBatch { id, filter, .. } in others {
            let request = request.of_part(&first, *id);
            let filter = FlowFilter {
                settled_until: Some(first.created_at),
                ..filter.clone()
            };
            if let Some(begun) = self.begin(once, &request, *id, &filter).await? {
                started.push(once.start(begun).await?.batch);
            }
        }
        Ok(started)
    }

    /// Begins the first batch that can be.
    async fn begin_first(
        &self,
        once: &Once,
        request: &KeyedRequest,
        affected: &Affected,
    ) -> Result<Option<Begun>, OnceError> {
        for AffectedBatch { id, filter, .. } in &affected.batches {
            if let Some(begun) = self.begin(once, request, *id, filter).await? {
                return Ok(Some(begun));
            }
        }
        Ok(None)
    }

    async fn begin(
        &self,
        once: &Once,
        request: &KeyedRequest,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<Begun>, OnceError> {
        if let Some(begun) = once.find(request).await? {
            return Ok(Some(begun));
        }
        match self.possible(&request.tenant, id, filter).await? {
            Some(order) => Ok(Some(once.begin(request, order, Some(id)).await?)),
            None => Ok(None),
        }
    }

    /// What would be run again of a batch, if that can be.
    async fn possible(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Option<TransformRequest>, Unavailable> {
        match self.order(tenant, id, filter).await {
            Ok(order) => Ok(Some(order)),
            Err(RetryError::Unavailable(error)) => Err(error),
            Err(
                RetryError::Unknown | RetryError::NothingFailed | RetryError::OperationUnavailable,
            ) => Ok(None),
        }
    }
}
