//! The records that SQS hands to a function, and the answer that tells which of them failed.

use std::time::Duration;

use assetmill_core::FlowMessage;
use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsMessage};

/// How often in a row a function may answer a message with another one. AWS ends a chain of functions and queues
/// after some 16 (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>), and what came
/// before the first message counts too.
pub const MAX_HOPS: u32 = 8;

/// A record of a queue: what to report it by, and what it says.
#[derive(Debug)]
pub struct Record {
    /// What a failure is reported by.
    pub message_id: String,
    /// The message; `None` when it can't be read.
    pub message: Option<FlowMessage>,
    /// How many bytes its body has.
    pub body_bytes: usize,
    /// Whether it asks for a task that this version does not know: a newer one may.
    pub of_another_version: bool,
    /// Whether it was handed to a function before, which did not tell what became of it.
    pub again: bool,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// SQS may delete it.
    Done,
    /// It has to come again, or, if it came too often, become a dead letter.
    Failed,
}

impl From<SqsMessage> for Record {
    fn from(record: SqsMessage) -> Self {
        let body = record.body.unwrap_or_default();
        let message = serde_json::from_str(&body).ok();
        Self {
            // Every record of SQS has one.
            message_id: record.message_id.unwrap_or_default(),
            of_another_version: message.is_none() && asks_for_a_task(&body),
            message,
            body_bytes: body.len(),
            again: record
                .attributes
                .get("ApproximateReceiveCount")
                .and_then(|count| count.parse::<u32>().ok())
                .is_some_and(|count| count > 1),
        }
    }
}

fn asks_for_a_task(body: &str) -> bool {
    let body: Option<serde_json::Value> = serde_json::from_str(body).ok();
    body.is_some_and(|body| body["task"].is_string())
}

/// Reports the records that failed; SQS deletes the others
/// (<https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>). One without an
/// id makes all of them come again, which is AWS's rule for a report that it can't follow.
pub fn response(outcomes: impl IntoIterator<Item = (String, Outcome)>) -> SqsBatchResponse {
    let failed = outcomes
        .into_iter()
        .filter(|(_, outcome)| *outcome == Outcome::Failed)
        .map(|(message_id, _)| {
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message_id;
            failure
        });
    let mut response = SqsBatchResponse::default();
    response.batch_item_failures = failed.collect();
    response
}

/// The longest that Lambda lets a function run
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-timeout.html>), in milliseconds.
const LONGEST_TIMEOUT: u64 = 900_000;

/// The time that an invocation has left, by the clock of the machine. `deadline` is in milliseconds
/// since 1970, as Lambda tells it; `cargo lambda watch` tells how long there is instead, which no
/// deadline can be taken for.
pub fn time_left(deadline: u64) -> Duration {
    if deadline <= LONGEST_TIMEOUT {
        return Duration::from_millis(deadline);
    }
    let now = jiff::Timestamp::now().as_millisecond();
    let now = u64::try_from(now).unwrap_or_default();
    Duration::from_millis(deadline.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_told_from_a_duration() {
        let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap();
        let left = time_left(now + 60_000);
        assert!(left > Duration::from_secs(50), "{left:?}");
        assert!(left <= Duration::from_mins(1), "{left:?}");
        assert_eq!(time_left(now - 1), Duration::ZERO);
        assert_eq!(time_left(600_000), Duration::from_mins(10));
    }
}
