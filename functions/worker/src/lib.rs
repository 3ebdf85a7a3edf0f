//! SQS: one message, one flow.
//!
//! The records of one event are handled at the same time, each in a task of its own, so that the end
//! of one is not the end of the others. What failed is reported by message id, and comes again after
//! the queue's visibility timeout. A record that comes again may have stopped the function: each of those is
//! handled alone, and the messages of all others are sent again before.
//!
//! While DynamoDB, S3 or a vendor is out of order, [`MessageHandler`] sends a delayed message in the place of
//! each that it can't handle, and that is the breaker: nothing is reported as failed, so no message
//! is used up, and every flow rests for seconds between two attempts. So an outage makes no more
//! invocations than there are open flows in those seconds, nor more at the same time than the event
//! source mapping's maximum concurrency. Only what can't even be sent again is reported, rests for the
//! visibility timeout, and is a dead letter after the queue's maximum of deliveries.

use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::usecases::{MessageHandler, Meter};
use assetmill_lambda::records::{self, Outcome, Record};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

/// What an attempt takes besides its operation: fetching is given 30 seconds, storing takes a few.
const AROUND_OPERATION: Duration = Duration::from_secs(35);
/// No flow is started with less time left than this, however little time there was.
const LEAST_TIME: Duration = Duration::from_secs(20);
/// What is kept for reporting.
const TIME_TO_REPORT: Duration = Duration::from_secs(2);

/// Until when things may happen in one invocation.
#[derive(Debug, Clone, Copy)]
struct Schedule {
    /// Flows are started before this.
    last_start: Instant,
    /// Nothing is waited for after this.
    deadline: Instant,
}

/// Handles the events of a queue.
#[derive(Clone)]
pub struct Worker {
    /// What is done with a message.
    pub work: MessageHandler,
    /// How many flows are processed at the same time.
    pub parallel: usize,
    /// What counts what comes of them.
    pub meter: Meter,
}

impl Worker {
    /// Handles one event, in `time_left` at the most. Each record is either done with or reported.
    pub async fn handle(&self, event: SqsEvent, time_left: Duration) -> SqsBatchResponse {
        let schedule = self.schedule(time_left);
        let permits = Semaphore::new(self.parallel.max(1));
        let records = event.records.into_iter().map(Record::from);
        let (again, new): (Vec<_>, Vec<_>) = records.partition(|record| record.again);
        let new_ones = Schedule {
            // There is no time for those that come again after all others: the others are sent again.
            last_start: if again.is_empty() {
                schedule.last_start
            } else {
                Instant::now()
            },
            ..schedule
        };
        let outcomes = new.into_iter();
        let outcomes = outcomes.map(|record| self.outcome(record, &permits, new_ones));
        let mut outcomes = join_all(outcomes).await;
        for record in again {
            outcomes.push(self.outcome(record, &permits, schedule).await);
        }
        // What is counted later, by a task that goes on, is added by the next invocation.
        self.meter.flush_soon().await;
        records::response(outcomes)
    }

    /// A flow is started only if an attempt that keeps to its limits ends in time: one that is cut off
    /// rests for the visibility timeout, and its vendor may be called, and paid, a second time. To
    /// send a message again costs next to nothing. A function that never has so much time starts flows
    /// in its first tenth.
    fn schedule(&self, time_left: Duration) -> Schedule {
        let attempt = self.work.process.limits.operation + AROUND_OPERATION + TIME_TO_REPORT;
        let needed = attempt.min(time_left * 9 / 10).max(LEAST_TIME);
        let now = Instant::now();
        Schedule {
            last_start: now + time_left.saturating_sub(needed),
            deadline: now + time_left.saturating_sub(TIME_TO_REPORT),
        }
    }

    async fn outcome(
        &self,
        record: Record,
        permits: &Semaphore,
        schedule: Schedule,
    ) -> (String, Outcome) {
        let Record {
            message_id,
            message,
            body_bytes,
            again,
            ..
        } = record;
        let Some(message) = message else {
            tracing::warn!(message_id, body_bytes, "message can't be read");
            return (message_id, Outcome::Failed);
        };
        let message = message.delivered(again);
        let deadline = schedule.deadline;
        // A place that is free at once is taken however late it is.
        let outcome = match timeout_at(schedule.last_start, permits.acquire()).await {
            Ok(Ok(_permit)) if Instant::now() < schedule.last_start => {
                self.process(&message_id, message, deadline).await
            }
            _ => self.send_again(&message_id, message, deadline).await,
        };
        (message_id, outcome)
    }

    /// A task of its own keeps a panic to itself, and goes on behind the report of one that is late:
    /// its lease and its fence make that harmless.
    async fn process(&self, message_id: &str, message: FlowMessage, deadline: Instant) -> Outcome {
        let work = self.work.clone();
        let flow_id = message.flow_id;
        let task = tokio::spawn(async move { work.handle(&message).await });
        match timeout_at(deadline, task).await {
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
    async fn send_again(
        &self,
        message_id: &str,
        message: FlowMessage,
        deadline: Instant,
    ) -> Outcome {
        let flow_id = message.flow_id;
        let sent = self.work.send_on(message.clone(), Duration::ZERO);
        match timeout_at(deadline, sent).await {
            Ok(Ok(())) => {
                tracing::info!(message_id, %flow_id, "message was sent again for want of time");
                return Outcome::Done;
            }
            Ok(Err(error)) => tracing::error!(
                message_id,
                %flow_id,
                error = &error as &dyn std::error::Error,
                "message was not sent again"
            ),
            Err(_) => tracing::error!(message_id, %flow_id, "message was not sent again in time"),
        }
        Outcome::Failed
    }
}
