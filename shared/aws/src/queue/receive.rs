use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::ports::{Delivery, FlowDeliveries, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::config::timeout::TimeoutConfig;
use aws_sdk_sqs::error::SdkError;
use aws_sdk_sqs::operation::delete_message::DeleteMessageError;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};

use super::{Queue, unavailable};

/// The most messages that SQS gives at once
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>).
const MAX_RECEIVE: usize = 10;
/// The longest that SQS lets a receiver wait.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// What a call may take beyond its wait.
const BEYOND: Duration = Duration::from_secs(5);

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

/// What an event source mapping does on Lambda, for a program that has none.
#[async_trait]
impl FlowDeliveries for Queue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Unavailable> {
        let wait = wait.min(LONGEST_WAIT);
        let timeouts = TimeoutConfig::builder()
            .operation_attempt_timeout(wait + BEYOND)
            .operation_timeout(wait + BEYOND)
            .build();
        let received = self
            .client
            .receive_message()
            .queue_url(&self.url)
            .max_number_of_messages(i32::try_from(max.min(MAX_RECEIVE)).unwrap_or(i32::MAX))
            .wait_time_seconds(seconds(wait))
            .set_visibility_timeout(self.visibility.map(seconds))
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .customize()
            .config_override(Builder::default().timeout_config(timeouts))
            .send()
            .await
            .map_err(unavailable)?;
        Ok(received
            .messages
            .unwrap_or_default()
            .into_iter()
            .filter_map(delivery)
            .collect())
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), Unavailable> {
        let delete = self.client.delete_message().queue_url(&self.url);
        let deleted = delete.receipt_handle(receipt).send().await;
        match deleted.map_err(SdkError::into_service_error) {
            // The receipt is of an earlier delivery, or the message is gone already.
            Ok(_) | Err(DeleteMessageError::ReceiptHandleIsInvalid(_)) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }
}

/// A message that can't be read is left alone: after its last receive it is a dead letter, where
/// an operator finds it.
fn delivery(message: Message) -> Option<Delivery> {
    let body = message.body.as_deref().unwrap_or_default();
    let read: Result<FlowMessage, _> = serde_json::from_str(body);
    let receive_count = message
        .attributes
        .as_ref()
        .and_then(|all| all.get(&MessageSystemAttributeName::ApproximateReceiveCount))
        .and_then(|count| count.parse().ok());
    match read {
        Ok(read) => Some(Delivery {
            message: read,
            receipt: message.receipt_handle?,
            receive_count: receive_count.unwrap_or(1),
        }),
        Err(error) => {
            tracing::warn!(
                message_id = message.message_id,
                error = &error as &dyn std::error::Error,
                "message can't be read"
            );
            None
        }
    }
}
