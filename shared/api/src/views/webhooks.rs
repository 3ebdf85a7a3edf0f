//! Endpoints and what they are told, in JSON.

use assetmill_core::{
    Batch, DeliveryAttempt, DeliveryId, DeliveryStanding, Webhook, WebhookDelivery, WebhookEvent,
    WebhookId,
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, Object, ObjectBuilder, Type};

use super::time::Time;
use crate::cursor::Cursor;

/// An endpoint. Its secret is shown once, when it is made.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookView {
    /// Its id.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a9000")]
    webhook_id: WebhookId,
    /// Where it is.
    #[schema(example = "https://example.com/hooks/assetmill")]
    url: String,
    /// What it is told of.
    #[schema(schema_with = events)]
    events: Vec<&'static str>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    created_at: Time,
    /// Until when a secret signs too that another took the place of. Absent where none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    old_secret_until: Option<Time>,
    /// When it answered 410: it is told nothing any more. Absent while it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Time>,
}

/// An endpoint with its new secret.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = NewWebhook)]
pub struct NewWebhookView {
    /// The endpoint.
    #[serde(flatten)]
    webhook: WebhookView,
    /// What payloads are signed with. It is not shown again.
    #[schema(
        pattern = "^whsec_[A-Za-z0-9+/]{43}=$",
        example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    )]
    secret: String,
}

/// The caller's endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhooks)]
pub struct WebhooksView {
    /// The endpoints, the earliest first.
    #[schema(max_items = 10)]
    webhooks: Vec<WebhookView>,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[schema(as = DeliveryState)]
pub(crate) enum DeliveryStateView {
    /// Is to be sent, or sent again.
    Pending,
    /// The endpoint answered with a status from 200 to 299.
    Delivered,
    /// Is not sent any more unless it is replayed: ten attempts failed, or the endpoint answered 410.
    GivenUp,
}

/// Something that an endpoint is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct DeliveryView {
    /// Its id: the `webhook-id` of every attempt.
    #[schema(value_type = String, format = "uuid", example = "01890a5d-ac96-774b-bcce-b302099a9001")]
    delivery_id: DeliveryId,
    /// What it tells of.
    #[schema(schema_with = event)]
    event: &'static str,
    /// Where it stands.
    state: DeliveryStateView,
    /// When that happened.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    created_at: Time,
    /// When it is sent next, at the earliest; absent where it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Time>,
    /// What is sent.
    #[schema(value_type = Object)]
    payload: Value,
    /// The last 20 attempts that ended, the earliest first.
    #[schema(max_items = 20)]
    attempts: Vec<AttemptView>,
}

/// An attempt that ended.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub(super) struct AttemptView {
    /// When it began.
    #[schema(value_type = String, format = DateTime, example = "2026-01-31T09:30:00.000Z")]
    at: Time,
    /// The status that was answered; absent where nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 999, example = 301)]
    status: Option<u16>,
    /// What was wrong, where the status does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        max_length = 512,
        example = "redirects are not followed; it leads to https://example.com/new"
    )]
    error: Option<String>,
    /// The beginning of the body that was answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 512)]
    answer: Option<String>,
}

/// A page of what an endpoint is told, the latest batch first.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeliveriesPage {
    /// The deliveries.
    pub(crate) deliveries: Vec<DeliveryView>,
    /// What to send as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) next_cursor: Option<Cursor<DeliveryId>>,
}

/// What was replayed of many.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replayed)]
pub struct ReplayedView {
    /// How many deliveries are sent again, or with `dry_run` would be.
    #[schema(example = 12)]
    pub(crate) replayed: usize,
    /// Whether nothing is sent again, because that was asked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub(crate) dry_run: bool,
    /// What to send as `cursor`, with all else as before, for those that were not looked at; absent where all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) next_cursor: Option<Cursor<DeliveryId>>,
}

/// The name of an event, in the document.
fn event() -> Object {
    one_of(&WebhookEvent::ALL)
}

/// A list of them that has some.
pub(crate) fn events() -> Array {
    some_of(&WebhookEvent::ALL)
}

/// The same of what the endpoint of a batch can be told of.
pub(crate) fn events_of_batches() -> Array {
    some_of(&WebhookEvent::OF_BATCHES)
}

fn one_of(events: &[WebhookEvent]) -> Object {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(events.iter().map(|event| event.as_str())))
        .build()
}

fn some_of(events: &[WebhookEvent]) -> Array {
    ArrayBuilder::new()
        .items(one_of(events))
        .min_items(Some(1))
        .description(Some("What it is told of."))
        .build()
}

impl WebhookView {
    fn new(webhook: &Webhook, now: Timestamp) -> Self {
        Self {
            webhook_id: webhook.id,
            url: webhook.url.to_string(),
            events: webhook.events.iter().map(|event| event.as_str()).collect(),
            created_at: webhook.created_at.into(),
            old_secret_until: webhook.retires_at(now).map(Time::from),
            disabled_at: webhook.disabled_at.map(Time::from),
        }
    }
}

impl NewWebhookView {
    /// The endpoint as it is `now`.
    pub(crate) fn new(webhook: &Webhook, now: Timestamp) -> Self {
        Self {
            webhook: WebhookView::new(webhook, now),
            secret: webhook.secret.reveal(),
        }
    }
}

impl NewWebhookView {
    /// The endpoint of a batch that was accepted just now.
    pub fn of_batch(batch: &Batch) -> Option<Self> {
        let webhook = batch.webhook.as_deref();
        webhook.map(|webhook| Self::new(webhook, webhook.created_at))
    }
}

impl WebhooksView {
    /// The endpoints as they are `now`.
    pub(crate) fn new(webhooks: &[Webhook], now: Timestamp) -> Self {
        let views = webhooks.iter().map(|it| WebhookView::new(it, now));
        Self {
            webhooks: views.collect(),
        }
    }
}

impl From<WebhookDelivery> for DeliveryView {
    fn from(delivery: WebhookDelivery) -> Self {
        Self {
            delivery_id: delivery.id,
            event: delivery.event.as_str(),
            state: match delivery.state.standing() {
                DeliveryStanding::Pending => DeliveryStateView::Pending,
                DeliveryStanding::Delivered => DeliveryStateView::Delivered,
                DeliveryStanding::GivenUp => DeliveryStateView::GivenUp,
            },
            created_at: delivery.created_at.into(),
            next_attempt_at: delivery.due_at().map(Time::from),
            // It was made of JSON.
            payload: serde_json::from_str(&delivery.payload).unwrap_or_default(),
            attempts: delivery
                .attempts
                .into_iter()
                .map(AttemptView::from)
                .collect(),
        }
    }
}

impl From<DeliveryAttempt> for AttemptView {
    fn from(attempt: DeliveryAttempt) -> Self {
        Self {
            at: attempt.at.into(),
            status: attempt.status,
            error: attempt.error,
            answer: attempt.answer,
        }
    }
}
