//! How flows are doing.

use std::sync::Arc;

use assetmill_core::FlowId;
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use crate::flow_ids::{FlowIds, FlowIdsSchema};
use crate::not_modified::{IfNoneMatch, NotModified};
use crate::reads::ReadState;
use crate::reads::problems::{FlowProblems, ResultsProblems};
use crate::reads::rows::AskedFor;
use crate::views::{Counted, FlowView, ResultsBeginning, ResultsView};
use crate::{Caller, ErrorCode, JsonBody, PathId, Problem, rows};

/// Statuses and results of several flows
///
/// Answers what there is at this moment: while the status is RUNNING, results are partial. An id
/// that is not the caller's has the state `NOT_FOUND` in its row; the others are still answered. An id
/// that is asked for twice is answered once.
#[utoipa::path(
    post,
    path = "/api/v2/transforms/results",
    tag = "results",
    request_body(
        content = FlowIdsSchema,
        description = "1 to 10,000 flow ids (1 to 1,000 where the service runs on Lambda, whose \
                       answers are bounded): a list of them, or an object that holds one",
        examples(
            ("A list" = (value = json!(["01890a5d-ac96-774b-bcce-b302099a8057"]))),
            ("An object" = (
                value = json!({ "flow_ids": ["01890a5d-ac96-774b-bcce-b302099a8057"] })
            )),
        ),
    ),
    responses(
        (status = 200, description = "How each flow is doing", body = ResultsView),
        ResultsProblems,
    ),
)]
pub(crate) async fn results(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    JsonBody(body): JsonBody<FlowIds>,
) -> Result<Response, Problem> {
    let asked = AskedFor {
        flows: state.flows.clone(),
        links: state.links(),
        ids: body.parse(state.max_rows)?.into_iter(),
        at_once: state.rows_at_once,
        counted: Counted::default(),
        tenant: tenant.clone(),
    };
    let beginning = ResultsBeginning {
        batch_id: None,
        webhook: None,
    };
    rows::answer(&beginning, asked, state.in_flight.of(&tenant)).await
}

/// One flow
///
/// Its state, its result or its error, and what happened to it.
#[utoipa::path(
    get,
    path = "/api/v2/transforms/{flow_id}",
    tag = "results",
    params(
        (
            "flow_id" = String, Path, format = "uuid", description = "The flow",
            example = "01890a5d-ac96-774b-bcce-b302099a8057"
        ),
        IfNoneMatch,
    ),
    responses(
        (status = 200, description = "How the flow is doing", body = FlowView),
        NotModified,
        FlowProblems,
    ),
)]
pub(crate) async fn flow(
    State(state): State<Arc<ReadState>>,
    Caller(tenant): Caller,
    PathId(id): PathId<FlowId>,
) -> Result<Json<FlowView>, Problem> {
    let mut rows = state.flows.flows(&tenant, &[id]).await?;
    let flow = rows.pop().flatten().ok_or_else(|| {
        Problem::new(
            ErrorCode::FlowNotFound,
            "you have no such flow; the answer to its request named its id",
        )
    })?;
    let view = FlowView::of(&flow, &state.links()).await?;
    Ok(Json(view.with_history(&flow)))
}
