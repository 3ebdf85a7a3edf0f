//! Batches that were started: stopping them, running their failures again.

use assetmill_core::usecases::RetryError;
use assetmill_core::{BatchId, Sha256Digest};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::transforms::{started, started_once};
use crate::idempotency::{Idempotency, IdempotencyHeader};
use crate::views::{CancelledView, OverallStatus, StartedView};
use crate::writes::WriteState;
use crate::writes::keyed::Keyed;
use crate::writes::problems::{CancelProblems, RetryProblems};
use crate::writes::transform_request::MEMORY_OF_A_BATCH;
use crate::{Caller, ErrorCode, PathId, Problem};

/// Stop a batch
///
/// Cancels the flows that wait for a worker or for another try. Those that are being processed go
/// on, and those that are settled stay as they are. Cancelling again changes nothing more.
#[utoipa::path(
    post,
    path = "/api/v2/batches/{batch_id}/cancel",
    tag = "batches",
    params((
        "batch_id" = String, Path, format = "uuid", description = "The batch",
        example = "01890a5d-ac96-774b-bcce-b302099a8000"
    )),
    responses(
        (status = 200, description = "What was stopped", body = CancelledView),
        CancelProblems,
    ),
)]
pub(crate) async fn cancel_batch(
    State(state): State<WriteState>,
    Caller(tenant): Caller,
    PathId(id): PathId<BatchId>,
) -> Result<Json<CancelledView>, Problem> {
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    let done = state
        .cancel
        .run(&tenant, id)
        .await?
        .ok_or_else(no_such_batch)?;
    Ok(Json(CancelledView {
        batch_id: id,
        cancelled: done.cancelled,
        status: OverallStatus::of_batch(done.counts, done.batch.size),
        counts: done.counts.into(),
    }))
}

/// Run the failures of a batch again
///
/// Starts a new batch of the assets whose flows failed, with the same operation and parameters.
/// The old batch stays as it is.
#[utoipa::path(
    post,
    path = "/api/v2/batches/{batch_id}/retry",
    tag = "batches",
    params(
        (
            "batch_id" = String, Path, format = "uuid", description = "The batch",
            example = "01890a5d-ac96-774b-bcce-b302099a8000"
        ),
        IdempotencyHeader,
    ),
    responses(
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
    State(state): State<WriteState>,
    Caller(tenant): Caller,
    PathId(id): PathId<BatchId>,
    Idempotency(key): Idempotency,
) -> Result<Response, Problem> {
    let in_flight = state.in_flight.of(&tenant);
    let memory = in_flight.hold(MEMORY_OF_A_BATCH).await?;
    // What has failed is asked only where a batch begins: there may be more of it than when an earlier request was begun.
    let in_room = async {
        let order = state.retry.order(&tenant, id).await.map_err(refused)?;
        // As many will be open again.
        let room = state.room(&tenant, order.sources.as_slice().len()).await?;
        Ok((order, room))
    };
    let Some(key) = key else {
        let (order, room) = in_room.await?;
        let accepted = state.submit.start_as(order, Some(id)).await?;
        return Ok(room.told(started(&accepted.into(), memory)?));
    };
    let fingerprint = Sha256Digest::of_parts(["/api/v2/batches/{batch_id}/retry", &id.to_string()]);
    let keyed = Keyed::new(&state, &tenant, key, fingerprint);
    started_once(keyed, Some(id), in_room, memory).await
}

fn refused(error: RetryError) -> Problem {
    match error {
        RetryError::Unknown => no_such_batch(),
        RetryError::NothingFailed => Problem::new(
            ErrorCode::NothingToRetry,
            "no flow of this batch has failed that could be run again; flows that were cancelled or \
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
