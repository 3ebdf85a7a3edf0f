//! The queue of flows to process.

use std::time::Duration;

use async_trait::async_trait;

use super::Unavailable;
use crate::FlowMessage;

/// The longest that a message can be held back: SQS, `DelaySeconds`
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>).
/// Longer waits are made of several.
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The message.
    pub message: FlowMessage,
    /// How long to hold it back; at most [`MAX_DELAY`].
    pub delay: Duration,
}

impl Outgoing {
    /// A message for as soon as possible.
    pub fn now(message: FlowMessage) -> Self {
        Self {
            message,
            delay: Duration::ZERO,
        }
    }
}

/// Sends messages.
#[async_trait]
pub trait FlowQueue: Send + Sync {
    /// Sends messages. MUST take any number up to [`MAX_BATCH`](crate::MAX_BATCH), and MUST have
    /// sent all of them when it answers `Ok`: each is delivered at least once, and no earlier than
    /// its delay after. After an error some may be sent.
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable>;
}

/// A message that was delivered and not yet acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The message.
    pub message: FlowMessage,
    /// What this delivery is acknowledged by.
    pub receipt: String,
    /// How often the message was delivered, this time included.
    pub receive_count: u32,
}

/// Receives messages where no event source mapping does. A message that was delivered stays
/// invisible for the queue's visibility timeout and MUST come again after it unless acknowledged;
/// one that was delivered the queue's maximum number of times MUST come no more and stand in its
/// dead-letter queue instead. One that can't be read is not delivered, and keeps no other from being.
#[async_trait]
pub trait FlowDeliveries: Send + Sync {
    /// Up to `max` messages, or fewer where a queue gives fewer at once, waiting up to `wait` for the first.
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Unavailable>;

    /// Takes a message out of the queue. MUST be idempotent, and MUST NOT take out a message that
    /// was delivered again since.
    async fn acknowledge(&self, receipt: &str) -> Result<(), Unavailable>;
}
