//! Settling flows whose messages are dead letters.

use std::sync::Arc;

use super::completion::note_settled;
use crate::ports::{Clock, FlowChanges as _, FlowWrites, Unavailable};
use crate::{Failure, FlowMessage};

/// Settles flows whose messages are dead letters.
#[derive(Clone)]
pub struct FailDeadLetter {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl FailDeadLetter {
    /// Settles the flow of a dead letter as failed, unless it is settled. After `Ok` the letter
    /// MUST be acknowledged.
    pub async fn handle(&self, message: &FlowMessage) -> Result<(), Unavailable> {
        let now = self.clock.now();
        let Some(flow) = self
            .flows
            .fail_dead_letter(message.flow_id, Failure::worker_crashed(), now)
            .await?
        else {
            return Ok(());
        };
        tracing::error!(
            flow_id = %flow.id,
            batch_id = %flow.batch_id,
            tenant = %flow.tenant,
            operation = %flow.operation,
            attempt = flow.attempts,
            "dead letter"
        );
        note_settled(&*self.flows, &[&flow], now).await
    }
}
