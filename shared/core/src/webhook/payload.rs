//! What endpoints are told.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Webhook, WebhookDelivery, WebhookEvent};
use crate::{
    Batch, BatchId, BatchName, BatchStatus, Counts, DeliveryId, DeliveryState, Failure, Flow,
    FlowId, FlowState, Labels, MediaType, OperationName, Sha256Digest, Status, TenantId, WebhookId,
};

/// A payload as Standard Webhooks recommends it.
#[derive(Serialize)]
struct Payload<Data> {
    #[serde(rename = "type")]
    event: WebhookEvent,
    /// When it happened.
    timestamp: String,
    data: Data,
}

/// A batch that is complete: at most some 10 KB, of which its labels are most.
#[derive(Serialize)]
struct CompletedBatch<'a> {
    batch_id: BatchId,
    operation: &'a OperationName,
    status: &'static str,
    digital_asset_count: u32,
    counts: FinalCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a BatchName>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of: Option<BatchId>,
    created_at: String,
    completed_at: String,
}

#[derive(Serialize)]
struct FinalCounts {
    completed: u32,
    failed: u32,
    cancelled: u32,
}

/// A flow that settled. Its result is asked for where its links are made: they don't live as long as this is told.
#[derive(Serialize)]
struct SettledFlowData<'a> {
    flow_id: FlowId,
    batch_id: BatchId,
    index: u32,
    state: FlowState,
    digital_asset_url: String,
    operation: &'a OperationName,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<OutputData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    attempts: u32,
    unconfirmed_calls: u32,
    created_at: String,
    settled_at: String,
}

#[derive(Serialize)]
struct OutputData<'a> {
    media_type: &'a MediaType,
    bytes: u64,
    sha256: &'a Sha256Digest,
}

/// A batch of which some flows settled.
#[derive(Serialize)]
struct BatchUnderWay<'a> {
    batch_id: BatchId,
    operation: &'a OperationName,
    status: &'static str,
    digital_asset_count: u32,
    counts: CurrentCounts,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a BatchName>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: &'a Labels,
    created_at: String,
}

#[derive(Serialize)]
struct CurrentCounts {
    pending: u32,
    running: u32,
    completed: u32,
    failed: u32,
    cancelled: u32,
}

#[derive(Serialize)]
struct PausedOperation<'a> {
    operation: &'a OperationName,
    paused_at: String,
}

/// A payload has fewer bytes: 20 KB are the most that is recommended.
const LONGEST: usize = 20_000;
/// Where a payload would be longer, the texts of it that others wrote have so many characters; in JSON one of them may
/// take six bytes.
const SHORTENED: usize = 1_000;

impl WebhookDelivery {
    /// What each endpoint is told of the settling of a flow that it [tells](Flow::tells): the same each time, id and all.
    /// Nothing of a flow that is not settled.
    pub fn of_settled(flow: &Flow) -> Vec<Self> {
        let Some(settled_at) = flow.status.settled_at() else {
            return Vec::new();
        };
        Self::settled_to(&flow.tells, flow, settled_at)
    }

    /// What those with these ids are told of a flow that settled then.
    pub(super) fn settled_to(
        webhooks: &[WebhookId],
        flow: &Flow,
        settled_at: Timestamp,
    ) -> Vec<Self> {
        if webhooks.is_empty() {
            return Vec::new();
        }
        let mut payload = settled(flow, settled_at, usize::MAX);
        if payload.len() >= LONGEST {
            payload = settled(flow, settled_at, SHORTENED);
        }
        let told = |webhook: &WebhookId| Self {
            id: DeliveryId::of_settled(flow.id, settled_at, *webhook),
            webhook_id: *webhook,
            of_batch: *webhook == WebhookId::of_batch(flow.batch_id),
            tenant: flow.tenant.clone(),
            event: WebhookEvent::FlowSettled,
            payload: payload.clone(),
            created_at: settled_at,
            state: DeliveryState::Pending { due_at: settled_at },
            tries: 0,
            attempts: Vec::new(),
            revision: 1,
        };
        webhooks.iter().map(told).collect()
    }

    /// How often it may be told how far a batch is.
    pub const HALF_A_SECOND: Duration = Duration::from_millis(500);

    /// When the half second began in which this is.
    pub fn half_second(now: Timestamp) -> Timestamp {
        let millisecond = now.as_millisecond();
        let began = millisecond - millisecond.rem_euclid(500);
        Timestamp::from_millisecond(began).unwrap_or(now)
    }

    /// What these endpoints are told of how far a batch is: [once in half a second](DeliveryId::of_progress).
    pub fn of_progress(
        webhooks: &[WebhookId],
        batch: &Batch,
        counts: Counts,
        now: Timestamp,
    ) -> Vec<Self> {
        let payload = Payload {
            event: WebhookEvent::BatchProgress,
            timestamp: time(now),
            data: BatchUnderWay {
                batch_id: batch.id,
                operation: &batch.operation,
                status: status(counts.status()),
                digital_asset_count: batch.size,
                counts: CurrentCounts {
                    pending: counts.pending,
                    running: counts.running,
                    completed: counts.completed,
                    failed: counts.failed,
                    cancelled: counts.cancelled,
                },
                name: batch.name.as_ref(),
                labels: &batch.labels,
                created_at: time(batch.created_at),
            },
        };
        // Names, numbers and times always serialise.
        let payload = serde_json::to_string(&payload).unwrap_or_default();
        let told = |webhook: &WebhookId| {
            let at = Self::half_second(now);
            Self {
                id: DeliveryId::of_progress(batch.id, at, *webhook),
                webhook_id: *webhook,
                of_batch: *webhook == WebhookId::of_batch(batch.id),
                tenant: batch.tenant.clone(),
                event: WebhookEvent::BatchProgress,
                payload: payload.clone(),
                created_at: at,
                state: DeliveryState::Pending { due_at: at },
                tries: 0,
                attempts: Vec::new(),
                revision: 1,
            }
        };
        webhooks.iter().map(told).collect()
    }

    /// What an endpoint is told of an operation that an operator paused then: the same each time, id and all.
    pub fn of_pause(webhook: &Webhook, operation: &OperationName, since: Timestamp) -> Self {
        Self::pause_to(webhook.id, &webhook.tenant, operation, since)
    }

    /// What the one with this id, who is a tenant's, is told of a pause.
    pub(super) fn pause_to(
        webhook: WebhookId,
        tenant: &TenantId,
        operation: &OperationName,
        since: Timestamp,
    ) -> Self {
        let payload = Payload {
            event: WebhookEvent::OperationPaused,
            timestamp: time(since),
            data: PausedOperation {
                operation,
                paused_at: time(since),
            },
        };
        Self {
            id: DeliveryId::of_pause(operation, since, webhook),
            webhook_id: webhook,
            of_batch: false,
            tenant: tenant.clone(),
            event: WebhookEvent::OperationPaused,
            // Names and times always serialise.
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            created_at: since,
            state: DeliveryState::Pending { due_at: since },
            tries: 0,
            attempts: Vec::new(),
            revision: 1,
        }
    }

    /// What an endpoint is told of the completion of a batch, whose flows ended so: the same each time, id and all.
    pub fn of_completion(webhook: &Webhook, batch: &Batch, counts: Counts) -> Self {
        Self::completion_to(webhook.id, &webhook.tenant, batch, counts)
    }

    /// What the one with this id, who is a tenant's, is told of a completion.
    pub(super) fn completion_to(
        webhook: WebhookId,
        tenant: &TenantId,
        batch: &Batch,
        counts: Counts,
    ) -> Self {
        let completed_at = batch.completed_at.unwrap_or(batch.created_at);
        let payload = Payload {
            event: WebhookEvent::BatchCompleted,
            timestamp: time(completed_at),
            data: CompletedBatch {
                batch_id: batch.id,
                operation: &batch.operation,
                status: status(counts.status()),
                digital_asset_count: batch.size,
                counts: FinalCounts {
                    completed: counts.completed,
                    failed: counts.failed,
                    cancelled: counts.cancelled,
                },
                name: batch.name.as_ref(),
                labels: &batch.labels,
                retry_of: batch.retry_of,
                created_at: time(batch.created_at),
                completed_at: time(completed_at),
            },
        };
        Self {
            id: DeliveryId::of_completion(batch.id, completed_at, webhook),
            webhook_id: webhook,
            of_batch: webhook == WebhookId::of_batch(batch.id),
            tenant: tenant.clone(),
            event: WebhookEvent::BatchCompleted,
            // Names, numbers and times always serialise.
            payload: serde_json::to_string(&payload).unwrap_or_default(),
            created_at: completed_at,
            state: DeliveryState::Pending {
                due_at: completed_at,
            },
            tries: 0,
            attempts: Vec::new(),
            revision: 1,
        }
    }
}

/// The payload, with at most so many characters of each text that others wrote.
fn settled(flow: &Flow, settled_at: Timestamp, longest: usize) -> String {
    let shortened = |text: &str| text.chars().take(longest).collect::<String>();
    let (result, error) = match &flow.status {
        Status::Completed { output, .. } => (Some(output), None),
        Status::Failed { failure, .. } => (None, Some(failure)),
        Status::Pending { .. } | Status::Running { .. } | Status::Cancelled { .. } => (None, None),
    };
    let payload = Payload {
        event: WebhookEvent::FlowSettled,
        timestamp: time(settled_at),
        data: SettledFlowData {
            flow_id: flow.id,
            batch_id: flow.batch_id,
            index: flow.index,
            state: flow.state(),
            digital_asset_url: shortened(&flow.source.to_string()),
            operation: &flow.operation,
            result: result.map(|output| OutputData {
                media_type: &output.media_type,
                bytes: output.bytes,
                sha256: &output.sha256,
            }),
            error: error.map(|failure| Failure {
                message: shortened(&failure.message),
                ..failure.clone()
            }),
            attempts: flow.attempts,
            unconfirmed_calls: flow.unconfirmed_calls,
            created_at: time(flow.created_at),
            settled_at: time(settled_at),
        },
    };
    // Names, numbers and times always serialise.
    serde_json::to_string(&payload).unwrap_or_default()
}

/// RFC 3339 in UTC with milliseconds, as everywhere else.
fn time(time: Timestamp) -> String {
    format!("{time:.3}")
}

fn status(status: BatchStatus) -> &'static str {
    match status {
        BatchStatus::Running => "RUNNING",
        BatchStatus::Completed => "COMPLETED",
        BatchStatus::Partial => "PARTIAL",
        BatchStatus::Failed => "FAILED",
        BatchStatus::Cancelled => "CANCELLED",
    }
}
