//! Many assets: answered while the caller waits, or started in the background.

use std::sync::Arc;

use assetmill_core::ports::LimitsOfTenants as _;
use assetmill_core::usecases::{Accepted, Answered, Products, Started, TransformRequest};
use assetmill_core::{BatchId, Share};
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, LOCATION};

use crate::caller::Room;
use crate::idempotency::{Idempotency, IdempotencyHeader};
use crate::views::{Counted, NewWebhookView, ResultsBeginning, ResultsView, StartedView};
use crate::writes::WriteState;
use crate::writes::keyed::{Keyed, Replayed};
use crate::writes::problems::{ManyProblems, StartProblems};
use crate::writes::rows::AtHand;
use crate::writes::transform_request::ManyAssets;
use crate::{JsonBody, Problem, Writer, rows};

const ROUTE_V1: &str = "/api/v1/transforms";
const ROUTE_V2: &str = "/api/v2/transforms";

/// Process many assets and wait for all results
///
/// Processes the assets in parallel and answers one consolidated result. What is not finished in
/// the time that a request has goes on in the background: the status is then RUNNING, and the rows
/// hold the flow ids to ask for later, and `batch_id` names the batch. What all ended in time and costs nothing is not
/// kept, and has no batch: there is nothing more to ask for. An asset that fails is a row with an error; it does not fail
/// the request. A `webhook` is told of a batch that there is. Where the service runs on Lambda, whose answers are bounded, at most 1,000.
#[utoipa::path(
    post,
    path = "/api/v1/transforms",
    tag = "transform",
    params(IdempotencyHeader),
    request_body(
        content = ManyAssets,
        description = "The assets, and what to do with each",
        examples(
            ("The default operation" = (
                value = json!({ "digital_asset_urls": ["http://127.0.0.1:8000/samples/coffee.jpg"] })
            )),
            ("Good ones and a bad one" = (
                value = json!({
                    "digital_asset_urls": [
                        "http://127.0.0.1:8000/samples/coffee.jpg",
                        "http://127.0.0.1:8000/samples/no-such-asset.jpg",
                    ],
                    "operation": "thumbnail",
                    "params": { "width": 320, "height": 320 },
                })
            )),
        ),
    ),
    responses(
        (
            status = 200,
            description = "How each asset went",
            body = ResultsView,
            headers(("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it")),
        ),
        ManyProblems,
    ),
)]
pub(crate) async fn transform_many(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    Idempotency(key): Idempotency,
    JsonBody(body): JsonBody<ManyAssets>,
) -> Result<Response, Problem> {
    let in_flight = state.in_flight.of(&tenant);
    let body = body.for_at_most(state.max_rows)?;
    let keyed = key.map(|key| Keyed::new(&state, &tenant, key, body.fingerprint(ROUTE_V1)));
    let bytes = body.memory();
    let limits = state.callers.limits(&tenant).await;
    let order = body.within(&limits);
    let order = order.and_then(|body| body.order(tenant, &state.catalogue));
    let (answered, replayed, memory) = match keyed {
        None => {
            let order = order?;
            let memory = in_flight.hold(bytes).await?;
            let answered = state.answer.run(order, Products::Stored).await?;
            (answered, Replayed::NEVER, memory)
        }
        Some(keyed) => {
            let memory = in_flight.hold(bytes).await?;
            let (answered, replayed) = keyed.answer(order, Products::Stored).await?;
            (answered, replayed, memory)
        }
    };
    let Answered { accepted, kept, .. } = answered;
    let Accepted { batch, flows } = accepted;
    let beginning = ResultsBeginning {
        batch_id: kept.then_some(batch.id),
        webhook: NewWebhookView::of_batch(&batch).filter(|_| kept),
    };
    let flows = AtHand {
        flows: flows.into_iter(),
        links: state.links(),
        counted: Counted::default(),
        _memory: memory,
    };
    let answer = rows::answer(&beginning, flows, in_flight).await?;
    Ok(replayed.told(answer))
}

/// Start a batch
///
/// Accepts up to 10,000 assets, one flow for each, and answers at once. Ask for their results at
/// `POST /api/v2/transforms/results`, or for the batch at the URL in `Location`; or name a `webhook` that is told of it. Its
/// secret is answered here alone, and its log is at `/api/v2/webhooks/{batch_id}/deliveries`.
#[utoipa::path(
    post,
    path = "/api/v2/transforms",
    tag = "batches",
    params(IdempotencyHeader),
    request_body(
        content = ManyAssets,
        description = "The assets, and what to do with each",
        examples(
            ("The default operation" = (
                value = json!({ "digital_asset_urls": ["http://127.0.0.1:8000/samples/coffee.jpg"] })
            )),
            ("Two thumbnails" = (
                value = json!({
                    "digital_asset_urls": [
                        "http://127.0.0.1:8000/samples/coffee.jpg",
                        "http://127.0.0.1:8000/samples/coffee.jpg",
                    ],
                    "operation": "thumbnail",
                    "params": { "width": 320, "height": 320 },
                })
            )),
        ),
    ),
    responses(
        (
            status = 202,
            description = "The batch is started",
            body = StartedView,
            headers(
                ("Location" = String, description = "The batch"),
                ("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it"),
            ),
        ),
        StartProblems,
    ),
)]
pub(crate) async fn start_batch(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    Idempotency(key): Idempotency,
    JsonBody(body): JsonBody<ManyAssets>,
) -> Result<Response, Problem> {
    let in_flight = state.in_flight.of(&tenant);
    let keyed = key.map(|key| Keyed::new(&state, &tenant, key, body.fingerprint(ROUTE_V2)));
    let bytes = body.memory();
    let limits = state.callers.limits(&tenant).await;
    let order = body.within(&limits);
    let order = order.and_then(|body| body.order(tenant.clone(), &state.catalogue));
    let Some(keyed) = keyed else {
        let order = order?;
        let memory = in_flight.hold(bytes).await?;
        let room = state.room(&tenant, order.sources.as_slice().len()).await?;
        let accepted = state.submit.start(order).await?;
        return Ok(room.told(started(&accepted.into(), memory)?));
    };
    let memory = in_flight.hold(bytes).await?;
    let in_room = async {
        let order = order?;
        let room = state.room(&tenant, order.sources.as_slice().len()).await?;
        Ok((order, room))
    };
    started_once(keyed, None, in_room, memory).await
}

/// The answer about what an equal request began, which has its room already; or about what begins now: the order, and
/// the room for its flows, which are asked for only then.
pub(super) async fn started_once(
    keyed: Keyed<'_>,
    retry_of: Option<BatchId>,
    in_room: impl Future<Output = Result<(TransformRequest, Room), Problem>>,
    memory: Share,
) -> Result<Response, Problem> {
    if let Some(begun) = keyed.find().await? {
        let (batch, replayed) = keyed.started(begun).await?;
        return Ok(replayed.told(started(&batch, memory)));
    }
    let (order, room) = in_room.await?;
    let begun = keyed.begin(order, retry_of).await?;
    let (batch, replayed) = keyed.started(begun).await?;
    Ok(replayed.told(room.told(started(&batch, memory)?)))
}

/// The answer about a batch that was started, which keeps of its memory what it takes itself.
pub(super) fn started(started: &Started, mut memory: Share) -> Result<Response, Problem> {
    let location = format!("/api/v2/batches/{}", started.batch.id);
    let body = serde_json::to_vec(&StartedView::from(started)).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "answer can't be written"
        );
        Problem::internal()
    })?;
    memory.shrink_to(body.len() as u64);
    let headers = [
        (LOCATION, location),
        (CONTENT_TYPE, "application/json".to_owned()),
    ];
    let body = Body::from(memory.hold(body.into()));
    Ok((StatusCode::ACCEPTED, headers, body).into_response())
}
