//! Operations and the catalogue that names them.

mod media_type;
mod params;
mod run;
mod sniff;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use media_type::MediaType;
pub use params::{ParamError, ParamKind, ParamSpec, ParamValue, Params, ParamsSchema};
pub use run::{Backpressure, Call, CallReference, Job, JobCall, LookUp, MAX_JOB_BYTES, Run};
pub use step::Step;

use crate::pacing::Limits;
use crate::{AssetUrl, Failure, FailureCode, OperationError, OperationName, RetryPolicy, TenantId};

/// A fetched asset.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Where it came from.
    pub url: AssetUrl,
    /// Its content; never empty, never above the limit of the port that fetched it.
    pub content: Bytes,
}

/// What an operation made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its content.
    pub content: Bytes,
    /// What it is.
    pub media_type: MediaType,
}

/// Whether running an operation costs the operator money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Running it twice wastes time alone.
    Free,
    /// Running it twice may be charged twice: it runs under an exclusive claim on its work.
    Paid,
}

/// Whether an operation can run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// It can.
    Available,
    /// It can't, and what would help.
    Unavailable {
        /// What the operator has to do.
        reason: String,
    },
}

/// What callers may know of an operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationDescription {
    /// Its name.
    pub name: OperationName,
    /// What it does, in a sentence.
    pub summary: String,
    /// The parameters that it takes.
    pub params: ParamsSchema,
    /// The media types that it takes; empty means any.
    pub accepts: Vec<MediaType>,
    /// The media types that it may make; empty means any.
    pub produces: Vec<MediaType>,
    /// Whether it can run here.
    pub availability: Availability,
    /// Whether it costs the operator money.
    pub cost: Cost,
}

/// A named entry of the catalogue: what to do with an asset.
#[async_trait]
pub trait Operation: Send + Sync {
    /// What callers may know of it. MUST always be the same for one value.
    fn description(&self) -> &OperationDescription;

    /// Tells definitions apart: MUST differ when the same source and parameters may give another
    /// product, and be equal otherwise. MUST NOT depend on secrets.
    fn fingerprint(&self) -> &str;

    /// How often it is tried; of an operation of several steps, how often each of them is.
    fn retry(&self) -> RetryPolicy;

    /// What it may be asked for.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The steps that it is made of, in their order; none where it is a step itself.
    fn steps(&self) -> &[Step] {
        &[]
    }

    /// The longest that [`begin`](Self::begin) takes, where it stops by itself.
    fn longest_run(&self) -> Option<Duration> {
        None
    }

    /// The longest that a job is asked about.
    fn longest_job(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether the end of a job needs the asset, which is then kept.
    fn keeps_asset(&self) -> bool {
        false
    }

    /// Whether a paid call whose end was never learnt is made again unasked, and perhaps paid for twice.
    fn resends_unconfirmed(&self) -> bool {
        false
    }

    /// Makes the product; one of several steps keeps nothing between them. MUST be cancel-safe: dropping the future stops the work. Of what all tenants
    /// share, such as cores and memory, it SHOULD take no more than what is fair to the others of `tenant`.
    async fn run(
        &self,
        tenant: &TenantId,
        asset: Asset,
        params: &Params,
    ) -> Result<Product, OperationError>;

    /// Begins to make the product, and makes it where nobody else takes it on. MUST be cancel-safe as
    /// [`run`](Self::run).
    async fn begin(&self, call: Call) -> Result<Run, OperationError> {
        let product = self.run(&call.tenant, call.asset, &call.params).await?;
        Ok(Run::Done(product))
    }

    /// Asks once about a job. MUST change nothing that was not begun yet; while it can't be learnt how the job is
    /// doing, it goes on.
    ///
    /// # Errors
    /// The error that ended the job.
    async fn ask(&self, job: JobCall) -> Result<Run, OperationError> {
        let _ = job;
        Err(OperationError::permanent(
            FailureCode::OperationUnavailable,
            "the operation takes on no jobs any more",
        ))
    }

    /// Whether [`look_up`](Self::look_up) can tell what became of a call.
    fn looks_up(&self) -> bool {
        false
    }

    /// Asks what became of a call whose end nobody learnt.
    ///
    /// # Errors
    /// The error that it ended with.
    async fn look_up(&self, call: Call) -> Result<LookUp, OperationError> {
        let _ = call;
        Ok(LookUp::Unknown(Failure::transient(
            FailureCode::VendorUnconfirmed,
            "the vendor can't be asked what became of the call",
        )))
    }
}

/// The operations that can be asked for, one of them by default.
#[derive(Clone)]
pub struct Catalogue {
    operations: BTreeMap<OperationName, Arc<dyn Operation>>,
    default: Arc<dyn Operation>,
}

impl Catalogue {
    /// A catalogue of these operations; `None` unless `default` names one of them.
    pub fn new(
        operations: impl IntoIterator<Item = Arc<dyn Operation>>,
        default: &OperationName,
    ) -> Option<Self> {
        let operations: BTreeMap<_, _> = operations
            .into_iter()
            .map(|operation| (operation.description().name.clone(), operation))
            .collect();
        let default = operations.get(default)?.clone();
        Some(Self {
            operations,
            default,
        })
    }

    /// The operation of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn Operation>> {
        let name: OperationName = name.parse().ok()?;
        self.operations.get(&name)
    }

    /// The operation that runs when a request names none.
    pub fn default_operation(&self) -> &Arc<dyn Operation> {
        &self.default
    }

    /// Every operation, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Operation>> {
        self.operations.values()
    }
}
