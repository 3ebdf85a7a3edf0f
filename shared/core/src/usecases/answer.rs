//! Answering at once: the flows of a small batch run while the caller waits.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::order::Order;
use super::process::{Process, Step};
use super::submit::{Accepted, Submit};
use crate::ports::Unavailable;
use crate::{Flow, FlowId};

/// Runs batches while their caller waits.
///
/// They are accepted like any other batch, so a crash loses nothing: the sweep finds them. What
/// does not settle in time goes to the queue.
#[derive(Clone)]
pub struct Answer {
    /// How they are accepted.
    pub submit: Submit,
    /// How their flows run.
    pub process: Process,
    /// How many flows of one batch run at the same time.
    pub parallel: usize,
    /// How long callers are kept waiting. MUST be less than the grace of the sweep.
    pub patience: Duration,
}

impl Answer {
    /// Accepts an order and runs it for as long as the caller can wait. The flows as they are
    /// then, in the order of the request; those not settled are in the queue.
    pub async fn run(&self, order: Order) -> Result<Accepted, Unavailable> {
        let deadline = Instant::now() + self.patience;
        let mut accepted = self.submit.accept(order, None).await?;
        self.run_until(&accepted.flows, deadline).await;
        accepted.flows = self.reread(&accepted).await?;
        self.submit
            .dispatch(&accepted.batch, &accepted.flows)
            .await?;
        Ok(accepted)
    }

    async fn run_until(&self, flows: &[Flow], deadline: Instant) {
        let open: Vec<FlowId> = flows
            .iter()
            .filter(|flow| !flow.state().is_settled())
            .map(|flow| flow.id)
            .collect();
        let process = self.process.clone();
        let runs = stream::iter(open)
            // A task of its own: an attempt that the deadline overtakes goes on where it can,
            // instead of being cut off in the middle of a paid call.
            .map(move |id| tokio::spawn(settle_before(process.clone(), id, deadline)))
            .buffer_unordered(self.parallel)
            .for_each(async |_| ());
        // Out of time is as good an end as any: what is unfinished is seen in the rows.
        let _ = tokio::time::timeout_at(deadline, runs).await;
    }

    async fn reread(&self, accepted: &Accepted) -> Result<Vec<Flow>, Unavailable> {
        let ids: Vec<_> = accepted.flows.iter().map(|flow| flow.id).collect();
        let rows = self
            .submit
            .flows
            .flows(&accepted.batch.tenant, &ids)
            .await?;
        // Every flow was just written; one that is not found stays as it was accepted.
        Ok(rows
            .into_iter()
            .zip(&accepted.flows)
            .map(|(row, accepted)| row.unwrap_or_else(|| accepted.clone()))
            .collect())
    }
}

async fn settle_before(process: Process, id: FlowId, deadline: Instant) {
    loop {
        match process.attempt(id).await {
            Ok(Step::Settled | Step::Gone) => return,
            Ok(Step::Wait { until }) => {
                let wait = until.duration_since(process.clock.now());
                let due = Instant::now() + Duration::try_from(wait).unwrap_or(Duration::ZERO);
                if due >= deadline {
                    return;
                }
                tokio::time::sleep_until(due).await;
            }
            Err(error) => {
                tracing::error!(
                    flow_id = %id,
                    dependency = error.dependency,
                    error = &error as &dyn std::error::Error,
                    "attempt broke off"
                );
                return;
            }
        }
    }
}
