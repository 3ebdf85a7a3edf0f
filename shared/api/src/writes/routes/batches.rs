//! Batches that were started: stopping them, running their failures again.

use std::sync::Arc;

use assetmill_core::usecases::RetryError;
use assetmill_core::{BatchId, Sha256Digest};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};

use super::transforms::{started, started_once};
use crate::filter::canonical;
use crate::idempotency::{Idempotency, IdempotencyHeader};
use crate::in_flight::MEMORY_OF_A_BATCH;
use crate::path::BatchIdParam;
use crate::query::Query;
use crate::views::{CancelledView, OverallStatus, RetryPreviewView, StartedView};
use crate::writes::WriteState;
use crate::writes::action::{Action, ActionParams};
use crate::writes::keyed::Keyed;
use crate::writes::problems::{CancelProblems, RetryProblems};
use crate::{ErrorCode, PathId, Problem, Writer};

/// Stop a batch
///
/// Cancels the flows that wait for a worker or for another try. Those that are being processed go
/// on, and those that are settled stay as they are. Cancelling again changes nothing more. A filter says which of its
/// flows are meant, and `dry_run=true` how many that are now.
#[utoipa::path(
    post,
    path = "/api/v2/batches/{batch_id}/cancel",
    tag = "batches",
    params(
        BatchIdParam,
        ActionParams,
    ),
    responses(
        (status = 200, description = "What was stopped", body = CancelledView),
        CancelProblems,
    ),
)]
pub(crate) async fn cancel_batch(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    PathId(id): PathId<BatchId>,
    Query(Action { filter, dry_run }): Query<Action>,
) -> Result<Json<CancelledView>, Problem> {
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let done = state.cancel.of_batch(&tenant, id, &filter, dry_run).await?;
    let done = done.ok_or_else(no_such_batch)?;
    Ok(Json(CancelledView {
        batch_id: id,
        cancelled: done.cancelled,
        dry_run,
        status: OverallStatus::of_batch(done.counts, done.batch.size),
        counts: done.counts.into(),
    }))
}

/// Run the failures of a batch again
///
/// Starts a new batch of the assets whose flows failed, with the same operation and parameters.
/// The old batch stays as it is. A filter says which of its failures are meant, and `dry_run=true` how many that are now.
#[utoipa::path(
    post,
    path = "/api/v2/batches/{batch_id}/retry",
    tag = "batches",
    params(
        BatchIdParam,
        ActionParams,
        IdempotencyHeader,
    ),
    responses(
        (status = 200, description = "What would be started: nothing was", body = RetryPreviewView),
        (
            status = 202,
            description = "The new batch is started",
            body = StartedView,
            headers(
                ("Location" = String, description = "The new batch"),
                ("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it"),
            ),
        ),
        RetryProblems,
    ),
)]
pub(crate) async fn retry_batch(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    PathId(id): PathId<BatchId>,
    Query(Action { filter, dry_run }): Query<Action>,
    Idempotency(key): Idempotency,
) -> Result<Response, Problem> {
    let in_flight = state.in_flight.of(&tenant);
    let memory = in_flight.hold(MEMORY_OF_A_BATCH).await?;
    if dry_run {
        let digital_asset_count = match state.retry.order(&tenant, id, &filter).await {
            Ok(order) => order.sources.as_slice().len(),
            Err(RetryError::NothingFailed) => 0,
            Err(error) => return Err(refused(error)),
        };
        let preview = RetryPreviewView {
            batch_id: id,
            dry_run,
            digital_asset_count,
        };
        return Ok(Json(preview).into_response());
    }
    // What has failed is asked only where a batch begins: there may be more of it than when an earlier request was begun.
    let in_room = async {
        let order = state.retry.order(&tenant, id, &filter).await;
        let order = order.map_err(refused)?;
        // As many will be open again.
        let room = state.room(&tenant, order.sources.as_slice().len()).await?;
        Ok((order, room))
    };
    let Some(key) = key else {
        let (order, room) = in_room.await?;
        let accepted = state.submit.start_as(order, Some(id)).await?;
        return Ok(room.told(started(&accepted.into(), memory)?));
    };
    let (id_text, meant) = (id.to_string(), canonical(&filter));
    let parts = ["/api/v2/batches/{batch_id}/retry", &id_text, &meant];
    // A request without a filter is the same as before there were any.
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    let fingerprint = Sha256Digest::of_parts(parts);
    let keyed = Keyed::new(&state, &tenant, key, fingerprint);
    started_once(keyed, Some(id), in_room, memory).await
}

fn refused(error: RetryError) -> Problem {
    match error {
        RetryError::Unknown => no_such_batch(),
        RetryError::NothingFailed => Problem::new(
            ErrorCode::NothingToRetry,
            "no flow of this batch has failed that is meant and could be run again; flows that were cancelled or \
             whose URLs were refused can be sent as a new batch",
        ),
        RetryError::OperationUnavailable => Problem::new(
            ErrorCode::OperationNotOffered,
            "the operation of this batch can't run here any more; \
             start a batch with another one that GET /api/v2/operations lists",
        ),
        RetryError::Unavailable(error) => error.into(),
    }
}

fn no_such_batch() -> Problem {
    Problem::new(
        ErrorCode::BatchNotFound,
        "you have no such batch; GET /api/v2/batches lists yours",
    )
}
