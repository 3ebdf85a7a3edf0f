//! Failures in JSON, by what they have in common.

use assetmill_core::usecases::FailureGroup;
use assetmill_core::{FailureCode, FlowId};
use serde::Serialize;
use utoipa::ToSchema;

use super::flow::failure_codes;

/// The most groups of an answer: more of them are no overview.
const MOST_GROUPS: usize = 100;

/// What failed, by what it has in common.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Failures)]
pub struct FailuresView {
    /// How many flows failed.
    #[schema(example = 31)]
    pub flow_count: u32,
    /// The groups, those with the most flows first.
    pub groups: Vec<FailureGroupView>,
    /// Whether these are all there are. Of all batches, the latest 200 are looked at.
    pub complete: bool,
}

/// Failures of one operation, at one step, with one code, and messages of one shape.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FailureGroup)]
pub struct FailureGroupView {
    /// Its id, the same everywhere and at any time: the filter `group` takes it.
    #[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "8c6f1f0e2b7d4a35")]
    pub id: String,
    /// What was done to the assets.
    #[schema(example = "thumbnail")]
    pub operation: String,
    /// Which step of it failed, where it has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// Why, for programs.
    #[schema(schema_with = failure_codes)]
    pub code: FailureCode,
    /// Why, for people. What differs between the flows is `…` or `#`.
    #[schema(example = "the source has no such asset (404); check the URL")]
    pub message: String,
    /// How many flows.
    #[schema(example = 31)]
    pub count: u32,
    /// Whether the same request may succeed at another time.
    pub retryable: bool,
    /// One of the flows.
    pub example: FailedFlowView,
}

/// One flow of a group.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = FailedFlow)]
pub struct FailedFlowView {
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a8057")]
    pub flow_id: FlowId,
    /// Its asset.
    #[schema(example = "https://example.com/a.jpg")]
    pub digital_asset_url: String,
}

impl FailuresView {
    /// What is shown of groups. `complete` is whether all failures are in them.
    pub fn new(groups: Vec<FailureGroup>, complete: bool) -> Self {
        Self {
            complete: complete && groups.len() <= MOST_GROUPS,
            flow_count: groups.iter().map(|group| group.count).sum(),
            groups: groups
                .into_iter()
                .take(MOST_GROUPS)
                .map(FailureGroupView::from)
                .collect(),
        }
    }
}

impl From<FailureGroup> for FailureGroupView {
    fn from(group: FailureGroup) -> Self {
        Self {
            id: group.id.to_string(),
            operation: group.operation.to_string(),
            step: group.step.map(|step| step.to_string()),
            code: group.code,
            message: group.message,
            count: group.count,
            retryable: group.retryable,
            example: FailedFlowView {
                flow_id: group.example.id,
                digital_asset_url: group.example.source.to_string(),
            },
        }
    }
}
