//! The queue and its dead-letter queue.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_sqs::operation::create_queue::CreateQueueError;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::{Value, json};

use super::ResourceError;
use crate::Clients;

const KIND: &str = "queue";
/// How long dead letters stay, in seconds: 14 days, the longest that SQS keeps anything.
const DEAD_LETTERS_STAY: u32 = 1_209_600;

/// Where the queues are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueUrls {
    /// The queue of flows to process.
    pub queue: String,
    /// Its dead-letter queue.
    pub dead_letters: String,
}

/// How often, and how far apart, a message that is not acknowledged comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedriveSettings {
    /// How long a delivered message stays invisible, in whole seconds.
    pub visibility: Duration,
    /// How often a message is delivered before it is a dead letter.
    pub max_receives: u32,
}

pub(super) async fn create(
    clients: &Clients,
    name: &str,
    redrive: RedriveSettings,
) -> Result<QueueUrls, ResourceError> {
    let visibility = redrive.visibility.as_secs().to_string();
    let dead_letters = made(
        clients,
        &format!("{name}-dead-letters"),
        [
            (QueueAttributeName::VisibilityTimeout, visibility.clone()),
            (
                QueueAttributeName::MessageRetentionPeriod,
                DEAD_LETTERS_STAY.to_string(),
            ),
        ]
        .into(),
    )
    .await?;
    let policy = json!({
        "deadLetterTargetArn": attribute(clients, &dead_letters, QueueAttributeName::QueueArn).await?,
        "maxReceiveCount": redrive.max_receives,
    });
    let queue = made(
        clients,
        name,
        [
            (QueueAttributeName::VisibilityTimeout, visibility),
            (QueueAttributeName::RedrivePolicy, policy.to_string()),
        ]
        .into(),
    )
    .await?;
    Ok(QueueUrls {
        queue,
        dead_letters,
    })
}

pub(super) async fn find(clients: &Clients, name: &str) -> Result<QueueUrls, ResourceError> {
    let queue = url(clients, name).await?;
    let policy = attribute(clients, &queue, QueueAttributeName::RedrivePolicy).await?;
    let policy: Value = serde_json::from_str(&policy).unwrap_or_default();
    let dead_letters = policy["deadLetterTargetArn"]
        .as_str()
        .and_then(|arn| arn.rsplit(':').next())
        .ok_or_else(|| {
            ResourceError::plain(
                KIND,
                name,
                "it has no dead-letter queue; give it a redrive policy",
            )
        })?;
    Ok(QueueUrls {
        dead_letters: url(clients, dead_letters).await?,
        queue,
    })
}

/// Makes a queue, or finds the one of that name.
async fn made(
    clients: &Clients,
    name: &str,
    attributes: HashMap<QueueAttributeName, String>,
) -> Result<String, ResourceError> {
    let created = clients
        .sqs
        .create_queue()
        .queue_name(name)
        .set_attributes(Some(attributes))
        .send()
        .await;
    match created {
        Ok(created) => created
            .queue_url
            .ok_or_else(|| ResourceError::plain(KIND, name, "it has no URL")),
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateQueueError::is_queue_name_exists) =>
        {
            url(clients, name).await
        }
        Err(error) => Err(ResourceError::new(KIND, name, error)),
    }
}

async fn url(clients: &Clients, name: &str) -> Result<String, ResourceError> {
    let found = clients.sqs.get_queue_url().queue_name(name).send().await;
    found
        .map_err(|error| ResourceError::new(KIND, name, error))?
        .queue_url
        .ok_or_else(|| ResourceError::plain(KIND, name, "it has no URL"))
}

async fn attribute(
    clients: &Clients,
    url: &str,
    name: QueueAttributeName,
) -> Result<String, ResourceError> {
    let read = clients
        .sqs
        .get_queue_attributes()
        .queue_url(url)
        .attribute_names(name.clone())
        .send()
        .await
        .map_err(|error| ResourceError::new(KIND, url, error))?;
    let attributes = read.attributes.unwrap_or_default();
    Ok(attributes.get(&name).cloned().unwrap_or_default())
}
