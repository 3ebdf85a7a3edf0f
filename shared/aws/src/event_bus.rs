//! The bus of a deployment in EventBridge.

use std::iter;

use assetmill_core::WebhookDelivery;
use assetmill_core::ports::EventBus;
use async_trait::async_trait;
use aws_sdk_eventbridge::operation::describe_event_bus::DescribeEventBusError;
use aws_sdk_eventbridge::primitives::DateTime;
use aws_sdk_eventbridge::types::{PutEventsRequestEntry, PutEventsResultEntry};
use futures_util::{StreamExt as _, stream};

use crate::Clients;
use crate::fault::described;

/// What rules know these events by.
const SOURCE: &str = "assetmill";
/// The most events of one call: EventBridge, `PutEvents`
/// (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>). Together they may have 1 MB, and might
/// have 256 KB before 2026; ten have less than that, as a payload has fewer than 20,000 bytes and an id.
const ENTRIES: usize = 10;
/// What is answered to whoever may not ask.
const DENIED: &str = "AccessDeniedException";
/// How many calls are made at the same time: those of 100 events.
const PARALLEL: usize = 10;

/// One bus of EventBridge.
#[derive(Debug, Clone)]
pub struct Bus {
    client: aws_sdk_eventbridge::Client,
    name: String,
}

impl Bus {
    /// The bus with this name or ARN.
    pub fn new(clients: &Clients, name: impl Into<String>) -> Self {
        Self {
            client: clients.eventbridge(),
            name: name.into(),
        }
    }

    /// Puts up to [`ENTRIES`] events. A call that is answered with 200 may have failed for some of them, or for all.
    async fn put(&self, events: &[WebhookDelivery]) -> Vec<Result<(), String>> {
        let entries = events.iter().map(|event| self.entry(event)).collect();
        let put = self.client.put_events().set_entries(Some(entries));
        match put.send().await {
            Ok(put) => {
                let mut answers = put.entries().iter();
                let answer = |_: &_| answers.next().map_or_else(none, taken);
                events.iter().map(answer).collect()
            }
            Err(error) => {
                let refused = Err(described(&error));
                iter::repeat_n(refused, events.len()).collect()
            }
        }
    }

    fn entry(&self, event: &WebhookDelivery) -> PutEventsRequestEntry {
        PutEventsRequestEntry::builder()
            .event_bus_name(&self.name)
            .source(SOURCE)
            .detail_type(event.event.as_str())
            .detail(&event.payload)
            .time(DateTime::from_millis(event.created_at.as_millisecond()))
            .build()
    }
}

#[async_trait]
impl EventBus for Bus {
    async fn publish(&self, events: &[WebhookDelivery]) -> Vec<Result<(), String>> {
        let calls: Vec<_> = events.chunks(ENTRIES).map(<[_]>::to_vec).collect();
        let answers = stream::iter(calls)
            .map(async |events| self.put(&events).await)
            .buffered(PARALLEL)
            .collect::<Vec<_>>();
        answers.await.concat()
    }

    /// EventBridge takes events for a bus that does not exist (<https://github.com/aws/aws-sdk/issues/186>). Whoever may not ask,
    /// as it may be with a bus of another account, is not told.
    async fn is_there(&self) -> Option<bool> {
        let described = self.client.describe_event_bus().name(&self.name);
        let Err(error) = described.send().await else {
            return Some(true);
        };
        match error.as_service_error() {
            Some(DescribeEventBusError::ResourceNotFoundException(_)) => Some(false),
            Some(denied) if denied.meta().code() == Some(DENIED) => Some(true),
            _ => None,
        }
    }
}

/// Whether EventBridge has an event: then it gave it an id.
fn taken(answer: &PutEventsResultEntry) -> Result<(), String> {
    if answer.event_id().is_some() {
        return Ok(());
    }
    let code = answer.error_code().unwrap_or("refused");
    let message = answer.error_message().unwrap_or_default();
    Err(format!("{code}: {message}"))
}

fn none() -> Result<(), String> {
    Err("EventBridge did not say that it has it".to_owned())
}
