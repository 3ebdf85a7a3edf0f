//! What an endpoint is told, and the rules by which that changes state.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::WebhookEvent;
use crate::{DeliveryId, TenantId, WebhookId};

/// How long to wait after each attempt that failed: ten attempts in 75 hours and a half, as the example of Standard
/// Webhooks has them.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];
/// The longest that an endpoint may ask for patience.
const LONGEST_PATIENCE: Duration = Duration::from_hours(24);
/// How far a wait may be from what it should be, as a share of it.
const JITTER: f64 = 0.1;
/// How long an attempt holds a delivery. MUST outlive an attempt, which is 15 seconds and what writing it down takes.
const HELD_FOR: Duration = Duration::from_mins(1);
/// How many attempts are remembered: two rounds of ten.
const MOST_ATTEMPTS: usize = 20;
/// The most characters of an error, and of the head of an answer, that are remembered.
const LONGEST_TEXT: usize = 512;

/// An event that one endpoint is told of. Its serialised form is its row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookDelivery {
    /// Its id, the same however often it is sent.
    #[serde(rename = "delivery_id")]
    pub id: DeliveryId,
    /// Who is told.
    pub webhook_id: WebhookId,
    /// Whether that is the endpoint of a batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_batch: bool,
    /// Whose endpoint that is.
    pub tenant: TenantId,
    /// Of what.
    pub event: WebhookEvent,
    /// What is sent, to the letter.
    pub payload: String,
    /// When it happened.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were begun since it was made or replayed.
    pub tries: u32,
    /// The last attempts that ended, the earliest first.
    pub attempts: Vec<DeliveryAttempt>,
    /// How often it was changed, from 1.
    pub revision: u64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum DeliveryState {
    /// Is to be sent.
    Pending {
        /// When, at the earliest; while it is being sent, when that counts as broken off.
        due_at: Timestamp,
    },
    /// The endpoint has it.
    Delivered {
        /// Since when.
        at: Timestamp,
    },
    /// It is not sent any more, unless somebody asks for it.
    GivenUp {
        /// Since when.
        at: Timestamp,
    },
}

/// An attempt that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When it began.
    pub at: Timestamp,
    /// The status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// What was wrong, where the status does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The beginning of the body of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}

/// What an endpoint answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookAnswer {
    /// The HTTP status.
    pub status: u16,
    /// How long it asked to be left alone.
    pub retry_after: Option<Duration>,
    /// Where it would have sent us instead.
    pub location: Option<String>,
    /// The beginning of the body.
    pub head: String,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The endpoint has it.
    Delivered,
    /// It is tried again.
    Later,
    /// That was the last attempt.
    GivenUp,
    /// The endpoint is gone for good, and wants to be told nothing any more.
    Gone,
}

impl WebhookDelivery {
    /// How long it is kept, from what it tells of on.
    pub const KEPT_FOR: Duration = Duration::from_hours(30 * 24);

    /// When it is to be sent; `None` if it is not.
    pub fn due_at(&self) -> Option<Timestamp> {
        match self.state {
            DeliveryState::Pending { due_at } => Some(due_at),
            DeliveryState::Delivered { .. } | DeliveryState::GivenUp { .. } => None,
        }
    }

    /// Begins an attempt: until that counts as broken off, nobody else begins one.
    #[must_use]
    pub fn begun(&self, now: Timestamp) -> Self {
        let mut begun = self.changed(DeliveryState::Pending {
            due_at: now + HELD_FOR,
        });
        begun.tries = self.tries.saturating_add(1);
        begun
    }

    /// Notes what came of the attempt that began at `began`. `share` is a random number, from 0 to 1.
    pub fn ended(
        &self,
        began: Timestamp,
        answer: Result<WebhookAnswer, String>,
        now: Timestamp,
        share: f64,
    ) -> (Self, Told) {
        let patience = answer.as_ref().ok().and_then(|answer| answer.retry_after);
        let attempt = DeliveryAttempt::of(began, answer);
        let (state, told) = match (attempt.status, self.wait(patience, share)) {
            (Some(200..=299), _) => (DeliveryState::Delivered { at: now }, Told::Delivered),
            (Some(410), _) => (DeliveryState::GivenUp { at: now }, Told::Gone),
            (_, None) => (DeliveryState::GivenUp { at: now }, Told::GivenUp),
            (_, Some(wait)) => (DeliveryState::Pending { due_at: now + wait }, Told::Later),
        };
        let mut ended = self.changed(state);
        ended.attempts.push(attempt);
        let forgotten = ended.attempts.len().saturating_sub(MOST_ATTEMPTS);
        ended.attempts.drain(..forgotten);
        (ended, told)
    }

    /// Notes what came of telling the bus. That it began was not noted: after a crash it is told again.
    pub fn announced(
        &self,
        answer: Result<(), String>,
        now: Timestamp,
        share: f64,
    ) -> (Self, Told) {
        let taken = WebhookAnswer {
            status: 200,
            ..WebhookAnswer::default()
        };
        let begun = Self {
            tries: self.tries.saturating_add(1),
            ..self.clone()
        };
        begun.ended(now, answer.map(|()| taken), now, share)
    }

    /// Ends it without an attempt, because of its endpoint.
    #[must_use]
    pub fn given_up(&self, now: Timestamp) -> Self {
        self.changed(DeliveryState::GivenUp { at: now })
    }

    /// Has it sent again as if it never was; its id and what it tells stay.
    #[must_use]
    pub fn replayed(&self, now: Timestamp) -> Self {
        let mut replayed = self.changed(DeliveryState::Pending { due_at: now });
        replayed.tries = 0;
        replayed
    }

    fn changed(&self, state: DeliveryState) -> Self {
        let mut changed = self.clone();
        changed.state = state;
        changed.revision = self.revision.saturating_add(1);
        changed
    }

    /// How long to wait for the next attempt; `None` after the last.
    fn wait(&self, patience: Option<Duration>, share: f64) -> Option<Duration> {
        if self.event == WebhookEvent::BatchProgress {
            // The next one says more.
            return None;
        }
        let place = usize::try_from(self.tries).ok()?.checked_sub(1)?;
        let wait = WAITS.get(place)?;
        let wait = wait.mul_f64(1.0 - JITTER + 2.0 * JITTER * share.clamp(0.0, 1.0));
        let patience = patience.unwrap_or_default().min(LONGEST_PATIENCE);
        Some(wait.max(patience))
    }
}

impl DeliveryAttempt {
    fn of(at: Timestamp, answer: Result<WebhookAnswer, String>) -> Self {
        let (status, error, head) = match answer {
            Ok(answer) => (Some(answer.status), wrong(&answer), answer.head),
            Err(error) => (None, Some(error), String::new()),
        };
        Self {
            at,
            status,
            error: error.map(bounded),
            answer: Some(bounded(head)).filter(|head| !head.is_empty()),
        }
    }
}

/// What the status alone does not say.
fn wrong(answer: &WebhookAnswer) -> Option<String> {
    match answer.status {
        300..=399 => Some(match &answer.location {
            Some(location) => format!("redirects are not followed; it leads to {location}"),
            None => "redirects are not followed".to_owned(),
        }),
        410 => Some("the endpoint is gone for good, and is told nothing any more".to_owned()),
        _ => None,
    }
}

fn bounded(text: String) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
