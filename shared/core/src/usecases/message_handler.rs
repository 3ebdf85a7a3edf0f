//! What a worker does with one message.

use std::sync::Arc;
use std::time::Duration;

use super::process::{Outcome, Process, Waiting};
use crate::ports::{FlowChanges as _, FlowQueue, MAX_DELAY, Outgoing, Unavailable};
use crate::{Flow, FlowMessage};

/// How long a message rests after a dependency failed, at the least; a random share is added.
const REST: Duration = Duration::from_secs(5);
/// How much earlier than its slot a flow is woken that rests: the last of the wait is a delayed message.
pub(super) const WOKEN_EARLY: Duration = Duration::from_mins(2);

/// Handles messages of the queue.
#[derive(Clone)]
pub struct MessageHandler {
    /// What is done with the flow.
    pub process: Process,
    /// Where messages go that have to wait.
    pub queue: Arc<dyn FlowQueue>,
}

impl MessageHandler {
    /// Handles one message. After `Ok` it MUST be acknowledged: the flow is settled, or another
    /// message was sent for it. Waiting is a delayed message, so that the redrive count of a queue
    /// counts crashes alone.
    ///
    /// # Errors
    /// [`Unavailable`] when not even a message could be sent: this one has to come again.
    pub async fn handle(&self, message: &FlowMessage) -> Result<(), Unavailable> {
        let process = &self.process;
        let step = process.attempt(message.flow_ref(), Waiting::Nobody).await;
        self.follow(message, step).await
    }

    /// Does what comes after an attempt: sends another message for a flow that is not settled.
    pub(super) async fn follow(
        &self,
        message: &FlowMessage,
        step: Result<Outcome, Unavailable>,
    ) -> Result<(), Unavailable> {
        let (delay, row) = match step {
            Ok(Outcome::Settled { .. } | Outcome::Gone | Outcome::Rests) => return Ok(()),
            Ok(Outcome::HandOver { row }) => (Duration::ZERO, row),
            Ok(Outcome::Wait { until, row }) => (self.process.time_until(until), row),
            Err(error) => {
                tracing::error!(
                    flow_id = %message.flow_id,
                    tenant = %message.tenant,
                    dependency = error.dependency,
                    error = &error as &dyn std::error::Error,
                    "attempt broke off"
                );
                (REST + REST.mul_f64(rand::random()), None)
            }
        };
        let next = match row {
            Some(row) => FlowMessage {
                hops: message.hops,
                ..row.message()
            },
            // What it carries was the row before the attempt.
            None => message.without_row(),
        };
        self.send_on(next, delay).await
    }

    /// Has a flow processed after a time, by another message in the place of this one. AWS ends what goes from
    /// a function to a queue to a function for too long
    /// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>): a flow that was sent on too
    /// often, or waits for longer than a message can, rests until the [`Sweep`](super::Sweep) finds it.
    ///
    /// # Errors
    /// [`Unavailable`] when neither could be done.
    pub async fn send_on(&self, message: FlowMessage, delay: Duration) -> Result<(), Unavailable> {
        let limit = self.process.limits.hops;
        let has_slot = |row: &Flow| row.progress.slot.is_some();
        let has_slot = message.row.as_deref().is_some_and(has_slot);
        let most = self
            .process
            .limits
            .waits_by_messages(message.hops, has_slot);
        let rests = most.is_some_and(|most| most.is_zero() || delay > most);
        let flows = &self.process.flows;
        // The schedule is inexact to a minute, and a slot is not. Whose row is not known may have one, and be due for it
        // already: to say when it is due MUST NOT make it late.
        let rest = if has_slot || message.row.is_none() {
            delay.saturating_sub(WOKEN_EARLY)
        } else {
            delay
        };
        if rests
            && flows
                .rest(message.flow_ref(), self.process.clock.after(rest))
                .await?
        {
            return Ok(());
        }
        let outgoing = Outgoing {
            message: FlowMessage {
                // Counted where it is bounded: elsewhere all messages of a flow are the same, and SQLite's
                // quarantine tells them by that.
                hops: limit.map_or(0, |_| message.hops + 1),
                ..message
            },
            delay: delay.min(MAX_DELAY),
        };
        self.queue.send(&[outgoing]).await
    }
}
