//! The ports in memory: the reference implementation, for tests.

mod clock;
mod flows;
mod outputs;
mod queue;
mod works;

pub use clock::RuntimeClock;
pub use flows::MemoryFlows;
pub use outputs::MemoryOutputs;
pub use queue::MemoryQueue;
pub use works::MemoryWorks;
