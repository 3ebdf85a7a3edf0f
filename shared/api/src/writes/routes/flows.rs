//! Flows of whichever batches: stopping them, running them again.

use std::sync::Arc;

use assetmill_core::usecases::{Selection, SelectionError};
use assetmill_core::{FlowFilter, Sha256Digest};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::filter::canonical;
use crate::flow_ids::{FlowIds, FlowIdsSchema};
use crate::idempotency::{Idempotency, IdempotencyHeader};
use crate::in_flight::MEMORY_OF_A_BATCH;
use crate::query::Query;
use crate::views::{CancelledFlowsView, RetriedFlowsView};
use crate::writes::WriteState;
use crate::writes::action::{Action, ActionParams};
use crate::writes::keyed::{Keyed, Replayed};
use crate::writes::problems::{CancelFlowsProblems, RetryFlowsProblems};
use crate::{ErrorCode, OptionalJsonBody, Problem, Writer};

/// Cancel flows
///
/// Cancels flows of whichever batches that wait for a worker or for another try: those that a filter means, or that are
/// named, or both. Nothing named and no filter is refused. `dry_run=true` tells how many that are now, and does nothing.
#[utoipa::path(
    post,
    path = "/api/v2/flows/cancel",
    tag = "batches",
    params(ActionParams),
    request_body(content = Option<FlowIdsSchema>, description = "The flows, if they are named"),
    responses(
        (status = 200, description = "What was stopped", body = CancelledFlowsView),
        CancelFlowsProblems,
    ),
)]
pub(crate) async fn cancel_flows(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    Query(action): Query<Action>,
    OptionalJsonBody(named): OptionalJsonBody<FlowIds>,
) -> Result<Json<CancelledFlowsView>, Problem> {
    let dry_run = action.dry_run;
    let selection = selected(action, named, state.max_rows)?;
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let done = state.cancel.everywhere(&tenant, &selection, dry_run);
    Ok(Json(CancelledFlowsView::new(&done.await?, dry_run)))
}

/// Run failed flows again
///
/// Runs failed flows of whichever batches again: those that a filter means, or that are named, or both. Each batch that
/// has such flows gets a new one with the same operation and parameters, and stays as it is. What a later batch runs again
/// already is left out, unless it is named. Nothing named and no filter
/// is refused. `dry_run=true` tells how many flows that are now, and starts nothing.
#[utoipa::path(
    post,
    path = "/api/v2/flows/retry",
    tag = "batches",
    params(ActionParams, IdempotencyHeader),
    request_body(content = Option<FlowIdsSchema>, description = "The flows, if they are named"),
    responses(
        (status = 200, description = "What would be started: nothing was", body = RetriedFlowsView),
        (
            status = 202,
            description = "The new batches are started",
            body = RetriedFlowsView,
            headers(("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it")),
        ),
        RetryFlowsProblems,
    ),
)]
pub(crate) async fn retry_flows(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    Query(action): Query<Action>,
    Idempotency(key): Idempotency,
    OptionalJsonBody(named): OptionalJsonBody<FlowIds>,
) -> Result<Response, Problem> {
    let dry_run = action.dry_run;
    let mut selection = selected(action, named, state.max_rows)?;
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let keyed = key.filter(|_| !dry_run).map(|key| {
        let meant = canonical(selection.filter());
        let fingerprint = Sha256Digest::of_parts(["/api/v2/flows/retry", &meant]);
        Keyed::new(&state, &tenant, key, fingerprint)
    });
    let earlier = match &keyed {
        Some(keyed) => keyed.find().await?,
        None => None,
    };
    if let Some(begun) = &earlier {
        // What has failed since then is not meant by a request that is sent again.
        selection = selection.settled_until(begun.batch().created_at);
    }
    let affected = state.retry.preview_everywhere(&tenant, &selection).await?;
    if dry_run {
        return Ok(Json(RetriedFlowsView::preview(&affected)).into_response());
    }
    let room = match &earlier {
        Some(_) => None,
        None if affected.batches.is_empty() => return Err(nothing_to_retry()),
        // As many will be open again.
        None => Some(state.room(&tenant, affected.flows() as usize).await?),
    };
    let replayed = earlier.as_ref().map_or(Replayed::NEVER, Replayed::of);
    let started = match keyed {
        Some(keyed) => keyed.retried(earlier, &affected).await?,
        None => state.retry.everywhere(&tenant, &affected).await?,
    };
    let view = RetriedFlowsView::started(&started, affected.complete);
    let answer = replayed.told((StatusCode::ACCEPTED, Json(view)));
    Ok(match room {
        Some(room) => room.told(answer),
        None => answer,
    })
}

/// What is meant by a filter and by ids, of which there may be `max`.
fn selected(action: Action, named: Option<FlowIds>, max: usize) -> Result<Selection, Problem> {
    let ids = named.map(|named| named.parse(max)).transpose()?;
    let filter = FlowFilter {
        ids: ids.map(|ids| ids.into_iter().collect()),
        ..action.filter
    };
    Selection::of(filter).ok_or_else(|| {
        Problem::new(
            ErrorCode::NothingSelected,
            "this would be done to all your flows; say to which, by a filter such as ?operation=thumbnail, or by \
             {\"flow_ids\": […]} as the body",
        )
    })
}

fn nothing_to_retry() -> Problem {
    Problem::new(
        ErrorCode::NothingToRetry,
        "no flow has failed that is meant and could be run again; flows that were cancelled or whose URLs were \
         refused can be sent as a new batch",
    )
}

impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        match error {
            SelectionError::Unknown(id) => Self::new(
                ErrorCode::FlowNotFound,
                format!("you have no flow {id}; nothing was done, send the others without it"),
            ),
            SelectionError::Unavailable(error) => error.into(),
        }
    }
}
