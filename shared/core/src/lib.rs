//! What Assetmill is about: flows, batches and operations, the use cases that move them, and the
//! ports through which they reach the world.
//!
//! This crate knows no AWS, no HTTP server and no codec. Adapters implement [`ports`]; functions
//! and programs call [`usecases`].

mod activity;
mod asset_url;
mod backoff;
mod batch;
mod digest;
mod failure;
mod flow;
mod idempotency;
mod ids;
mod limits;
mod operation;
pub mod pacing;
pub mod ports;
mod shares;
pub mod usecases;
mod webhook;

pub use activity::{Activity, ActivityInterval};
pub use asset_url::{AssetUrl, MAX_URL_BYTES, NotAUrl, RefusedUrl, Source, UrlRefusal};
pub use backoff::RetryPolicy;
pub use batch::{
    Batch, BatchName, BatchStatus, Counts, Labels, NotABatchName, NotLabels, SettledFlow,
};
pub use digest::{NotADigest, OutputKey, Sha256Digest, WorkKey};
pub use failure::{Failure, FailureCode, NotACode, OperationError};
pub use flow::{
    CallEnd, Cancellation, Claim, Deferral, Event, FailureGroupId, Fenced, Flow, FlowFilter,
    FlowMessage, FlowRef, FlowState, Happened, History, NextTry, NotAFailureGroupId, NotAState,
    OpenJob, Output, Progress, Report, Settlement, Status, StepProduct, Task, Wait,
};
pub use idempotency::{IdempotencyKey, KeyClaim, NotAKey};
pub use ids::{BatchId, DeliveryId, FlowId, NotAName, NotAnId, OperationName, TenantId, WebhookId};
pub use limits::{RequestRate, TenantLimits};
pub use operation::{
    Asset, Availability, Backpressure, Call, CallReference, Catalogue, Cost, Job, JobCall, LookUp,
    MAX_JOB_BYTES, MediaType, Operation, OperationDescription, ParamError, ParamKind, ParamSpec,
    ParamValue, Params, ParamsSchema, Product, Run, Step,
};
pub use shares::{Share, Shares};
pub use webhook::{
    BatchWebhook, DeliveryAttempt, DeliveryFilter, DeliveryStanding, DeliveryState, NotAStanding,
    NotAWebhookSecret, NotAWebhookUrl, RetiredSecret, Signed, Told, Webhook, WebhookAnswer,
    WebhookDelivery, WebhookEvent, WebhookSecret, WebhookUrl,
};

/// The largest number of assets in one batch, and of flow ids in one question about results.
pub const MAX_BATCH: usize = 10_000;
