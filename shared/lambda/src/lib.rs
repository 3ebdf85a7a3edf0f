//! What the Lambda functions share: their configuration, the ports on AWS, telemetry, and the records
//! of queues.
//!
//! A function's `main` builds everything once, at its cold start, and hands it to every invocation.

#[cfg(feature = "processing")]
pub mod callers;
pub mod capacity;
pub mod environment;
pub mod http;
#[cfg(feature = "processing")]
pub mod processing;
pub mod records;
pub mod start;
pub mod stores;

pub use environment::{Environment, EnvironmentError};
pub use stores::Stores;
