//! Endpoints that are told what happens. Their rows hold secrets, so all of this is served where nothing else is read.

use std::str::FromStr;
use std::sync::Arc;

use assetmill_core::usecases::RegisterError;
use assetmill_core::{
    DeliveryFilter, DeliveryId, DeliveryStanding, TenantId, Webhook, WebhookEvent, WebhookId,
};
use axum::extract::{FromRequestParts, RawPathParams, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, RequestPartsExt as _};
use http::StatusCode;
use http::request::Parts;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::body::BoundedList;
use crate::cursor::Cursor;
use crate::filter::TIME;
use crate::in_flight::MEMORY_OF_A_BATCH;
use crate::query::{FromQuery, Query, QueryParams};
use crate::views::{
    DeliveriesPage, DeliveryStateView, DeliveryView, NewWebhookView, ReplayedView, WebhooksView,
    webhook_events,
};
use crate::writes::WriteState;
use crate::writes::given_webhook::{MOST_EVENTS, events, url};
use crate::writes::problems::{
    DeliveriesProblems, RegisterProblems, RemoveProblems, ReplayProblems, ReplayTimeProblems,
    RotateProblems, WebhooksProblems,
};
use crate::{Caller, ErrorCode, JsonBody, Pointer, Problem, RequestBody, Writer};

/// A new endpoint.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "a JSON object such as {\"url\": \"https://example.com/hook\", \"events\": [\"batch.completed\"]}"
)]
#[schema(as = RegisterWebhook)]
pub(crate) struct NewWebhook {
    /// Where to post to: an http or https URL without credentials.
    #[schema(
        format = "uri",
        min_length = 1,
        max_length = 2048,
        example = "https://example.com/hooks/assetmill"
    )]
    url: String,
    /// What to tell it of.
    #[schema(schema_with = webhook_events)]
    events: BoundedList<WebhookEvent, MOST_EVENTS>,
}

impl RequestBody for NewWebhook {}

/// The endpoint in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter in the document")]
pub(crate) struct WebhookIdParam {
    /// The endpoint; for that of a batch, the batch
    #[param(format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a9000")]
    webhook_id: String,
}

/// What the endpoint was told, in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameter in the document")]
pub(crate) struct DeliveryIdParam {
    /// The delivery
    #[param(format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a9001")]
    delivery_id: String,
}

/// The endpoint that a path names.
pub(crate) struct InPath(WebhookId);

/// The endpoint that a path names, and what it was told.
pub(crate) struct DeliveryInPath(WebhookId, DeliveryId);

/// Which page of what an endpoint was told.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeliveriesQuery {
    limit: usize,
    filter: DeliveryFilter,
    before: Option<DeliveryId>,
}

/// The same in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters in the document")]
pub(crate) struct DeliveriesParams {
    /// How many; 20 if it is not given
    #[param(minimum = 1, maximum = 50)]
    limit: Option<u8>,
    /// Only what stands so
    state: Option<DeliveryStateView>,
    /// The `next_cursor` of the page before
    #[param(format = "batches-cursor")]
    cursor: Option<String>,
}

impl FromQuery for DeliveriesQuery {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        Ok(Self {
            limit: params.take_limit(20, 50)?,
            filter: DeliveryFilter {
                standing: standing(params)?,
                ..DeliveryFilter::default()
            },
            before: Cursor::take(params)?,
        })
    }
}

fn standing(params: &mut QueryParams) -> Result<Option<DeliveryStanding>, Problem> {
    let states = DeliveryStanding::ALL.map(DeliveryStanding::as_str);
    params.take("state", &format!("one of {}", states.join(", ")))
}

/// What is to be told again.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReplayQuery {
    filter: DeliveryFilter,
    before: Option<DeliveryId>,
    dry_run: bool,
}

/// The same in the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters in the document")]
pub(crate) struct ReplayParams {
    /// Only what happened then or later
    #[param(format = DateTime, example = "2026-01-31T09:30:00Z")]
    since: Option<String>,
    /// Only what happened then or before
    #[param(format = DateTime, example = "2026-01-31T10:00:00Z")]
    until: Option<String>,
    /// Only what stands so
    state: Option<DeliveryStateView>,
    /// The `next_cursor` of the answer before, where there were too many for one
    #[param(format = "batches-cursor")]
    cursor: Option<String>,
    /// Whether to tell how many they are, and send nothing
    dry_run: Option<bool>,
}

impl FromQuery for ReplayQuery {
    fn from_query(params: &mut QueryParams) -> Result<Self, Problem> {
        let filter = DeliveryFilter {
            since: params.take("since", TIME)?,
            until: params.take("until", TIME)?,
            standing: standing(params)?,
        };
        if filter == DeliveryFilter::default() {
            let detail = "say what is to be told again: since, until, state, or several of them";
            return Err(Problem::new(ErrorCode::NothingSelected, detail));
        }
        Ok(Self {
            filter,
            before: Cursor::take(params)?,
            dry_run: params.take("dry_run", "true or false")?.unwrap_or_default(),
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for InPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let webhook = in_path(parts, "webhook_id").await;
        webhook.map(Self).ok_or_else(no_such_webhook)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for DeliveryInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let webhook = in_path(parts, "webhook_id").await;
        let webhook = webhook.ok_or_else(no_such_webhook)?;
        let delivery = in_path(parts, "delivery_id").await;
        Ok(Self(webhook, delivery.ok_or_else(no_such_delivery)?))
    }
}

/// What is no id names nothing.
async fn in_path<Id: FromStr>(parts: &mut Parts, name: &str) -> Option<Id> {
    let params: RawPathParams = parts.extract().await.ok()?;
    let (_, text) = params.iter().find(|(given, _)| *given == name)?;
    text.parse().ok()
}

/// Make an endpoint
///
/// Has a URL told what happens to your batches, as [Standard Webhooks](https://www.standardwebhooks.com) has it: a
/// `POST` with `webhook-id`, `webhook-timestamp` and `webhook-signature`, which the libraries of that site verify with
/// the secret that is answered here, once. An endpoint is told at least once, in no promised order. What it does not
/// answer with 200 to 299 within 15 seconds is sent again, ten times in some three days; redirects are not followed, and
/// 410 disables it. A tenant has at most 10 endpoints.
#[utoipa::path(
    post,
    path = "/api/v2/webhooks",
    tag = "webhooks",
    request_body(content = NewWebhook, description = "Where to, and of what"),
    responses(
        (status = 201, description = "The endpoint, with its secret", body = NewWebhookView),
        RegisterProblems,
    ),
)]
pub(crate) async fn register_webhook(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    JsonBody(body): JsonBody<NewWebhook>,
) -> Result<Response, Problem> {
    let url = url(&body.url, &Pointer::root())?;
    let events = events(body.events, &Pointer::root())?;
    let made = state.webhooks.register(&tenant, url, events).await;
    let made = made.map_err(|error| match error {
        RegisterError::TooMany => Problem::new(
            ErrorCode::TooManyWebhooks,
            format!(
                "you have {} endpoints, which is as many as you may; remove one first",
                Webhook::MOST
            ),
        ),
        RegisterError::Unavailable(error) => error.into(),
    })?;
    let view = NewWebhookView::new(&made, made.created_at);
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Your endpoints
///
/// The earliest first, without their secrets.
#[utoipa::path(
    get,
    path = "/api/v2/webhooks",
    tag = "webhooks",
    responses(
        (status = 200, description = "The endpoints", body = WebhooksView),
        WebhooksProblems,
    ),
)]
pub(crate) async fn list_webhooks(
    State(state): State<Arc<WriteState>>,
    Caller(tenant): Caller,
) -> Result<Json<WebhooksView>, Problem> {
    let webhooks = state.webhooks.webhooks.webhooks(&tenant).await?;
    let now = state.webhooks.clock.now();
    Ok(Json(WebhooksView::new(&webhooks, now)))
}

/// Change the secret of an endpoint
///
/// Makes a new secret, which is answered here, once. The old one signs too for 24 hours: until then
/// `webhook-signature` has a signature by each, separated by a space, and an endpoint that knows either verifies it. Of
/// secrets that are changed sooner the last three sign too.
#[utoipa::path(
    post,
    path = "/api/v2/webhooks/{webhook_id}/rotate",
    tag = "webhooks",
    params(WebhookIdParam),
    responses(
        (status = 200, description = "The endpoint, with its new secret", body = NewWebhookView),
        RotateProblems,
    ),
)]
pub(crate) async fn rotate_secret(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    InPath(id): InPath,
) -> Result<Json<NewWebhookView>, Problem> {
    let rotated = state.webhooks.rotate(&tenant, id).await?;
    let rotated = rotated.ok_or_else(no_such_webhook)?;
    let now = state.webhooks.clock.now();
    Ok(Json(NewWebhookView::new(&rotated, now)))
}

/// Remove an endpoint
///
/// What it was not told yet it never is, and its log is gone. The endpoint of a batch is disabled instead: its log stays as
/// long as the batch.
#[utoipa::path(
    delete,
    path = "/api/v2/webhooks/{webhook_id}",
    tag = "webhooks",
    params(WebhookIdParam),
    responses(
        (status = 204, description = "It is removed"),
        RemoveProblems,
    ),
)]
pub(crate) async fn remove_webhook(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    InPath(id): InPath,
) -> Result<StatusCode, Problem> {
    if state.webhooks.remove(&tenant, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(no_such_webhook())
    }
}

/// What an endpoint was told
///
/// Of what happened last first: each payload, where it stands, and its attempts with what was answered. It
/// is kept for 30 days, or for as long as batches are where that is shorter. With `state`, a page may have fewer than `limit`
/// before the last.
#[utoipa::path(
    get,
    path = "/api/v2/webhooks/{webhook_id}/deliveries",
    tag = "webhooks",
    params(WebhookIdParam, DeliveriesParams),
    responses(
        (status = 200, description = "A page of deliveries", body = DeliveriesPage),
        DeliveriesProblems,
    ),
)]
pub(crate) async fn list_deliveries(
    State(state): State<Arc<WriteState>>,
    Caller(tenant): Caller,
    InPath(id): InPath,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<DeliveriesPage>, Problem> {
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    check_webhook(&state, &tenant, id).await?;
    let DeliveriesQuery {
        limit,
        filter,
        before,
    } = query;
    let log = state.webhooks.log(&tenant, id, filter, before, limit);
    let log = log.await?;
    let deliveries = log.deliveries.into_iter().map(DeliveryView::from);
    Ok(Json(DeliveriesPage {
        deliveries: deliveries.collect(),
        next_cursor: log.next.map(Cursor),
    }))
}

/// Tell an endpoint again
///
/// Sends what it was told once more, whatever became of it: with the same `webhook-id` and payload, signed anew, and
/// again up to ten times.
#[utoipa::path(
    post,
    path = "/api/v2/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    tag = "webhooks",
    params(WebhookIdParam, DeliveryIdParam),
    responses(
        (status = 202, description = "It is to be sent", body = DeliveryView),
        ReplayProblems,
    ),
)]
pub(crate) async fn replay_delivery(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    DeliveryInPath(webhook, id): DeliveryInPath,
) -> Result<Response, Problem> {
    check_webhook(&state, &tenant, webhook).await?;
    let replayed = state.webhooks.replay(&tenant, webhook, id).await?;
    let view = DeliveryView::from(replayed.ok_or_else(no_such_delivery)?);
    Ok((StatusCode::ACCEPTED, Json(view)).into_response())
}

/// Tell an endpoint again what happened in a time
///
/// Sends what it was told once more, each with the same `webhook-id` and payload, signed anew, and again up to ten times:
/// of what happened between `since` and `until`, and stands as `state` says. Nothing said is
/// refused. Where they are very many it takes several requests, each with the `next_cursor` of the one before.
#[utoipa::path(
    post,
    path = "/api/v2/webhooks/{webhook_id}/replay",
    tag = "webhooks",
    params(WebhookIdParam, ReplayParams),
    responses(
        (status = 200, description = "How many would be sent: none is", body = ReplayedView),
        (status = 202, description = "So many are to be sent", body = ReplayedView),
        ReplayTimeProblems,
    ),
)]
pub(crate) async fn replay_time(
    State(state): State<Arc<WriteState>>,
    Writer(tenant): Writer,
    InPath(id): InPath,
    Query(query): Query<ReplayQuery>,
) -> Result<Response, Problem> {
    let ReplayQuery {
        filter,
        before,
        dry_run,
    } = query;
    let _memory = state.in_flight.of(&tenant).hold(MEMORY_OF_A_BATCH).await?;
    check_webhook(&state, &tenant, id).await?;
    let replayed = state
        .webhooks
        .replay_all(&tenant, id, filter, before, dry_run);
    let replayed = replayed.await?;
    let view = ReplayedView {
        replayed: replayed.deliveries,
        dry_run,
        next_cursor: replayed.next.map(Cursor),
    };
    let status = if dry_run {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok((status, Json(view)).into_response())
}

async fn check_webhook(
    state: &WriteState,
    tenant: &TenantId,
    id: WebhookId,
) -> Result<(), Problem> {
    let webhook = state.webhooks.webhooks.webhook(tenant, id).await?;
    webhook.map(|_| ()).ok_or_else(no_such_webhook)
}

fn no_such_webhook() -> Problem {
    Problem::new(
        ErrorCode::WebhookNotFound,
        "you have no such endpoint, and no such batch with one; GET /api/v2/webhooks lists yours",
    )
}

fn no_such_delivery() -> Problem {
    Problem::new(
        ErrorCode::DeliveryNotFound,
        "the endpoint was told no such thing; GET /api/v2/webhooks/{webhook_id}/deliveries lists what it was",
    )
}
