//! Noting how far batches are, where an endpoint asks for it.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::Meter;
use jiff::Timestamp;

use crate::ports::{FlowWrites, Unavailable};
use crate::{Flow, WebhookDelivery};

/// How long after a flow settled it is noted how far its batch is, at the least, with all that settled meanwhile.
const AFTER: Duration = Duration::from_millis(500);

impl Meter {
    /// Has it noted how far the batch of a flow is that settled, if endpoints want to be told. No flow waits for it: it is
    /// done by a task of its own, which a process that ends takes along. What is told of the completion says the last.
    pub(super) fn note_progress(&self, flows: &Arc<dyn FlowWrites>, flow: &Flow) {
        if flow.tells_progress.is_empty() && !flows.has_bus() {
            return;
        }
        let batch_id = flow.batch_id;
        let noting = self.noting.clone();
        let mut batches = noting.lock().unwrap_or_else(PoisonError::into_inner);
        if !batches.insert(batch_id) {
            return;
        }
        drop(batches);
        let (meter, flows, flow) = (self.clone(), flows.clone(), flow.clone());
        tokio::spawn(async move {
            tokio::time::sleep(AFTER).await;
            noting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&batch_id);
            // What settles from here on is noted later. In a half second that begins after all that settled before, so that
            // it has that, whichever process notes it.
            let begins =
                WebhookDelivery::half_second(meter.clock.now()) + WebhookDelivery::HALF_A_SECOND;
            let until = begins.duration_since(meter.clock.now());
            tokio::time::sleep(until.try_into().unwrap_or_default()).await;
            if let Err(error) = meter.put_progress(&*flows, &flow, begins).await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%batch_id, error, "progress was not noted");
            }
        });
    }

    async fn put_progress(
        &self,
        flows: &dyn FlowWrites,
        flow: &Flow,
        begins: Timestamp,
    ) -> Result<(), Unavailable> {
        let batch = flows.batch(&flow.tenant, flow.batch_id).await?;
        let Some(batch) = batch.filter(|batch| batch.completed_at.is_none()) else {
            return Ok(());
        };
        // The row is read anyway, and each worker does this for each batch twice a second.
        let counts = batch.counts_so_far();
        let webhooks = &flow.tells_progress;
        let now = self.clock.now().max(begins);
        let mut told = WebhookDelivery::of_progress(webhooks, &batch, counts, now);
        if flows.has_bus() {
            told.extend(WebhookDelivery::announces_progress(&batch, counts, now));
        }
        flows.put_deliveries(&told).await
    }
}
