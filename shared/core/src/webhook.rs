//! Endpoints that tenants want to be told at, and what they are told: Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>).

mod announcement;
mod delivery;
mod filter;
mod payload;
mod secret;
mod url;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use delivery::{DeliveryAttempt, DeliveryState, Told, WebhookAnswer, WebhookDelivery};
pub use filter::{DeliveryFilter, DeliveryStanding, NotAStanding};
pub use secret::{NotAWebhookSecret, RetiredSecret, Signed, WebhookSecret};
pub use url::{NotAWebhookUrl, WebhookUrl};

use crate::{BatchId, DeliveryId, TenantId, WebhookId};

/// What an endpoint can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum WebhookEvent {
    /// A flow settled.
    #[serde(rename = "flow.settled")]
    FlowSettled,
    /// Flows of a batch settled, and others did not.
    #[serde(rename = "batch.progress")]
    BatchProgress,
    /// The last flow of a batch settled.
    #[serde(rename = "batch.completed")]
    BatchCompleted,
    /// An operator stopped an operation, of all tenants.
    #[serde(rename = "operation.paused")]
    OperationPaused,
}

impl WebhookEvent {
    /// Every one.
    pub const ALL: [Self; 4] = [
        Self::FlowSettled,
        Self::BatchProgress,
        Self::BatchCompleted,
        Self::OperationPaused,
    ];
    /// Those that the endpoint of a batch can be told of.
    pub const OF_BATCHES: [Self; 3] =
        [Self::FlowSettled, Self::BatchProgress, Self::BatchCompleted];

    /// As it stands in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FlowSettled => "flow.settled",
            Self::BatchProgress => "batch.progress",
            Self::BatchCompleted => "batch.completed",
            Self::OperationPaused => "operation.paused",
        }
    }
}

/// An endpoint for one batch alone, as whoever starts the batch asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchWebhook {
    /// Where it is.
    pub url: WebhookUrl,
    /// What it wants to be told of.
    pub events: BTreeSet<WebhookEvent>,
    /// What it knows its sender by; a new one where there is none.
    pub secret: Option<WebhookSecret>,
}

/// An endpoint of a tenant, or of one of its batches. Its serialised form is its row where rows are documents, secret and all.
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
    /// What it knew its sender by before, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredSecret>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it answered that it is gone for good: it is told nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
}

impl Webhook {
    /// How many endpoints a tenant may have.
    pub const MOST: usize = 10;
    /// How long a secret still signs after another took its place.
    pub const RETIRES_IN: Duration = Duration::from_hours(24);
    /// How many secrets sign beside the last one, however often there is a new one: whoever lost an answer and asks again
    /// has not lost the secret that it knows.
    pub const MOST_RETIRED: usize = 3;

    /// The endpoint of a batch that was accepted at `now`.
    pub fn of_batch(asked: BatchWebhook, batch: BatchId, tenant: TenantId, now: Timestamp) -> Self {
        Self {
            id: WebhookId::of_batch(batch),
            tenant,
            url: asked.url,
            events: asked.events,
            secret: asked.secret.unwrap_or_else(WebhookSecret::generate),
            retired: Vec::new(),
            created_at: now,
            disabled_at: None,
        }
    }

    /// As it is to be asked for, for a batch that runs failures of its own again.
    pub fn again(&self) -> BatchWebhook {
        BatchWebhook {
            url: self.url.clone(),
            events: self.events.clone(),
            secret: Some(self.secret.clone()),
        }
    }

    /// Whether it is to be told of such an event.
    pub fn wants(&self, event: WebhookEvent) -> bool {
        self.disabled_at.is_none() && self.events.contains(&event)
    }

    /// Signs with `secret` from now on, and with what it signed with before for [as long](Self::RETIRES_IN) as it may take
    /// the endpoint to learn of it.
    pub fn rotate(&mut self, secret: WebhookSecret, now: Timestamp) {
        self.retired.retain(|old| old.until > now);
        self.retired.push(RetiredSecret {
            secret: std::mem::replace(&mut self.secret, secret),
            until: now + Self::RETIRES_IN,
        });
        let forgotten = self.retired.len().saturating_sub(Self::MOST_RETIRED);
        self.retired.drain(..forgotten);
    }

    /// Signs a payload with every secret that counts now, the last one first: the endpoint verifies it with the one
    /// that it knows.
    pub fn sign(&self, id: DeliveryId, now: Timestamp, payload: String) -> Signed {
        let mut signed = self.secret.sign(id, now, payload);
        for old in self.retired.iter().rev().filter(|old| old.until > now) {
            signed.also_by(&old.secret);
        }
        signed
    }

    /// Until when a secret signs that is not the last one; `None` if none does.
    pub fn retires_at(&self, now: Timestamp) -> Option<Timestamp> {
        let until = self.retired.iter().map(|old| old.until);
        until.filter(|until| *until > now).max()
    }
}

#[cfg(test)]
mod tests;
