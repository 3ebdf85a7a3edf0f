//! Telling the bus of the deployment what happens.

mod again;
mod rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use again::AnnounceAgain;

use self::rows::Announced;
use crate::ports::{EventBus, FlowWrites, Outbox, Unavailable};
use crate::{WebhookDelivery, WebhookEvent};

/// For how long a bus that took nothing is not asked: flows wait for its answer.
const RESTS_FOR: Duration = Duration::from_secs(30);

/// Tells the bus at once what happens, and notes what it does not take, for [`AnnounceAgain`] to tell it: a bus that
/// takes everything costs no row. A function makes one, as it remembers whether the bus is out of order.
#[derive(Clone)]
pub struct Announcer {
    bus: Arc<dyn EventBus>,
    rests_until: Arc<Mutex<Option<Instant>>>,
}

impl Announcer {
    /// One that tells this bus.
    pub fn new(bus: Arc<dyn EventBus>) -> Self {
        Self {
            bus,
            rests_until: Arc::default(),
        }
    }

    /// Rows of whose changes the bus is told. Everything that changes flows MUST do it through one of these.
    pub fn around(&self, flows: Arc<dyn FlowWrites>) -> Arc<dyn FlowWrites> {
        Arc::new(Announced {
            flows,
            announcer: self.clone(),
        })
    }

    /// Tells the bus, and notes in `outbox` what it does not take, without how far batches are: the next says more.
    ///
    /// # Errors
    /// [`Unavailable`] where it could not even be noted. The bus has none of what is said to be lost, or it comes twice.
    pub(super) async fn announce(
        &self,
        mut events: Vec<WebhookDelivery>,
        outbox: &dyn Outbox,
    ) -> Result<(), Unavailable> {
        if !self.rests() {
            events = self.tell(events).await;
        }
        events.retain(|event| event.event != WebhookEvent::BatchProgress);
        if events.is_empty() {
            return Ok(());
        }
        outbox.put_deliveries(&events).await
    }

    /// What the bus did not take.
    async fn tell(&self, events: Vec<WebhookDelivery>) -> Vec<WebhookDelivery> {
        let answers = self.bus.publish(&events).await;
        let told = events.len();
        let mut answers = answers.into_iter();
        let mut fault = None;
        let mut refused = events;
        refused.retain(|_| match answers.next() {
            Some(Ok(())) => false,
            Some(Err(error)) => {
                fault = Some(error);
                true
            }
            None => true,
        });
        if !refused.is_empty() {
            let (refused, rests) = (refused.len(), refused.len() == told);
            tracing::warn!(
                refused,
                rests,
                error = fault.as_deref(),
                "bus did not take events"
            );
            if rests {
                self.set_resting();
            }
        }
        refused
    }

    fn rests(&self) -> bool {
        let rests_until = *self.lock();
        rests_until.is_some_and(|until| Instant::now() < until)
    }

    fn set_resting(&self) {
        *self.lock() = Some(Instant::now() + RESTS_FOR);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        // It is written as a whole.
        self.rests_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
