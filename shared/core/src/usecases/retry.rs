//! Running what failed again.

mod everywhere;

use super::pages::all_flows_in;
use super::submit::Submit;
use super::transform_request::{SourceList, TransformRequest};
use crate::ports::Unavailable;
use crate::{
    AssetUrl, Availability, BatchId, Catalogue, Flow, FlowFilter, FlowState, Source, TenantId,
};

/// Runs the failures of batches again.
///
/// Terminal states absorb, so the failed flows stay what they are: what runs is a new batch of new
/// flows, which names the old one.
#[derive(Clone)]
pub struct Retry {
    /// How the new batch is accepted.
    pub submit: Submit,
    /// What can be made now.
    pub catalogue: Catalogue,
}

/// Why a batch can't be retried.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// The tenant has no such batch.
    #[error("there is no such batch")]
    Unknown,
    /// No flow of it failed that could be fetched at all.
    #[error("no flow of this batch has failed that could be run again")]
    NothingFailed,
    /// The operation is not available any more.
    #[error("the operation of this batch is not available any more")]
    OperationUnavailable,
    /// A dependency failed.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Retry {
    /// What a batch would have to do that runs the failed flows of this one again that a filter means.
    /// Whoever has room for so many [starts it as that](Submit::start_as).
    ///
    /// # Errors
    /// [`RetryError`] where there is nothing that could be run.
    pub async fn order(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<TransformRequest, RetryError> {
        let batch = self
            .submit
            .flows
            .batch(tenant, id)
            .await?
            .ok_or(RetryError::Unknown)?;
        let operation = self
            .catalogue
            .get(batch.operation.as_str())
            .filter(|operation| operation.description().availability == Availability::Available)
            .ok_or(RetryError::OperationUnavailable)?;
        let sources = SourceList::of_assets(self.failed(tenant, id, filter).await?)
            .ok_or(RetryError::NothingFailed)?;
        Ok(TransformRequest {
            tenant: tenant.clone(),
            sources,
            operation: operation.clone(),
            params: batch.params,
            name: batch.name,
            labels: batch.labels,
            webhook: batch.webhook.map(|webhook| webhook.again()),
        })
    }

    async fn failed(
        &self,
        tenant: &TenantId,
        id: BatchId,
        filter: &FlowFilter,
    ) -> Result<Vec<AssetUrl>, Unavailable> {
        let flows = &*self.submit.flows;
        let failed = all_flows_in(FlowState::Failed, flows, tenant, id, filter).await?;
        let url = |flow: Flow| match flow.source {
            Source::Asset(url) => Some(url),
            Source::Refused(_) => None,
        };
        Ok(failed.into_iter().filter_map(url).collect())
    }
}
