//! Finishing what a crash left half sent.

use std::time::Duration;

use super::pages::all_flows;
use super::submit::Submit;
use crate::Batch;
use crate::ports::Unavailable;

const BATCHES: usize = 100;

/// Sends the messages of batches whose sending did not finish.
#[derive(Clone)]
pub struct Sweep {
    /// How batches are sent.
    pub submit: Submit,
    /// How old a batch must be before it counts as left behind. MUST exceed how long callers of
    /// [`Answer`](super::Answer) are kept waiting.
    pub grace: Duration,
}

impl Sweep {
    /// Dispatches every batch that was left behind. How many there were.
    pub async fn run(&self) -> Result<usize, Unavailable> {
        let created_before = self.submit.clock.now() - self.grace;
        let batches = self
            .submit
            .flows
            .undispatched(created_before, BATCHES)
            .await?;
        for batch in &batches {
            if let Err(error) = self.dispatch(batch).await {
                // One that can't be helped now keeps no other from being helped.
                tracing::error!(
                    batch_id = %batch.id,
                    tenant = %batch.tenant,
                    error = &error as &dyn std::error::Error,
                    "batch was not sent again"
                );
            }
        }
        Ok(batches.len())
    }

    async fn dispatch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let flows = all_flows(&*self.submit.flows, batch.id, None).await?;
        // The list may lag behind the rows: only a whole one may end the sweep's care.
        if flows.len() < batch.size as usize {
            tracing::warn!(
                batch_id = %batch.id,
                tenant = %batch.tenant,
                flows = flows.len(),
                size = batch.size,
                "batch lacks flows"
            );
            return Ok(());
        }
        tracing::warn!(batch_id = %batch.id, tenant = %batch.tenant, "batch sent again");
        self.submit.dispatch(batch, &flows).await
    }
}
