//! One asset, answered with its processed bytes.

use std::sync::Arc;

use assetmill_core::ports::Unavailable;
use assetmill_core::usecases::{Answered, Made, Products};
use assetmill_core::{Flow, Output, Status};
use axum::Json;
use axum::extract::{FromRequest as _, FromRequestParts as _, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use utoipa::ToSchema;

use crate::body::{is_form, is_json_request};
use crate::idempotency::{Idempotency, IdempotencyHeader};
use crate::query::Query;
use crate::views::ResultView;
use crate::writes::WriteState;
use crate::writes::keyed::{Keyed, Replayed};
use crate::writes::problems::OneProblems;
use crate::writes::routes::assets::AssetBytes;
use crate::writes::sent_asset::{NamedOperation, SentAsset, SentAssetParams, SentForm, sent_form};
use crate::writes::transform_request::OneAsset;
use crate::writes::uploading::uploaded;
use crate::{ErrorCode, JsonBody, Problem, TenantInFlight, Writer};

const ROUTE: &str = "/api/v1/transform";
const FLOW_ID: HeaderName = HeaderName::from_static("assetmill-flow-id");

/// The processed asset.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "describes the answer in the document")]
pub(crate) struct ProcessedBytes(Vec<u8>);

/// Process one asset and get its bytes
///
/// Fetches the asset, runs the operation and answers with what it made. The body may be the asset itself, too; then the
/// query says what is done to it: `operation`, and its parameters by their names. Or it is a form with the asset as its
/// `file`, which says so beside it. An asset that takes longer
/// than a request may is answered with a problem of the code `still_processing`; it goes on, and
/// `GET /api/v2/transforms/{flow_id}` has its result. What is answered in time and costs nothing is not kept: it has no
/// flow to ask for.
#[utoipa::path(
    post,
    path = "/api/v1/transform",
    tag = "transform",
    params(IdempotencyHeader, SentAssetParams),
    request_body(
        description = "The asset, and what to do with it; or the bytes of the asset; or a form with both",
        content(
            (OneAsset = "application/json", examples(
                ("The default operation" = (
                    value = json!({ "digital_asset_url": "http://127.0.0.1:8000/samples/coffee.jpg" })
                )),
                ("A thumbnail" = (
                    value = json!({
                        "digital_asset_url": "http://127.0.0.1:8000/samples/coffee.jpg",
                        "operation": "thumbnail",
                        "params": { "width": 320, "height": 320 },
                    })
                )),
            )),
            (AssetBytes = "application/octet-stream"),
            (SentForm = "multipart/form-data"),
        ),
    ),
    responses(
        (
            status = 200,
            description = "The processed asset",
            content(
                (ProcessedBytes = "image/avif"),
                (ProcessedBytes = "image/jpeg"),
                (ProcessedBytes = "image/png"),
                (ProcessedBytes = "image/webp"),
                (ProcessedBytes = "application/octet-stream"),
            ),
            headers(
                ("ETag" = String, description = "The SHA-256 of the bytes"),
                ("Assetmill-Flow-Id" = String, description = "The flow that made them, where it is kept: of operations that cost money, and of requests with an Idempotency-Key"),
                ("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it"),
            ),
        ),
        (
            status = 303,
            description = "The processed asset is too large to return here; fetch it from Location",
            body = ResultView,
            headers(
                ("Location" = String, description = "A URL of the processed asset that expires"),
                ("Assetmill-Flow-Id" = String, description = "The flow that made it, where it is kept"),
                ("Idempotent-Replayed" = String, description = "`true` where an earlier request with this Idempotency-Key began it"),
            ),
        ),
        OneProblems,
    ),
)]
pub(crate) async fn transform_one(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    Idempotency(key): Idempotency,
    request: Request,
) -> Result<Response, Problem> {
    let in_flight = state.in_flight.of(&tenant);
    let (mut head, body) = request.into_parts();
    let body = if is_json_request(&head.headers) {
        let Query(NamedOperation(named)) = Query::from_request_parts(&mut head, &state).await?;
        let request = Request::from_parts(head, body);
        let JsonBody(body) = JsonBody::<OneAsset>::from_request(request, &state).await?;
        body.or_operation(named)
    } else if is_form(&head.headers) {
        let Query(NamedOperation(named)) = Query::from_request_parts(&mut head, &state).await?;
        let asked = sent_form(&state, &tenant, &head.headers, body).await?;
        asked.or_operation(named)
    } else {
        let Query(asked) = Query::<SentAsset>::from_request_parts(&mut head, &state).await?;
        let upload = uploaded(&state, &tenant, &head.headers, body).await?;
        asked.of(upload.digital_asset_url, &state.catalogue)
    };
    let keyed = key.map(|key| Keyed::new(&state, &tenant, key, body.fingerprint(ROUTE)));
    let order = body.order(tenant, &state.catalogue);
    let products = Products::AtHand;
    let (answered, replayed) = match keyed {
        None => (state.answer.run(order?, products).await?, Replayed::NEVER),
        Some(keyed) => keyed.answer(order, products).await?,
    };
    let Answered {
        accepted,
        kept,
        made,
    } = answered;
    let flow = accepted.flows.first().ok_or_else(Problem::internal)?;
    let outcome = outcome(&state, flow, made, &in_flight).await;
    if !kept {
        // There is nothing to ask for under its id.
        return outcome;
    }
    let told = match outcome {
        Ok(mut response) => {
            let id = header(&flow.id.to_string())?;
            response.headers_mut().insert(FLOW_ID, id);
            Ok(response)
        }
        Err(problem) => Err(problem.of_flow(flow.id)),
    };
    Ok(replayed.told(told))
}

async fn outcome(
    state: &WriteState,
    flow: &Flow,
    made: Option<Made>,
    in_flight: &TenantInFlight,
) -> Result<Response, Problem> {
    match &flow.status {
        Status::Completed { output, .. } => delivered(state, output, made, in_flight).await,
        Status::Failed { failure, .. } => Err(failure.into()),
        Status::Cancelled { .. } => Err(Problem::new(
            ErrorCode::FlowCancelled,
            "the flow was cancelled before it was processed; send it again",
        )),
        Status::Pending { .. } | Status::Running { .. } => Err(Problem::new(
            ErrorCode::StillProcessing,
            format!(
                "the asset takes longer than a request may, and goes on: \
                 ask GET /api/v2/transforms/{} for its result",
                flow.id
            ),
        )),
    }
}

async fn delivered(
    state: &WriteState,
    output: &Output,
    made: Option<Made>,
    in_flight: &TenantInFlight,
) -> Result<Response, Problem> {
    let max = state.max_inline_bytes.unwrap_or(u64::MAX);
    if output.bytes > max.min(in_flight.bytes()) {
        store(state, output, made).await?;
        let result = state.links().result(output).await?;
        let location = [(LOCATION, header(&result.url)?)];
        return Ok((StatusCode::SEE_OTHER, location, Json(result)).into_response());
    }
    let (memory, made) = if let Ok(memory) = in_flight.try_hold(output.bytes) {
        (memory, made)
    } else {
        // Callers who read slowly may be many: what waits for them has room as an asset, or is not in memory. To store
        // all of it would be a flood of writes for callers who never read.
        let made = match made {
            Some(made) if made.has_room() => Some(made),
            made => {
                store(state, output, made).await?;
                None
            }
        };
        (in_flight.hold(output.bytes).await?, made)
    };
    let content = match made {
        Some(made) => Some(made.into_content()),
        None => state.outputs.get(&output.key).await?,
    };
    let Some(content) = content else {
        tracing::error!(key = output.key.as_str(), "output is gone");
        return Err(Problem::internal());
    };
    let headers = [
        (CONTENT_TYPE, header(output.media_type.as_str())?),
        (ETAG, header(&format!("\"{}\"", output.sha256))?),
    ];
    Ok((headers, memory.hold(content)).into_response())
}

/// Sees to it that the output is stored, and not in memory.
async fn store(state: &WriteState, output: &Output, made: Option<Made>) -> Result<(), Unavailable> {
    match made {
        Some(made) => made.store(output, &*state.outputs).await,
        None => Ok(()),
    }
}

fn header(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::try_from(text).map_err(|error| {
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "text fits no header"
        );
        Problem::internal()
    })
}
