//! Endpoints that tenants want to be told at, and what they are told: Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

mod delivery;
mod payload;
mod secret;
mod url;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use delivery::{DeliveryAttempt, DeliveryState, Told, WebhookAnswer, WebhookDelivery};
pub use secret::{NotAWebhookSecret, Signed, WebhookSecret};
pub use url::{NotAWebhookUrl, WebhookUrl};

use crate::{TenantId, WebhookId};

/// What an endpoint can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// The last flow of a batch settled.
    #[serde(rename = "batch.completed")]
    BatchCompleted,
}

impl WebhookEvent {
    /// As it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BatchCompleted => "batch.completed",
        }
    }
}

/// An endpoint of a tenant. Its serialised form is its row where rows are documents, secret and all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Its id.
    #[serde(rename = "webhook_id")]
    pub id: WebhookId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it is.
    pub url: WebhookUrl,
    /// What it wants to be told of.
    pub events: BTreeSet<WebhookEvent>,
    /// What it knows its sender by.
    pub secret: WebhookSecret,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it answered that it is gone for good: it is told nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

impl Webhook {
    /// How many endpoints a tenant may have.
    pub const MOST: usize = 10;

    /// Whether it is to be told of such an event.
    pub fn wants(&self, event: WebhookEvent) -> bool {
        self.disabled_at.is_none() && self.events.contains(&event)
    }
}
