//! Telling the bus what it did not take.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use tokio::time::Instant;

use super::Announcer;
use crate::ports::{Clock, Unavailable, Webhooks};
use crate::{Told, WebhookDelivery};

/// How many events are found and told together, and of how many that is noted at the same time.
const TOGETHER: usize = 500;
const PARALLEL: usize = 16;

/// Tells the bus again what it did not take: ten times in some three days, as endpoints are told. Each event has a row
/// of its own, so one that is always refused keeps no other from being told.
#[derive(Clone)]
pub struct AnnounceAgain {
    /// Where that is noted.
    pub webhooks: Arc<dyn Webhooks>,
    /// What tells the bus.
    pub announcer: Announcer,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

impl AnnounceAgain {
    /// Tells what is due, until nothing is, the bus takes nothing, or `until` comes. How many were tried.
    ///
    /// # Errors
    /// [`Unavailable`] when what is due can't be found.
    pub async fn run(&self, until: Instant) -> Result<usize, Unavailable> {
        let mut tried = 0;
        // What a bus that is gone takes is lost, so these wait until it is seen.
        if self.announcer.is_there().await != Some(true) {
            return Ok(tried);
        }
        while Instant::now() < until {
            let now = self.clock.now();
            let due = self.webhooks.due_to_bus(now, TOGETHER).await?;
            if due.is_empty() {
                break;
            }
            tried += due.len();
            if !self.tell(due).await {
                break;
            }
        }
        Ok(tried)
    }

    /// Whether the bus took any, and that was noted: then it is worth going on.
    async fn tell(&self, due: Vec<WebhookDelivery>) -> bool {
        let mut answers = self.announcer.bus.publish(&due).await.into_iter();
        let answered = due.into_iter().map(|event| {
            let none = || Err("no answer".to_owned());
            (event, answers.next().unwrap_or_else(none))
        });
        let answered: Vec<_> = answered.collect();
        let noted = stream::iter(answered)
            .map(|(event, answer)| self.note(event, answer))
            .buffer_unordered(PARALLEL)
            .collect::<Vec<_>>();
        noted.await.contains(&true)
    }

    /// Whether the bus took it.
    async fn note(&self, event: WebhookDelivery, answer: Result<(), String>) -> bool {
        let now = self.clock.now();
        let (ended, told) = event.announced(answer, now, rand::random());
        log(&ended, told);
        // Somebody else may have told it too, and it comes twice.
        if let Err(error) = self.webhooks.replace_delivery(&ended).await {
            tracing::error!(
                delivery_id = %ended.id,
                error = &error as &dyn std::error::Error,
                "what the bus was told was not noted"
            );
            return false;
        }
        told == Told::Delivered
    }
}

fn log(event: &WebhookDelivery, told: Told) {
    let attempt = event.attempts.last();
    let error = attempt.and_then(|attempt| attempt.error.as_deref());
    match told {
        Told::Delivered => {}
        Told::Later => tracing::warn!(
            tenant = %event.tenant,
            delivery_id = %event.id,
            tries = event.tries,
            error,
            "bus did not take an event again"
        ),
        Told::GivenUp | Told::Gone => tracing::error!(
            tenant = %event.tenant,
            delivery_id = %event.id,
            tries = event.tries,
            error,
            "event given up, of which the bus was not told"
        ),
    }
}
