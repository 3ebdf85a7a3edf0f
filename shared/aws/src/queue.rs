//! Messages in SQS.

mod receive;

use std::time::Duration;

use assetmill_core::ports::{FlowQueue, MAX_DELAY, Outgoing, Probe, Unavailable};
use async_trait::async_trait;
use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use crate::Clients;
use crate::backoff::Backoff;
use crate::fault::described;

/// The most messages of one call: SQS, `SendMessageBatch`
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessageBatch.html>).
const ENTRIES: usize = 10;
/// The most bytes of the bodies of one call. SQS takes 1 MiB today, and took this before, as other servers that speak its
/// protocol still do.
const BYTES: usize = 256 * 1024;
/// How many calls are made at the same time.
const PARALLEL: usize = 16;

/// One SQS queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
    visibility: Option<Duration>,
}

/// SQS refuses a message for what it is.
#[derive(Debug, thiserror::Error)]
#[error("a message was refused: {code}: {message}")]
struct Refused {
    code: String,
    message: String,
}

impl Queue {
    /// The queue at this URL.
    pub fn new(clients: &Clients, url: impl Into<String>) -> Self {
        Self {
            client: clients.sqs.clone(),
            url: url.into(),
            visibility: None,
        }
    }

    /// What is received stays out of sight for so long, whatever the queue says: whole seconds, 12 hours at the
    /// most. It MUST outlive the handling of a message, or another handles it too.
    #[must_use]
    pub fn received_for(self, visibility: Duration) -> Self {
        Self {
            visibility: Some(visibility),
            ..self
        }
    }

    /// Sends up to [`ENTRIES`] messages, until SQS took each of them.
    async fn send_entries(
        &self,
        mut entries: Vec<SendMessageBatchRequestEntry>,
    ) -> Result<(), Unavailable> {
        let mut backoff = Backoff::default();
        loop {
            let sent = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.clone()))
                .send()
                .await
                .map_err(unavailable)?;
            if let Some(fault) = sent.failed().iter().find(|failed| failed.sender_fault()) {
                return Err(Unavailable::new(
                    "queue",
                    Refused {
                        code: fault.code().to_owned(),
                        message: fault.message().unwrap_or_default().to_owned(),
                    },
                ));
            }
            entries.retain(|entry| sent.failed().iter().any(|failed| failed.id() == entry.id()));
            if entries.is_empty() {
                return Ok(());
            }
            let paused = backoff.pause(entries.len()).await;
            paused.map_err(|error| Unavailable::new("queue", error))?;
        }
    }
}

/// Each message belongs to the group of its tenant, so that one tenant's backlog does not make the
/// others wait
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html>).
#[async_trait]
impl FlowQueue for Queue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        let entries = messages.iter().enumerate().map(entry);
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let calls = together(entries, ENTRIES, BYTES, |entry| entry.message_body().len());
        stream::iter(calls)
            .map(|entries| self.send_entries(entries))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await
    }
}

#[async_trait]
impl Probe for Queue {
    fn dependency(&self) -> &'static str {
        "queue"
    }

    async fn probe(&self) -> Result<(), Unavailable> {
        self.client
            .get_queue_attributes()
            .queue_url(&self.url)
            .attribute_names(QueueAttributeName::QueueArn)
            .send()
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

/// What goes in one call: `items` in their order, so many and of so many bytes at the most. One that is larger goes
/// alone, and is refused for what it is.
fn together<Item>(
    items: Vec<Item>,
    most: usize,
    most_bytes: usize,
    bytes_of: impl Fn(&Item) -> usize,
) -> Vec<Vec<Item>> {
    let mut calls: Vec<Vec<Item>> = Vec::new();
    let mut bytes = 0;
    for item in items {
        bytes += bytes_of(&item);
        match calls.last_mut() {
            Some(call) if call.len() < most && bytes <= most_bytes => call.push(item),
            _ => {
                bytes = bytes_of(&item);
                calls.push(vec![item]);
            }
        }
    }
    calls
}

fn entry((id, outgoing): (usize, &Outgoing)) -> Result<SendMessageBatchRequestEntry, Unavailable> {
    let body = serde_json::to_string(&outgoing.message);
    SendMessageBatchRequestEntry::builder()
        // Of ten in a row no two are the same.
        .id((id % ENTRIES).to_string())
        .message_body(body.map_err(|error| Unavailable::new("queue", error))?)
        .message_group_id(outgoing.message.tenant.as_str())
        .delay_seconds(whole_seconds(outgoing.delay))
        .build()
        .map_err(|error| Unavailable::new("queue", error))
}

/// SQS counts seconds, and a message may not come early.
fn whole_seconds(delay: Duration) -> i32 {
    let delay = delay.min(MAX_DELAY);
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    i32::try_from(seconds).unwrap_or(i32::MAX)
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> Unavailable {
    Unavailable::new("queue", described(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_is_never_cut_short() {
        for (milliseconds, seconds) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (900_000, 900)] {
            let delay = Duration::from_millis(milliseconds);
            assert_eq!(whole_seconds(delay), seconds, "{milliseconds}");
        }
        assert_eq!(whole_seconds(MAX_DELAY * 2), 900);
    }

    #[test]
    fn a_call_has_so_many_messages_and_so_many_bytes() {
        let calls = |sizes: &[usize]| together(sizes.to_vec(), 3, 10, |size| *size);
        assert_eq!(calls(&[1, 1, 1, 1]), [vec![1, 1, 1], vec![1]]);
        assert_eq!(calls(&[5, 5, 1]), [vec![5, 5], vec![1]]);
        assert_eq!(
            calls(&[4, 7, 3, 11, 1]),
            [vec![4], vec![7, 3], vec![11], vec![1]]
        );
        assert!(calls(&[]).is_empty());
    }
}
