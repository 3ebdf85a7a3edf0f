//! Batches that were started: stopping them, running their failures again.

use assetmill_core::usecases::RetryError;
use assetmill_core::{BatchId, Sha256Digest, TenantId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;

use super::transforms::started;
use crate::caller::Room;
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
    let Some(key) = key else {
        let room = room_for_failures(&state, &tenant, id).await?;
        let accepted = state.retry.run(&tenant, id).await.map_err(refused)?;
        return Ok(room.told(started(&accepted.into(), memory)?));
    };
    let fingerprint = Sha256Digest::of_parts(["/api/v2/batches/{batch_id}/retry", &id.to_string()]);
    let keyed = Keyed::new(&state, &tenant, key, fingerprint);
    if let Some(begun) = keyed.find().await? {
        let (batch, replayed) = keyed.started(begun).await?;
        return Ok(replayed.told(started(&batch, memory)));
    }
    let room = room_for_failures(&state, &tenant, id).await?;
    // What has failed is asked only now: there may be more of it than when an earlier request was begun.
    let order = state.retry.order(&tenant, id).await.map_err(refused)?;
    let begun = keyed.begin(order, Some(id)).await?;
    let (batch, replayed) = keyed.started(begun).await?;
    Ok(replayed.told(room.told(started(&batch, memory)?)))
}

/// As many as failed will be open again.
async fn room_for_failures(
    state: &WriteState,
    tenant: &TenantId,
    id: BatchId,
) -> Result<Room, Problem> {
    let failed = state.submit.flows.counts(tenant, id).await?.failed;
    state.room(tenant, failed as usize).await
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
