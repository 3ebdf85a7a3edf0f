//! The ports in memory: the reference implementation, for tests.

mod activity;
mod clock;
mod event_bus;
mod flows;
mod gates;
mod idempotency;
mod outputs;
mod queue;
mod result_cache;
mod webhooks;

pub use activity::MemoryActivityLog;
pub use clock::RuntimeClock;
pub use event_bus::MemoryBus;
pub use flows::MemoryFlows;
pub use gates::MemoryGates;
pub use idempotency::MemoryIdempotencyKeys;
pub use outputs::MemoryOutputs;
pub use queue::MemoryQueue;
pub use result_cache::MemoryResultCache;
pub use webhooks::MemoryWebhooks;
