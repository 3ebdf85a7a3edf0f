//! Pages of lists.

use assetmill_core::{BatchId, FlowFilter};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;
use crate::cursor::Cursor;
use crate::filter::{BatchFilter, take_batch_filter, take_filter};
use crate::query::{FromQuery, QueryParams};
use crate::views::{BatchView, FlowView};

/// Which page of the caller's batches.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BatchesQuery {
    pub(crate) limit: usize,
    pub(crate) before: Option<BatchId>,
    pub(crate) filter: BatchFilter,
}

/// Which page of the flows of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FlowsQuery {
    pub(crate) limit: usize,
    pub(crate) after: Option<u32>,
    pub(crate) filter: FlowFilter,
}

/// A page of the caller's batches, the latest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchesPage {
    /// The batches.
    pub(crate) batches: Vec<BatchView>,
    /// What to send as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) next_cursor: Option<Cursor<BatchId>>,
}

/// A batch with a page of its flows.
#[derive(ToSchema)]
#[allow(
    dead_code,
    reason = "describes what `rows::answer` writes in the document"
)]
pub(crate) struct BatchPage {
    /// The batch.
    #[serde(flatten)]
    batch: BatchView,
    /// The flows, in the order of the request.
    flows: Vec<FlowView>,
    /// What to send as `cursor` for the next page; absent on the last.
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Cursor<u32>>,
}

/// What stands after the flows of a [`BatchPage`].
#[derive(Debug, Serialize)]
pub(crate) struct PageEnding {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<Cursor<u32>>,
}

impl FromQuery for BatchesQuery {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self {
            limit: params.take_limit(20, 100)?,
            before: Cursor::take(params)?,
            filter: take_batch_filter(params)?,
        })
    }
}

impl FromQuery for FlowsQuery {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self {
            limit: params.take_limit(100, 1_000)?,
            after: Cursor::take(params)?,
            filter: take_filter(params)?,
        })
    }
}

/// Which failures of a batch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FailuresQuery(pub(crate) FlowFilter);

impl FromQuery for FailuresQuery {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        take_filter(params).map(Self)
    }
}
