//! What the program keeps things in: a folder, or AWS.

mod embedded;

use std::sync::Arc;

use assetmill_api::InFlight;
use assetmill_core::ports::{
    ActivityLog, FlowDeliveries, FlowQueue, FlowWrites, Gates, IdempotencyKeys, OutputLinks,
    OutputWrites, Probe, ResultCache, UploadLinks, Webhooks,
};
use axum::Router;

pub use embedded::{EmbeddedError, in_folder};

/// One adapter of each port.
pub struct Adapters {
    /// Rows.
    pub flows: Arc<dyn FlowWrites>,
    /// Remembered work.
    pub result_cache: Arc<dyn ResultCache>,
    /// Keys of requests.
    pub keys: Arc<dyn IdempotencyKeys>,
    /// Gates of operations.
    pub gates: Arc<dyn Gates>,
    /// What happened lately.
    pub activity: Arc<dyn ActivityLog>,
    /// Endpoints of tenants, and what they are told.
    pub webhooks: Arc<dyn Webhooks>,
    /// Stored outputs.
    pub outputs: Arc<dyn OutputWrites>,
    /// Where what was uploaded is read from.
    pub uploads: Arc<dyn OutputWrites>,
    /// Makes URLs of outputs.
    pub links: Arc<dyn OutputLinks>,
    /// Takes uploads that were announced.
    pub upload_links: Arc<dyn UploadLinks>,
    /// The sending end of the queue.
    pub queue: Arc<dyn FlowQueue>,
    /// Its receiving end.
    pub deliveries: Arc<dyn FlowDeliveries>,
    /// Flows that were being worked on when the last process died, where that can be told.
    pub quarantine: Option<Arc<dyn FlowDeliveries>>,
    /// The receiving end of the dead-letter queue.
    pub dead_letters: Arc<dyn FlowDeliveries>,
    /// The dependencies that readiness asks.
    pub probes: Vec<Arc<dyn Probe>>,
    /// The routes that the URLs of outputs and uploads lead to, if they lead here.
    pub routes: Router,
    /// The memory of what is on its way, there as elsewhere.
    pub in_flight: InFlight,
}
