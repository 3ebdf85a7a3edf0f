//! A queue that ends chains as Lambda's detection of recursive loops does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use assetmill_contract::memory::MemoryQueue;
use assetmill_core::FlowId;
use assetmill_core::ports::{FlowQueue, Outgoing, Unavailable};
use async_trait::async_trait;

/// The most messages that AWS lets lead to each other
/// (<https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html>).
pub(crate) const MAX_CHAIN: u32 = 16;

/// How long the chain is that led to the last message of each flow. AWS knows it from the trace header.
#[derive(Clone)]
pub(crate) struct Chains {
    queue: Arc<MemoryQueue>,
    lengths: Arc<Mutex<HashMap<FlowId, u32>>>,
    longest: Arc<AtomicU32>,
}

/// The queue, as somebody sends to it.
pub(crate) struct Sender {
    pub(crate) chains: Chains,
    /// Whether that is who handles one of its messages. A caller's request and a schedule begin new chains.
    pub(crate) goes_on: bool,
}

impl Chains {
    pub(crate) fn around(queue: Arc<MemoryQueue>) -> Self {
        Self {
            queue,
            lengths: Arc::default(),
            longest: Arc::default(),
        }
    }

    pub(crate) fn longest_chain(&self) -> u32 {
        self.longest.load(Ordering::SeqCst)
    }

    async fn send(&self, outgoing: &Outgoing, goes_on: bool) -> Result<(), Unavailable> {
        let length = {
            let mut lengths = self.lengths.lock().unwrap();
            let length = lengths.entry(outgoing.message.flow_id).or_default();
            *length = if goes_on { *length + 1 } else { 1 };
            *length
        };
        if length > MAX_CHAIN {
            return self
                .queue
                .dead_letters()
                .send(std::slice::from_ref(outgoing))
                .await;
        }
        self.longest.fetch_max(length, Ordering::SeqCst);
        self.queue.send(std::slice::from_ref(outgoing)).await
    }
}

#[async_trait]
impl FlowQueue for Sender {
    async fn send(&self, messages: &[Outgoing]) -> Result<(), Unavailable> {
        for outgoing in messages {
            self.chains.send(outgoing, self.goes_on).await?;
        }
        Ok(())
    }
}
