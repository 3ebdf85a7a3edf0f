//! What follows the settling of a flow, and is done again if a crash came between.

use jiff::Timestamp;

use crate::ports::{Completion, FlowWrites, SettledCount, Unavailable};
use crate::{BatchId, Flow, TenantId, WebhookDelivery, WebhookEvent};

/// How many settled flows are noted for endpoints at once: each may be told of to eleven of them, in payloads of some KB.
const TOLD_TOGETHER: usize = 100;

/// Notes for endpoints that flows of one batch settled, counts them and, if the last of it is among them, notes that it is completed and does what
/// follows. Idempotent; MUST be done before the message of any of them is acknowledged.
pub(super) async fn note_settled(
    flows: &dyn FlowWrites,
    settled: &[&Flow],
    now: Timestamp,
) -> Result<(), Unavailable> {
    let Some(Flow {
        batch_id, tenant, ..
    }) = settled.first()
    else {
        return Ok(());
    };
    // Before they are counted: what is counted nobody looks at again.
    for some in settled.chunks(TOLD_TOGETHER) {
        let told = some
            .iter()
            .flat_map(|flow| WebhookDelivery::of_settled(flow));
        let mut told: Vec<_> = told.collect();
        if flows.has_bus() {
            let announced = some.iter().copied();
            told.extend(announced.filter_map(WebhookDelivery::announces_settled));
        }
        if !told.is_empty() {
            flows.put_deliveries(&told).await?;
        }
    }
    let settled: Vec<_> = settled.iter().map(|flow| (*flow).into()).collect();
    if flows.count_settled(*batch_id, &settled).await? == SettledCount::Open {
        return Ok(());
    }
    let completion = flows.mark_completed(*batch_id, now).await?;
    follow_completion(flows, completion, *batch_id, tenant).await
}

/// Does what follows for who completed a batch. Whoever crashes here leaves it to the sweep.
pub(super) async fn follow_completion(
    flows: &dyn FlowWrites,
    completion: Completion,
    batch_id: BatchId,
    tenant: &TenantId,
) -> Result<(), Unavailable> {
    match completion {
        Completion::First => follow(flows, batch_id, tenant).await,
        Completion::Unheard => {
            log_completed(batch_id, tenant);
            Ok(())
        }
        Completion::Already => Ok(()),
    }
}

fn log_completed(batch_id: BatchId, tenant: &TenantId) {
    tracing::info!(%batch_id, %tenant, "batch completed");
}

/// Does what follows from the completion of a batch: at least once, whatever crashes. Its endpoints are told later, by
/// [`DeliverWebhooks`](super::DeliverWebhooks); whatever happens there, nobody here waits for it.
pub(super) async fn follow(
    flows: &dyn FlowWrites,
    batch_id: BatchId,
    tenant: &TenantId,
) -> Result<(), Unavailable> {
    log_completed(batch_id, tenant);
    note_for_webhooks(flows, batch_id, tenant).await?;
    flows.completion_done(batch_id).await
}

/// Notes what the tenant's endpoints, and that of the batch, are to be told. Again, it is the same: whoever crashed before it was done
/// doubles nothing.
async fn note_for_webhooks(
    flows: &dyn FlowWrites,
    batch_id: BatchId,
    tenant: &TenantId,
) -> Result<(), Unavailable> {
    let (mut webhooks, batch) =
        tokio::try_join!(flows.webhooks(tenant), flows.batch(tenant, batch_id))?;
    let Some(batch) = batch else {
        return Ok(());
    };
    webhooks.extend(batch.webhook.as_deref().cloned());
    webhooks.retain(|webhook| webhook.wants(WebhookEvent::BatchCompleted));
    if webhooks.is_empty() && !flows.has_bus() {
        return Ok(());
    }
    let counts = flows.progress(&batch).await?;
    let mut deliveries: Vec<_> = webhooks
        .iter()
        .map(|webhook| WebhookDelivery::of_completion(webhook, &batch, counts))
        .collect();
    if flows.has_bus() {
        deliveries.push(WebhookDelivery::announces_completion(&batch, counts));
    }
    flows.put_deliveries(&deliveries).await
}
