//! SQS: one message, one flow.
//!
//! The records of one event are handled at the same time, each in a task of its own, so that the end
//! of one is not the end of the others. What failed is reported by message id, and comes again after
//! the queue's visibility timeout.
//!
//! While DynamoDB, S3 or a vendor is out of order, [`Work`] sends a delayed message in the place of
//! each that it can't handle, and that is the breaker: nothing is reported as failed, so no message
//! is used up, and every flow rests for seconds between two attempts. Only what can't even be sent
//! again is reported, and rests for the visibility timeout.

use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::ports::Outgoing;
use assetmill_core::usecases::Work;
use assetmill_lambda::records::{self, Outcome, Record};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

/// No flow is started with less time left than this.
const TIME_TO_START: Duration = Duration::from_secs(20);
/// What is kept for reporting.
const TIME_TO_REPORT: Duration = Duration::from_secs(2);

/// Handles the events of a queue.
#[derive(Clone)]
pub struct Worker {
    /// What is done with a message.
    pub work: Work,
    /// How many flows are processed at the same time.
    pub parallel: usize,
}

impl Worker {
    /// Handles one event, in `time_left` at the most. Each record is either done with or reported.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let now = Instant::now();
        let last_start = now + time_left.saturating_sub(TIME_TO_START);
        let deadline = now + time_left.saturating_sub(TIME_TO_REPORT);
        let outcomes = stream::iter(event.records.into_iter().map(Record::from))
            .map(|record| self.outcome(record, last_start, deadline))
            .buffer_unordered(self.parallel.max(1))
            .collect::<Vec<_>>();
        records::response(outcomes.await)
    }

    async fn outcome(
        &self,
        record: Record,
        last_start: Instant,
        deadline: Instant,
    ) -> (String, Outcome) {
        let Record {
            message_id,
            message,
            body_bytes,
        } = record;
        let Some(message) = message else {
            tracing::warn!(message_id, body_bytes, "message can't be read");
            return (message_id, Outcome::Failed);
        };
        let outcome = if Instant::now() < last_start {
            self.process(&message_id, message, deadline).await
        } else {
            self.send_again(&message_id, message).await
        };
        (message_id, outcome)
    }

    /// A task of its own keeps a panic to itself, and goes on behind the report of one that is late:
    /// its lease and its fence make that harmless.
    async fn process(&self, message_id: &str, message: FlowMessage, deadline: Instant) -> Outcome {
        let work = self.work.clone();
        let flow_id = message.flow_id;
        let task = tokio::spawn(async move { work.handle(&message).await });
        match tokio::time::timeout_at(deadline, task).await {
            Ok(Ok(Ok(()))) => return Outcome::Done,
            Ok(Ok(Err(error))) => tracing::error!(
                message_id,
                %flow_id,
                error = &error as &dyn std::error::Error,
                "message was not handled"
            ),
            Ok(Err(error)) => {
                tracing::error!(message_id, %flow_id, error = %error, "message stopped its task");
            }
            Err(_) => tracing::error!(message_id, %flow_id, "message was not handled in time"),
        }
        Outcome::Failed
    }

    /// There is too little time left for it. A new message, and not this one another time: how often
    /// a message comes counts the crashes of its workers.
    async fn send_again(&self, message_id: &str, message: FlowMessage) -> Outcome {
        let flow_id = message.flow_id;
        match self.work.queue.send(&[Outgoing::now(message)]).await {
            Ok(()) => {
                tracing::info!(message_id, %flow_id, "message was sent again for want of time");
                Outcome::Done
            }
            Err(error) => {
                tracing::error!(
                    message_id,
                    %flow_id,
                    error = &error as &dyn std::error::Error,
                    "message was not sent again"
                );
                Outcome::Failed
            }
        }
    }
}
