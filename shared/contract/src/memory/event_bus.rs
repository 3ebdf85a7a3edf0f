use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use assetmill_core::WebhookDelivery;
use assetmill_core::ports::EventBus;
use async_trait::async_trait;

/// A bus in memory, which takes what it is made to take.
pub struct MemoryBus {
    takes: Takes,
    is_gone: AtomicBool,
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
            is_gone: AtomicBool::new(false),
            calls: Mutex::default(),
            events: Mutex::default(),
        }
    }

    /// Has it be there no more: it takes what nobody will ever hear of; or again.
    pub fn set_gone(&self, gone: bool) {
        self.is_gone.store(gone, Ordering::SeqCst);
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
        self.calls.lock().unwrap().push(events.to_vec());
        let answer = |event: &WebhookDelivery| {
            if !(self.takes)(event) {
                return Err("refused".to_owned());
            }
            if !self.is_gone.load(Ordering::SeqCst) {
                self.events.lock().unwrap().push(event.clone());
            }
            Ok(())
        };
        events.iter().map(answer).collect()
    }

    async fn is_there(&self) -> bool {
        !self.is_gone.load(Ordering::SeqCst)
    }
}
