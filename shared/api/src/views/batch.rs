//! Batches in JSON.

use assetmill_core::usecases::Started;
use assetmill_core::{Batch, BatchId, BatchName, Counts, FlowId, Labels, Params};
use serde::Serialize;
use utoipa::ToSchema;

use super::time::Time;
use super::{BatchCountsView, NewWebhookView, OverallStatus};

/// The flows that one request started.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Batch)]
pub struct BatchView {
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "autumn catalogue")]
    pub name: Option<BatchName>,
    /// What it is labelled with.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[schema(value_type = Option<HashMap<String, String>>, example = json!({ "season": "autumn" }))]
    pub labels: Labels,
    /// How its flows are doing as a whole.
    pub status: OverallStatus,
    /// What is done to each asset.
    #[schema(example = "thumbnail")]
    pub operation: String,
    /// With which parameters, defaults filled in.
    #[schema(value_type = Object)]
    pub params: Params,
    /// How many flows it has.
    #[schema(example = 2)]
    pub digital_asset_count: u32,
    /// How many flows are in each state.
    pub counts: BatchCountsView,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    created_at: Time,
    /// When it was found complete: a moment after its last flow reached its final state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    completed_at: Option<Time>,
    /// The batch whose failures it runs again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub retry_of: Option<BatchId>,
}

/// A batch that was started.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Started)]
pub struct StartedView {
    /// Its flows, one for each asset, in the order of the request.
    #[schema(value_type = Vec<String>, example = json!([
        "01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8058",
    ]))]
    pub flow_ids: Vec<FlowId>,
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// What happened, for people.
    #[schema(example = "Started processing 2 digital assets")]
    pub message: String,
    /// How it is doing.
    #[schema(example = "RUNNING")]
    pub status: OverallStatus,
    /// How many assets it has.
    #[schema(example = 2)]
    pub digital_asset_count: u32,
    /// The batch whose failures it runs again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub retry_of: Option<BatchId>,
    /// The endpoint that is told of it alone, with its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<NewWebhookView>,
}

/// What cancelling a batch did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Cancelled)]
pub struct CancelledView {
    /// The batch.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// How many flows it stopped, or with `dry_run` would stop. Those that were running go on.
    #[schema(example = 2)]
    pub cancelled: u32,
    /// Whether nothing was stopped, because that was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub dry_run: bool,
    /// How the batch is doing now.
    pub status: OverallStatus,
    /// How many flows are in each state now.
    pub counts: BatchCountsView,
}

/// What running failures again would start.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = RetryPreview)]
pub struct RetryPreviewView {
    /// The batch whose failures are meant.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8000")]
    pub batch_id: BatchId,
    /// Always true: nothing was started.
    pub dry_run: bool,
    /// How many flows the new batch would have.
    #[schema(example = 31)]
    pub digital_asset_count: usize,
}

impl BatchView {
    /// What is shown of a batch.
    pub fn new(batch: Batch, counts: Counts) -> Self {
        Self {
            batch_id: batch.id,
            name: batch.name,
            labels: batch.labels,
            status: OverallStatus::of_batch(counts, batch.size),
            operation: batch.operation.to_string(),
            params: batch.params,
            digital_asset_count: batch.size,
            counts: counts.into(),
            created_at: batch.created_at.into(),
            completed_at: batch.completed_at.map(Time::from),
            retry_of: batch.retry_of,
        }
    }
}

impl From<&Started> for StartedView {
    fn from(started: &Started) -> Self {
        let batch = &started.batch;
        let assets = match batch.size {
            1 => "1 digital asset".to_owned(),
            size => format!("{size} digital assets"),
        };
        Self {
            flow_ids: started.flow_ids.clone(),
            batch_id: batch.id,
            message: format!("Started processing {assets}"),
            status: OverallStatus::Running,
            digital_asset_count: batch.size,
            retry_of: batch.retry_of,
            webhook: NewWebhookView::of_batch(batch),
        }
    }
}
