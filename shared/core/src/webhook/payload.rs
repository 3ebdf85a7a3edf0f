//! What endpoints are told.

use jiff::Timestamp;
use serde::Serialize;

use super::{Webhook, WebhookDelivery, WebhookEvent};
use crate::{
    Batch, BatchId, BatchName, BatchStatus, Counts, DeliveryId, DeliveryState, Labels,
    OperationName, WebhookId,
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

impl WebhookDelivery {
    /// What an endpoint is told of the completion of a batch, whose flows ended so: the same each time, id and all.
    pub fn of_completion(webhook: &Webhook, batch: &Batch, counts: Counts) -> Self {
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
            id: DeliveryId::of_completion(batch.id, completed_at, webhook.id),
            webhook_id: webhook.id,
            of_batch: webhook.id == WebhookId::of_batch(batch.id),
            tenant: webhook.tenant.clone(),
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
