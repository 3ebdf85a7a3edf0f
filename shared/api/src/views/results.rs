//! Statuses and results of several flows in JSON.

use assetmill_core::ports::Unavailable;
use assetmill_core::{BatchId, Counts, Flow, FlowId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    FlowRow, FlowView, Links, NewWebhookView, OverallStatus, ResultCountsView, UnknownFlowView,
};

/// Statuses and results of the flows asked for, partial or not.
#[derive(ToSchema)]
#[schema(as = Results)]
#[allow(
    dead_code,
    reason = "describes what `rows::answer` writes in the document"
)]
pub struct ResultsView {
    /// The batch, where the request started one.
    #[schema(value_type = Option<String>, format = "uuid")]
    batch_id: Option<BatchId>,
    /// The endpoint that is told of the batch alone, with its secret.
    webhook: Option<NewWebhookView>,
    /// Each of them, in the order of the request; one that was asked for twice stands once.
    flows: Vec<FlowRow>,
    /// How many are in each state.
    counts: ResultCountsView,
    /// How they are doing as a whole. While it is RUNNING, results are partial.
    status: OverallStatus,
}

/// What stands before the rows.
#[derive(Debug, Clone, Serialize)]
pub struct ResultsBeginning {
    /// The batch, where the request started one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<BatchId>,
    /// The endpoint that is told of it alone, with its secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<NewWebhookView>,
}

/// What stands after the rows.
#[derive(Debug, Clone, Serialize)]
pub struct ResultsEnding {
    counts: ResultCountsView,
    status: OverallStatus,
}

/// Counts flows as their rows are made.
#[derive(Debug, Default)]
pub struct Counted {
    found: Counts,
    not_found: u32,
}

impl Counted {
    /// The row of a flow that was asked for; of one that is not the caller's, where it is `None`.
    ///
    /// # Errors
    /// [`Unavailable`] when the URL of its result can't be made.
    pub async fn row(
        &mut self,
        id: FlowId,
        flow: Option<&Flow>,
        links: &Links,
    ) -> Result<FlowRow, Unavailable> {
        let Some(flow) = flow else {
            self.not_found += 1;
            return Ok(FlowRow::Unknown(UnknownFlowView::new(id)));
        };
        self.found.add(flow.state(), 1);
        Ok(FlowRow::Known(FlowView::of(flow, links).await?))
    }

    /// What stands after these rows.
    pub fn ending(&self) -> ResultsEnding {
        ResultsEnding {
            counts: ResultCountsView::new(self.found, self.not_found),
            status: OverallStatus::of_found(self.found, self.not_found),
        }
    }
}
