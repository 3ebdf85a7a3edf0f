//! What a schedule does: finishes what a crash left half done, and wakes flows that rest.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::completion::follow;
use super::pages::all_flows;
use super::submit::Submit;
use crate::ports::{FlowChanges as _, Outgoing, Unavailable};
use crate::{Batch, FlowFilter};

const BATCHES: usize = 100;
/// How many flows are woken together, and of how many that is noted at the same time.
const DUE: usize = 500;
const PARALLEL: usize = 32;

/// Sends the messages of batches whose sending did not finish, and of flows that rest and are due; does what follows
/// from completions that a crash cut off.
#[derive(Clone)]
pub struct Sweep {
    /// How batches are sent.
    pub submit: Submit,
    /// How old a batch, or its completion, must be before it counts as left behind. MUST exceed how long callers of
    /// [`RunSynchronously`](super::RunSynchronously) are kept waiting.
    pub grace: Duration,
}

/// What a sweep found to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Batches that were left half sent.
    pub batches: usize,
    /// Flows that rested and were due.
    pub flows: usize,
    /// Batches from whose completion not all had followed.
    pub completions: usize,
}

impl Sweep {
    /// Does all of it; what fails keeps nothing else from being done.
    ///
    /// # Errors
    /// The first [`Unavailable`]; each is logged.
    pub async fn run(&self) -> Result<Swept, Unavailable> {
        let (batches, flows, completions) =
            tokio::join!(self.send_again(), self.wake(), self.complete());
        for error in [&batches, &flows, &completions]
            .into_iter()
            .filter_map(|done| done.as_ref().err())
        {
            tracing::error!(error = error as &dyn std::error::Error, "sweep failed");
        }
        Ok(Swept {
            batches: batches?,
            flows: flows?,
            completions: completions?,
        })
    }

    /// Dispatches every batch that was left behind. How many there were.
    async fn send_again(&self) -> Result<usize, Unavailable> {
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

    /// Sends a message for every flow that rests without one and is due. How many there were.
    async fn wake(&self) -> Result<usize, Unavailable> {
        let mut woken = 0;
        loop {
            let due = self.submit.flows.due(self.submit.clock.now(), DUE).await?;
            if due.is_empty() {
                return Ok(woken);
            }
            // With the row as it was read: one as it is about to be written would be the guess of whatever else is
            // written meanwhile, a cancellation for one.
            let messages: Vec<_> = due
                .iter()
                .map(|flow| Outgoing::now(flow.message()))
                .collect();
            self.submit.queue.send(&messages).await?;
            woken += due.len();
            let noted = stream::iter(due)
                .map(async |flow| match flow.due_at {
                    Some(due_at) => self.submit.flows.wake(&flow, due_at).await,
                    None => Ok(()),
                })
                .buffer_unordered(PARALLEL);
            // Those not noted are sent for again.
            noted.try_collect::<Vec<()>>().await?;
        }
    }

    /// Does what follows from each completion that was left behind. How many there were.
    async fn complete(&self) -> Result<usize, Unavailable> {
        let completed_before = self.submit.clock.now() - self.grace;
        let flows = &self.submit.flows;
        let batches = flows.completions(completed_before, BATCHES).await?;
        for batch in &batches {
            follow(&**flows, batch.id, &batch.tenant).await?;
        }
        Ok(batches.len())
    }

    async fn dispatch(&self, batch: &Batch) -> Result<(), Unavailable> {
        let every = FlowFilter::default();
        let flows = all_flows(&*self.submit.flows, &batch.tenant, batch.id, &every).await?;
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
