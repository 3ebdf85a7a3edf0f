//! Telling the bus of the deployment what happens.

mod again;
mod rows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use tokio::time::Instant;

pub use again::AnnounceAgain;

use self::rows::Announced;
use crate::ports::{EventBus, FlowWrites, Outbox, Probe, Unavailable};
use crate::{WebhookDelivery, WebhookEvent};

const DEPENDENCY: &str = "event_bus";
/// For how long a bus that took nothing is not asked: flows wait for its answer.
const RESTS_FOR: Duration = Duration::from_secs(30);
/// How long a bus may take to refuse some events before it rests, too: what is told together is told in many calls.
const REFUSES_WITHIN: Duration = Duration::from_secs(1);

/// For how long a bus that was there counts as being there.
const SEEN_FOR: Duration = Duration::from_mins(5);
/// For how long it is not asked again whether the bus is there, after that could not be learnt.
const UNKNOWN_FOR: Duration = Duration::from_secs(30);
/// How long a look at the dependencies waits for the bus. They are told to be down after two seconds.
const PROBED_FOR: Duration = Duration::from_millis(1500);

/// Tells the bus at once what happens, and notes what it does not take, for [`AnnounceAgain`] to tell it: a bus that
/// takes everything costs no row. A function makes one, as it remembers whether the bus is out of order.
#[derive(Clone)]
pub struct Announcer {
    bus: Arc<dyn EventBus>,
    seen: Arc<Mutex<Seen>>,
}

/// What is known of the bus, and for how long.
#[derive(Default, Clone, Copy)]
struct Seen {
    rests: Option<Until>,
    there: Option<Until>,
    unknown: Option<Until>,
}

/// A time on two clocks, of which the first to come counts: one may stand still while a function is frozen, and the
/// other may be set.
#[derive(Clone, Copy)]
struct Until {
    steady: Instant,
    by_the_wall: SystemTime,
}

impl Until {
    fn after(time: Duration) -> Self {
        Self {
            steady: Instant::now() + time,
            by_the_wall: SystemTime::now() + time,
        }
    }

    fn is_ahead(until: Option<Self>) -> bool {
        until.is_some_and(|it| Instant::now() < it.steady && SystemTime::now() < it.by_the_wall)
    }
}

impl Announcer {
    /// One that tells this bus.
    pub fn new(bus: Arc<dyn EventBus>) -> Self {
        Self {
            bus,
            seen: Arc::default(),
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
        let begun = Instant::now();
        // Both at once: flows wait for the longer one, and what is told to nobody does no harm.
        let (is_there, answers) = tokio::join!(self.is_there(), self.bus.publish(&events));
        if is_there == Some(false) {
            self.set_resting();
            return events;
        }
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
            let refused = refused.len();
            let rests = refused == told || begun.elapsed() > REFUSES_WITHIN;
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

    /// Whether the bus is there, as far as was known some minutes ago; `None` where that can't be learnt.
    pub(super) async fn is_there(&self) -> Option<bool> {
        let seen = *self.seen();
        if Until::is_ahead(seen.there) {
            return Some(true);
        }
        if Until::is_ahead(seen.unknown) {
            return None;
        }
        let is_there = self.bus.is_there().await;
        match is_there {
            Some(true) => self.seen().there = Some(Until::after(SEEN_FOR)),
            None => self.seen().unknown = Some(Until::after(UNKNOWN_FOR)),
            Some(false) => tracing::error!("bus is not there, and events wait for it"),
        }
        is_there
    }

    fn rests(&self) -> bool {
        let seen = *self.seen();
        Until::is_ahead(seen.rests)
    }

    fn set_resting(&self) {
        self.seen().rests = Some(Until::after(RESTS_FOR));
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing in it is half done at any time.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Probe for Announcer {
    fn dependency(&self) -> &'static str {
        DEPENDENCY
    }

    /// Asks whether it is there. One that is out of order is no reason not to be ready: nothing waits for it.
    async fn probe(&self) -> Result<(), Unavailable> {
        match tokio::time::timeout(PROBED_FOR, self.bus.is_there()).await {
            Ok(Some(false)) => Err(Unavailable::new(DEPENDENCY, "there is no such bus")),
            Ok(Some(true) | None) | Err(_) => Ok(()),
        }
    }
}
