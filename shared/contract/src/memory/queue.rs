use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assetmill_core::FlowMessage;
use assetmill_core::ports::{Clock, Delivery, FlowDeliveries, FlowQueue, Outgoing, Unavailable};
use async_trait::async_trait;
use jiff::Timestamp;

/// A queue in memory, with its dead-letter queue.
pub struct MemoryQueue {
    clock: Arc<dyn Clock>,
    visibility: Duration,
    max_receives: u32,
    messages: Mutex<Vec<Stored>>,
    sent: AtomicU64,
    dead_letters: Option<Arc<MemoryQueue>>,
}

struct Stored {
    number: u64,
    message: FlowMessage,
    visible_at: Timestamp,
    receives: u32,
}

/// How often a waiting receiver looks.
const LOOK: Duration = Duration::from_millis(10);

impl MemoryQueue {
    /// A queue whose messages come again `visibility` after a delivery that was not acknowledged,
    /// and after `max_receives` of these stand in [`dead_letters`](Self::dead_letters).
    pub fn new(clock: Arc<dyn Clock>, visibility: Duration, max_receives: u32) -> Self {
        let dead_letters = Self {
            clock: clock.clone(),
            visibility,
            max_receives: u32::MAX,
            messages: Mutex::default(),
            sent: AtomicU64::new(0),
            dead_letters: None,
        };
        Self {
            clock,
            visibility,
            max_receives,
            messages: Mutex::default(),
            sent: AtomicU64::new(0),
            dead_letters: Some(Arc::new(dead_letters)),
        }
    }

    /// The dead-letter queue.
    pub fn dead_letters(&self) -> Arc<MemoryQueue> {
        self.dead_letters
            .clone()
            .expect("a dead-letter queue has none")
    }

    /// When the next message becomes visible; `None` when the queue is empty.
    pub fn next_visible(&self) -> Option<Timestamp> {
        let messages = self.messages.lock().unwrap();
        messages.iter().map(|stored| stored.visible_at).min()
    }

    fn push(&self, message: FlowMessage, visible_at: Timestamp) {
        let mut messages = self.messages.lock().unwrap();
        let number = self.sent.fetch_add(1, Ordering::Relaxed);
        messages.push(Stored {
            number,
            message,
            visible_at,
            receives: 0,
        });
    }

    fn take(&self, max: usize) -> Vec<Delivery> {
        let now = self.clock.now();
        let mut deliveries = Vec::new();
        self.messages.lock().unwrap().retain_mut(|stored| {
            if stored.visible_at > now || deliveries.len() >= max {
                return true;
            }
            if stored.receives >= self.max_receives {
                self.dead_letters().push(stored.message.clone(), now);
                return false;
            }
            stored.receives += 1;
            stored.visible_at = self.clock.after(self.visibility);
            deliveries.push(Delivery {
                message: stored.message.clone(),
                receipt: format!("{}:{}", stored.number, stored.receives),
                receive_count: stored.receives,
            });
            true
        });
        deliveries
    }
}

#[async_trait]
impl FlowQueue for MemoryQueue {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        for outgoing in messages {
            self.push(outgoing.message.clone(), self.clock.after(outgoing.delay));
        }
        Ok(())
    }
}

#[async_trait]
impl FlowDeliveries for MemoryQueue {
    async fn receive(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, Unavailable> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let deliveries = self.take(max);
            if !deliveries.is_empty() || tokio::time::Instant::now() >= deadline {
                return Ok(deliveries);
            }
            tokio::time::sleep(LOOK.min(wait)).await;
        }
    }

    async fn acknowledge(&self, receipt: &str) -> Result<(), Unavailable> {
        let mut messages = self.messages.lock().unwrap();
        messages.retain(|stored| format!("{}:{}", stored.number, stored.receives) != receipt);
        Ok(())
    }
}
