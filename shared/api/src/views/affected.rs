//! What was done to flows of several batches, in JSON.

use assetmill_core::usecases::{Affected, AffectedBatch};
use assetmill_core::{Batch, BatchId};
use serde::Serialize;
use utoipa::ToSchema;

/// What cancelling flows did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CancelledFlows)]
pub struct CancelledFlowsView {
    /// How many flows it stopped, or with `dry_run` would stop. Those that were running go on.
    #[schema(example = 2)]
    pub cancelled: u32,
    /// Their batches, the latest first.
    pub batches: Vec<CancelledOfBatchView>,
    /// Whether nothing was stopped, because that was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub dry_run: bool,
    /// Whether every batch was looked at. If not, ask again: those that were stopped stay so.
    pub complete: bool,
}

/// How many flows of a batch were stopped.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = CancelledOfBatch)]
pub struct CancelledOfBatchView {
    /// The batch.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// How many.
    #[schema(example = 2)]
    pub cancelled: u32,
}

/// What running failed flows again started.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RetriedFlows)]
pub struct RetriedFlowsView {
    /// How many flows were started, or with `dry_run` would be.
    #[schema(example = 31)]
    pub digital_asset_count: u32,
    /// The new batches, one for each that has such flows.
    pub batches: Vec<RetriedBatchView>,
    /// Whether nothing was started, because that was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub dry_run: bool,
    /// Whether every batch was looked at. If not, ask again for what is older than the oldest of these.
    pub complete: bool,
}

/// A batch that runs failures of another again.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RetriedBatch)]
pub struct RetriedBatchView {
    /// The new batch; absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8001")]
    pub batch_id: Option<BatchId>,
    /// The batch whose failures it runs again.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub retry_of: BatchId,
    /// How many flows it has.
    #[schema(example = 31)]
    pub digital_asset_count: u32,
}

impl CancelledFlowsView {
    /// What is shown of it.
    pub fn new(affected: &Affected, dry_run: bool) -> Self {
        let of_batch = |batch: &AffectedBatch| CancelledOfBatchView {
            batch_id: batch.id,
            cancelled: batch.flows,
        };
        Self {
            cancelled: affected.flows(),
            batches: affected.batches.iter().map(of_batch).collect(),
            dry_run,
            complete: affected.complete,
        }
    }
}

impl RetriedFlowsView {
    /// What would be started.
    pub fn preview(affected: &Affected) -> Self {
        let of_batch = |batch: &AffectedBatch| RetriedBatchView {
            batch_id: None,
            retry_of: batch.id,
            digital_asset_count: batch.flows,
        };
        Self {
            digital_asset_count: affected.flows(),
            batches: affected.batches.iter().map(of_batch).collect(),
            dry_run: true,
            complete: affected.complete,
        }
    }

    /// What was started. `complete` is whether that is all that was asked for.
    pub fn started(batches: &[Batch], complete: bool) -> Self {
        let of_batch = |batch: &Batch| {
            Some(RetriedBatchView {
                batch_id: Some(batch.id),
                retry_of: batch.retry_of?,
                digital_asset_count: batch.size,
            })
        };
        Self {
            digital_asset_count: batches.iter().map(|batch| batch.size).sum(),
            batches: batches.iter().filter_map(of_batch).collect(),
            dry_run: false,
            complete,
        }
    }
}
