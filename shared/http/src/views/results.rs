//! Statuses and results of several flows in JSON.

use assetmill_core::ports::Unavailable;
use assetmill_core::{BatchId, Counts, Flow, FlowId};
use serde::Serialize;
use utoipa::ToSchema;

use super::{FlowRow, FlowView, Links, OverallStatus, ResultCountsView, UnknownFlowView};

/// Statuses and results of the flows asked for, partial or not.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Results)]
pub struct ResultsView {
    /// The batch, where the request started one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub batch_id: Option<BatchId>,
    /// How they are doing as a whole. While it is RUNNING, results are partial.
    pub status: OverallStatus,
    /// How many are in each state.
    pub counts: ResultCountsView,
    /// Each of them, in the order of the request.
    pub flows: Vec<FlowRow>,
}

impl ResultsView {
    /// The answer about flows that were asked for by id; `None` for those that are not the
    /// caller's.
    ///
    /// # Errors
    /// [`Unavailable`] when the URL of a result can't be made.
    pub async fn of_rows(
        rows: impl IntoIterator<Item = (FlowId, Option<Flow>)>,
        links: Links<'_>,
    ) -> Result<Self, Unavailable> {
        let mut counts = Counts::default();
        let mut not_found = 0;
        let mut flows = Vec::new();
        for (id, flow) in rows {
            let row = if let Some(flow) = flow {
                counts.add(flow.state(), 1);
                FlowRow::Known(FlowView::of(&flow, links).await?)
            } else {
                not_found += 1;
                FlowRow::Unknown(UnknownFlowView::new(id))
            };
            flows.push(row);
        }
        Ok(Self {
            batch_id: None,
            status: OverallStatus::of_found(counts, not_found),
            counts: ResultCountsView::new(counts, not_found),
            flows,
        })
    }

    /// The answer about the flows of a batch that was just started.
    ///
    /// # Errors
    /// [`Unavailable`] when the URL of a result can't be made.
    pub async fn of_batch(
        batch_id: BatchId,
        flows: Vec<Flow>,
        links: Links<'_>,
    ) -> Result<Self, Unavailable> {
        let rows = flows.into_iter().map(|flow| (flow.id, Some(flow)));
        let results = Self::of_rows(rows, links).await?;
        Ok(Self {
            batch_id: Some(batch_id),
            ..results
        })
    }
}
