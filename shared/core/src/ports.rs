//! What the core asks the world for. Every MUST of flows, works, keys, outputs and queues is a case of the
//! contract suite (`assetmill-contract`), which every adapter passes. [`Sources`], [`WebhookSender`] and [`EventBus`] have one adapter each, whose
//! own tests prove it; [`Probe`]s are proved where the program is.
//!
//! The ports promise no more than S3, SQS and DynamoDB can keep: a write touches one row, lists may
//! lag behind writes, and messages may come twice.

mod activity;
mod changes;
mod clock;
mod event_bus;
mod flows;
mod gates;
mod idempotency;
mod limits;
mod outputs;
mod queue;
mod result_cache;
mod sources;
mod webhooks;

pub use activity::{ACTIVITY_KEPT_FOR, ActivityLog, ActivityReads};
pub use changes::FlowChanges;
pub(crate) use changes::JudgingRule;
pub use clock::{Clock, SteadyClock, SystemClock};
pub use event_bus::EventBus;
pub use flows::{
    ClaimOfWork, Claiming, Completion, CountedChange, FlowPage, FlowReads, FlowWrites, MadeWork,
    Rule, SettledCount,
};
pub use gates::{GateReads, GateRule, Gates};
pub use idempotency::IdempotencyKeys;
pub use limits::LimitsOfTenants;
pub use outputs::{
    AnnouncedUpload, OutputLinks, OutputWrites, SignedPut, SignedUrl, UploadLinks, link_times,
};
pub use queue::{Delivery, FlowDeliveries, FlowQueue, MAX_DELAY, Outgoing};
pub use result_cache::{ResultCache, WorkClaim, WorkHolder};
pub use sources::Sources;
pub use webhooks::{DUE_ENDPOINTS, OneWebhookRule, Outbox, WebhookRule, WebhookSender, Webhooks};

use async_trait::async_trait;

/// A dependency could not answer. Whether the call took effect is unknown.
#[derive(Debug, thiserror::Error)]
#[error("{dependency} is unavailable")]
pub struct Unavailable {
    /// Which dependency, such as `flows` or `queue`.
    pub dependency: &'static str,
    /// What it said; for the operator alone.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl Unavailable {
    /// `dependency` failed with `source`.
    pub fn new(
        dependency: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            dependency,
            source: source.into(),
        }
    }
}

/// A dependency that can tell whether it would answer.
#[async_trait]
pub trait Probe: Send + Sync {
    /// The name of the dependency.
    fn dependency(&self) -> &'static str;

    /// Asks the dependency something small. MUST fail when real requests would.
    async fn probe(&self) -> Result<(), Unavailable>;
}
