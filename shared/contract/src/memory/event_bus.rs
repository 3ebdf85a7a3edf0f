use std::sync::Mutex;
use std::time::Duration;

use assetmill_core::WebhookDelivery;
use assetmill_core::ports::EventBus;
use async_trait::async_trait;

/// A bus in memory, which takes what it is made to take.
pub struct MemoryBus {
    takes: Takes,
    is_there: Mutex<Option<bool>>,
    answers_after: Mutex<Duration>,
    calls: Mutex<Vec<Vec<WebhookDelivery>>>,
    events: Mutex<Vec<WebhookDelivery>>,
}

type Takes = Box<dyn Fn(&WebhookDelivery) -> bool + Send + Sync>;

impl Default for MemoryBus {
    fn default() -> Self {
        Self::that_takes(|_| true)
    }
}

impl MemoryBus {
    /// One that takes the events of which this is so.
    pub fn that_takes(takes: impl Fn(&WebhookDelivery) -> bool + Send + Sync + 'static) -> Self {
        Self {
            takes: Box::new(takes),
            is_there: Mutex::new(Some(true)),
            answers_after: Mutex::default(),
            calls: Mutex::default(),
            events: Mutex::default(),
        }
    }

    /// What it says to who asks whether it is there. One that is not takes what nobody will ever hear of.
    pub fn set_there(&self, is_there: Option<bool>) {
        *self.is_there.lock().unwrap() = is_there;
    }

    /// Has it take so long to answer what it is told.
    pub fn set_slow(&self, answers_after: Duration) {
        *self.answers_after.lock().unwrap() = answers_after;
    }

    /// What it took, each as often as it did.
    pub fn every_event(&self) -> Vec<WebhookDelivery> {
        self.events.lock().unwrap().clone()
    }

    /// What it was told in each call.
    pub fn calls(&self) -> Vec<Vec<WebhookDelivery>> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl EventBus for MemoryBus {
    async fn publish(&self, events: &[WebhookDelivery]) -> Vec<Result<(), String>> {
        let answers_after = *self.answers_after.lock().unwrap();
        tokio::time::sleep(answers_after).await;
        self.calls.lock().unwrap().push(events.to_vec());
        let answer = |event: &WebhookDelivery| {
            if !(self.takes)(event) {
                return Err("refused".to_owned());
            }
            if *self.is_there.lock().unwrap() != Some(false) {
                self.events.lock().unwrap().push(event.clone());
            }
            Ok(())
        };
        events.iter().map(answer).collect()
    }

    async fn is_there(&self) -> Option<bool> {
        *self.is_there.lock().unwrap()
    }
}
