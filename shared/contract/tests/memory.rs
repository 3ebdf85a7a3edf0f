//! The reference implementation keeps the contract.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use assetmill_contract::memory::{
    MemoryActivityLog, MemoryFlows, MemoryGates, MemoryIdempotencyKeys, MemoryOutputs, MemoryQueue,
    MemoryResultCache,
};
use assetmill_contract::suite::{self, Adapters, MAX_RECEIVES, VISIBILITY};
use assetmill_core::ports::SystemClock;

fn main() {
    suite::run("memory", || async {
        let queue = MemoryQueue::new(Arc::new(SystemClock), VISIBILITY, MAX_RECEIVES);
        let queue = Arc::new(queue);
        let flows = Arc::new(MemoryFlows::default());
        Adapters {
            webhooks: flows.webhooks(),
            flows,
            gates: Arc::new(MemoryGates::default()),
            activity: Arc::new(MemoryActivityLog::default()),
            result_cache: Arc::new(MemoryResultCache::default()),
            keys: Arc::new(MemoryIdempotencyKeys::default()),
            outputs: Arc::new(MemoryOutputs::default()),
            dead_letters: queue.dead_letters(),
            queue: queue.clone(),
            deliveries: queue,
            keep: Box::new(()),
        }
    })
}
