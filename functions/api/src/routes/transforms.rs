//! Many assets: answered while the caller waits, or started in the background.

use assetmill_core::usecases::Accepted;
use assetmill_http::views::{ResultsView, StartedView};
use assetmill_http::{Caller, JsonBody, Problem};
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::header::LOCATION;

use crate::ApiState;
use crate::order::ManyAssets;
use crate::problems::ManyProblems;

/// Process many assets and wait for all results
///
/// Processes the assets in parallel and answers one consolidated result. What is not finished in
/// the time that a request has goes on in the background: the status is then RUNNING, and the rows
/// hold the flow ids to ask for later. An asset that fails is a row with an error; it does not fail
/// the request. Where the service runs on Lambda, whose answers are bounded, at most 1,000.
#[utoipa::path(
    post,
    path = "/api/v1/transforms",
    tag = "transform",
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
        (status = 200, description = "How each asset went", body = ResultsView),
        ManyProblems,
    ),
)]
pub(crate) async fn transform_many(
    State(state): State<ApiState>,
    Caller(tenant): Caller,
    JsonBody(body): JsonBody<ManyAssets>,
) -> Result<Json<ResultsView>, Problem> {
    let order = body
        .for_at_most(state.max_rows)?
        .order(tenant, &state.catalogue)?;
    let Accepted { batch, flows } = state.answer.run(order).await?;
    let results = ResultsView::of_batch(batch.id, flows, state.links()).await?;
    Ok(Json(results))
}

/// Start a batch
///
/// Accepts up to 10,000 assets, one flow for each, and answers at once. Ask for their results at
/// `POST /api/v2/transforms/results`, or for the batch at the URL in `Location`.
#[utoipa::path(
    post,
    path = "/api/v2/transforms",
    tag = "batches",
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
            headers(("Location" = String, description = "The batch")),
        ),
        ManyProblems,
    ),
)]
pub(crate) async fn start_batch(
    State(state): State<ApiState>,
    Caller(tenant): Caller,
    JsonBody(body): JsonBody<ManyAssets>,
) -> Result<Response, Problem> {
    let order = body.order(tenant, &state.catalogue)?;
    Ok(started(&state.submit.start(order).await?))
}

/// The answer about a batch that was started.
pub(super) fn started(accepted: &Accepted) -> Response {
    let location = format!("/api/v2/batches/{}", accepted.batch.id);
    let body = Json(StartedView::from(accepted));
    (StatusCode::ACCEPTED, [(LOCATION, location)], body).into_response()
}
