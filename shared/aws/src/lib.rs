//! Assetmill on AWS: the ports on DynamoDB, SQS, S3 and EventBridge.
//!
//! Endpoints and credentials come from the environment as every AWS SDK reads it, so the same code
//! talks to AWS, to an emulator of it, and to any server that speaks the protocols.

pub mod clients;
pub mod resources;

mod backoff;
mod bucket;
mod event_bus;
mod fault;
mod queue;
mod table;

pub use bucket::Bucket;
pub use clients::{Clients, NotConfigured};
pub use event_bus::Bus;
pub use queue::Queue;
pub use table::Table;
