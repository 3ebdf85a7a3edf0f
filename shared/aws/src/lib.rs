//! Assetmill on AWS: the ports on DynamoDB, SQS and S3.
//!
//! Endpoints and credentials come from the environment as every AWS SDK reads it, so the same code
//! talks to AWS, to an emulator of it, and to any server that speaks the protocols.

pub mod clients;
pub mod resources;

mod backoff;
mod bucket;
mod fault;
mod queue;
mod table;

pub use bucket::Bucket;
pub use clients::{Clients, NotConfigured};
pub use queue::Queue;
pub use table::Table;
