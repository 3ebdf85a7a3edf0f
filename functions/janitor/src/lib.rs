//! What keeps flows from being forgotten: on a schedule, batches whose sending did not finish are sent
//! again, and endpoints are told what they are to be told; from the dead-letter queue, flows whose messages crashed their workers are settled as
//! FAILED.

use std::time::Duration;

use assetmill_core::ports::Unavailable;
use assetmill_core::usecases::{
    AnnounceAgain, DeliverWebhooks, FailDeadLetter, Meter, Sweep, Swept,
};
use assetmill_lambda::records::{self, Outcome, Record};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

/// How many dead letters are handled at the same time.
const PARALLEL: usize = 10;
/// For how long endpoints are told before no more is begun: the schedule comes again each minute, and what was begun
/// has ended well within the function's timeout.
const TELL_FOR: Duration = Duration::from_secs(55);

/// What wakes the janitor.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Value")]
pub enum Event {
    /// Dead letters.
    DeadLetters(SqsEvent),
    /// The schedule.
    Schedule,
}

/// The event is not one that the janitor is to be woken by.
#[derive(Debug, thiserror::Error)]
#[error("neither an event of SQS nor a scheduled one of EventBridge: see events/janitor-*.json")]
pub struct NotAnEvent;

impl TryFrom<Value> for Event {
    type Error = NotAnEvent;

    /// Tells events apart by what they say of their source: those of S3 and SNS have `Records` as well.
    fn try_from(event: Value) -> Result<Self, NotAnEvent> {
        if event["source"] == "aws.events" && event["detail-type"] == "Scheduled Event" {
            return Ok(Self::Schedule);
        }
        let records = event["Records"].as_array().ok_or(NotAnEvent)?;
        if records
            .iter()
            .all(|record| record["eventSource"] == "aws:sqs")
        {
            let event = serde_json::from_value(event).map_err(|_| NotAnEvent)?;
            return Ok(Self::DeadLetters(event));
        }
        Err(NotAnEvent)
    }
}

/// What the janitor did.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Done {
    /// Which dead letters it could not handle.
    DeadLetters(SqsBatchResponse),
    /// What it found to do on schedule: see [`Swept`].
    Swept {
        /// Batches that were left half sent.
        batches: usize,
        /// Flows that rested and were due.
        flows: usize,
        /// Batches from whose completion not all had followed.
        completions: usize,
        /// Attempts to tell an endpoint something.
        webhooks: usize,
        /// Attempts to tell the bus what it had not taken.
        announcements: usize,
    },
}

/// Settles and sends again.
#[derive(Clone)]
pub struct Janitor {
    /// What is done on schedule.
    pub sweep: Sweep,
    /// What is done with dead letters.
    pub fail_dead_letter: FailDeadLetter,
    /// What counts the flows of those.
    pub meter: Meter,
    /// What tells endpoints, on schedule.
    pub deliver_webhooks: DeliverWebhooks,
    /// What tells the bus again, on schedule, where there is one.
    pub announce_again: Option<AnnounceAgain>,
}

impl Janitor {
    /// Handles one event.
    ///
    /// # Errors
    /// [`Unavailable`] when the sweep could not even begin; the schedule comes again.
    pub async fn handle(&self, event: Event) -> Result<Done, Unavailable> {
        match event {
            Event::DeadLetters(event) => Ok(Done::DeadLetters(self.settle(event).await)),
            Event::Schedule => {
                // An endpoint that hangs keeps nothing from being swept, nor the other way round.
                let until = Instant::now() + TELL_FOR;
                let (swept, webhooks, announcements) = tokio::join!(
                    self.sweep.run(),
                    self.deliver_webhooks.run(until),
                    self.announce(until)
                );
                let Swept {
                    batches,
                    flows,
                    completions,
                } = swept?;
                Ok(Done::Swept {
                    batches,
                    flows,
                    completions,
                    webhooks: webhooks?,
                    announcements: announcements?,
                })
            }
        }
    }

    async fn announce(&self, until: Instant) -> Result<usize, Unavailable> {
        match &self.announce_again {
            Some(again) => again.run(until).await,
            None => Ok(0),
        }
    }

    async fn settle(&self, event: SqsEvent) -> SqsBatchResponse {
        let outcomes = stream::iter(event.records.into_iter().map(Record::from))
            .map(|record| self.outcome(record))
            .buffer_unordered(PARALLEL)
            .collect::<Vec<_>>();
        let outcomes = outcomes.await;
        self.meter.flush_soon().await;
        records::response(outcomes)
    }

    async fn outcome(&self, record: Record) -> (String, Outcome) {
        let Record {
            message_id,
            message,
            body_bytes,
            of_another_version,
            again: _,
        } = record;
        let Some(message) = message else {
            if of_another_version {
                tracing::error!(message_id, body_bytes, "dead letter is of another version");
                return (message_id, Outcome::Failed);
            }
            // It names no flow, and nothing that could be done with it is left: this line is what
            // remains, and alarms count it.
            tracing::error!(message_id, body_bytes, "dead letter can't be read");
            return (message_id, Outcome::Done);
        };
        match self.fail_dead_letter.handle(&message).await {
            Ok(()) => (message_id, Outcome::Done),
            Err(error) => {
                tracing::error!(
                    message_id,
                    flow_id = %message.flow_id,
                    error = &error as &dyn std::error::Error,
                    "dead letter was not handled"
                );
                (message_id, Outcome::Failed)
            }
        }
    }
}
